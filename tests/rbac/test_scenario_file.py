"""Policy test files are read strictly: what says something else than was meant is an error at its place."""

import json
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from rbac.scenario_file import ScenarioError, find_files, parse_suite, read_suites
from tests.support.command import ROOT

GOOD = """\
suite: Administration is for administrators
tests:
  - name: a user reads but does not administer
    role: user
    can:    [GET /user, GET /profile]
    cannot: [GET /admin, DELETE /users/42]
  - name: nobody else reaches administration
    only: [admin]
    can: [GET /admin]
"""


def test_the_file_of_the_design_reads_as_it_is_meant() -> None:
    suite, problems = parse_suite(GOOD.encode(), "tests.yaml")
    assert problems == ()
    assert suite is not None
    user, only = suite.scenarios
    assert suite.name == "Administration is for administrators"
    assert [name.text for name in user.caller.roles or ()] == ["user"]
    assert [(a.expected, a.words["act"], a.words["obj"]) for a in user.assertions] == [
        (True, "GET", "/user"),
        (True, "GET", "/profile"),
        (False, "GET", "/admin"),
        (False, "DELETE", "/users/42"),
    ]
    assert [name.text for name in only.caller.only or ()] == ["admin"]
    assert (user.place.line, user.assertions[2].place.line, user.assertions[2].place.column) == (3, 6, 14)


def one(test: str) -> str:
    """A file with this one entry, whose first line is line 3 and begins at column 5."""
    return f"suite: s\ntests:\n  - {test}\n"


WRONG = {
    "no such key in the file": (GOOD + "extra: 1\n", "test-unknown-key", 10, 1),
    "no such key in a test": (one("{name: n, rolle: user, can: [GET /]}"), "test-unknown-key", 3, 15),
    "a key twice": (one("{name: n, role: a, role: b, can: [GET /]}"), "test-duplicate", 3, 24),
    "a suite without a name": ("tests:\n  - {name: n, role: r, can: [GET /]}\n", "test-missing-key", 1, 1),
    "a suite without tests": ("suite: s\n", "test-missing-key", 1, 1),
    "an empty list of tests": ("suite: s\ntests: []\n", "test-asserts-nothing", 2, 8),
    "an empty file": ("", "test-asserts-nothing", 1, 1),
    "a file of comments": ("# nothing\n", "test-asserts-nothing", 1, 1),
    "a list instead of a mapping": ("- 1\n", "test-wrong-type", 1, 1),
    "a test that is a text": (one("just words"), "test-wrong-type", 3, 5),
    "a test without a name": (one("{role: r, can: [GET /]}"), "test-missing-key", 3, 5),
    "a test that asserts nothing": (one("{name: n, role: r}"), "test-asserts-nothing", 3, 5),
    "an empty list of assertions": (one("{name: n, role: r, can: []}"), "test-asserts-nothing", 3, 29),
    "an empty cannot beside a can": (
        one("{name: n, role: r, can: [GET /], cannot: []}"),
        "test-asserts-nothing",
        3,
        46,
    ),
    "no caller": (one("{name: n, can: [GET /]}"), "test-caller", 3, 5),
    "two callers": (one("{name: n, role: r, anonymous: true, can: [GET /]}"), "test-caller", 3, 35),
    "anonymous but not": (one("{name: n, anonymous: false, can: [GET /]}"), "test-caller", 3, 26),
    "a person without a token": (
        one("{name: n, anonymous: true, sub: x, can: [GET /]}"),
        "test-caller",
        3,
        37,
    ),
    "only and cannot": (one("{name: n, only: [r], can: [GET /], cannot: [GET /a]}"), "test-caller", 3, 48),
    "a role that YAML reads as false": (one("{name: n, role: no, can: [GET /]}"), "test-wrong-type", 3, 21),
    "a role that YAML reads as a number": (
        one("{name: n, roles: [7], can: [GET /]}"),
        "test-wrong-type",
        3,
        23,
    ),
    "an empty role": (one("{name: n, role: '', can: [GET /]}"), "test-wrong-type", 3, 21),
    "a role listed twice": (one("{name: n, only: [a, a], can: [GET /]}"), "test-duplicate", 3, 25),
    "a text where a list belongs": (one("{name: n, role: r, can: GET /}"), "test-wrong-type", 3, 29),
    "a path without a method": (one("{name: n, role: r, can: [/user]}"), "test-endpoint", 3, 30),
    "a method without a path": (one("{name: n, role: r, can: ['GET ']}"), "test-endpoint", 3, 30),
    "the same line twice": (one("{name: n, role: r, can: [GET /, GET /]}"), "test-duplicate", 3, 37),
    "unrouted that is no flag": (
        one("{name: n, role: r, unrouted: maybe, can: [GET /]}"),
        "test-wrong-type",
        3,
        34,
    ),
    "broken YAML": ("suite: s\ntests: [\n", "test-syntax", 3, 1),
    "two documents": (GOOD + "---\n" + GOOD, "test-syntax", 10, 1),
    "an unknown alias": ("suite: *nobody\ntests: []\n", "test-syntax", 1, 8),
    "a Python object": ("suite: !!python/object/apply:os.getcwd []\ntests: []\n", "test-wrong-type", 1, 8),
    "nested without end": ("[" * 5000, "test-syntax", 1, 1),
}


@pytest.mark.parametrize(("text", "code", "line", "column"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_an_error_at_its_place(text: str, code: str, line: int, column: int) -> None:
    suite, problems = parse_suite(text.encode(), "tests.yaml")
    assert suite is None
    assert (code, line, column) in [(p.code, p.line, p.column) for p in problems]
    assert all(p.severity == "error" and p.message and p.file == "tests.yaml" for p in problems)


def test_bytes_that_are_no_text_are_an_error_at_their_place() -> None:
    suite, problems = parse_suite(b"suite: s\ntests: \xff\n", "tests.yaml")
    assert suite is None
    assert [(p.code, p.line, p.column) for p in problems] == [("undecodable", 2, 8)]


def test_a_misspelled_key_is_answered_with_the_one_that_was_meant() -> None:
    _, problems = parse_suite(one("{name: n, rolle: user, can: [GET /]}").encode(), "tests.yaml")
    assert "`role`" in problems[0].hint


def test_all_problems_of_all_files_come_at_once(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yaml"):
        (tmp_path / name).write_text("suite: s\ntests: []\nextra: 1\n", encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        read_suites(find_files([tmp_path]))
    found = [(Path(problem.file).name, problem.line) for problem in caught.value.problems]
    assert found == [("a.yaml", 2), ("a.yaml", 3), ("b.yaml", 2), ("b.yaml", 3)]


def test_files_are_found_below_folders_in_order_and_once(tmp_path: Path) -> None:
    for name in ("z.yaml", "sub/a.yml", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = find_files([tmp_path, tmp_path / "z.yaml"])
    assert sorted(path.relative_to(tmp_path).as_posix() for path in found) == ["sub/a.yml", "z.yaml"]


def test_a_path_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        find_files([tmp_path / "nowhere"])


SCHEMA = json.loads((ROOT / "rbac" / "policy_test.schema.json").read_bytes())

# What a schema cannot see: keys and documents are gone once YAML is read.
BEYOND_A_SCHEMA = {
    "a key twice",
    "broken YAML",
    "two documents",
    "an unknown alias",
    "a Python object",
    "nested without end",
}


@pytest.mark.parametrize("case", sorted(WRONG.keys() - BEYOND_A_SCHEMA))
def test_the_schema_for_editors_refuses_what_the_reader_refuses(case: str) -> None:
    content = yaml.safe_load(WRONG[case][0])
    assert not Draft202012Validator(SCHEMA).is_valid(content)


@pytest.mark.parametrize("path", sorted((ROOT / "policy_tests").glob("*.yaml")), ids=lambda path: path.name)
def test_the_schema_for_editors_accepts_the_shipped_tests(path: Path) -> None:
    content = yaml.safe_load(path.read_bytes())
    assert list(Draft202012Validator(SCHEMA).iter_errors(content)) == []


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert list(Draft202012Validator(SCHEMA).iter_errors(yaml.safe_load(GOOD))) == []


EXAMPLES = [
    block
    for block in re.findall(
        r"```yaml\n(.*?)```", (ROOT / "docs/policy-tests.md").read_text("utf-8"), re.DOTALL
    )
    if block.startswith("suite:")
]


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_of_the_documentation_read_without_a_problem(example: str) -> None:
    assert parse_suite(example.encode(), "docs/policy-tests.md")[1] == ()
    assert list(Draft202012Validator(SCHEMA).iter_errors(yaml.safe_load(example))) == []


def test_every_code_is_in_the_documentation() -> None:
    sources = [
        ROOT / "rbac" / f"{name}.py" for name in ("scenario_file", "yaml_nodes", "questions", "scenarios")
    ]
    text = "".join(source.read_text("utf-8") for source in sources)
    refused = {f"test-{code}" for code in re.findall(r'self\.refuse\(\s*[^,(]+,\s*"([a-z-]+)"', text)}
    codes = refused | set(re.findall(r'"(test-[a-z-]+)"', text)) - {"test-failed"}
    documented = set(
        re.findall(r"^\| `(test-[a-z-]+)`", (ROOT / "docs/policy-tests.md").read_text("utf-8"), re.MULTILINE)
    )
    assert documented == codes


_TEXTS = st.sampled_from(
    ["user", "admin", "", " ", "GET /a", "GET /b", "GET", "GET  /a", " GET /a", "/a", "no", "é"]
)
_NAMES = st.lists(_TEXTS | st.integers(0, 1), max_size=3)
_WORDS = st.dictionaries(st.sampled_from(["act", "obj", "dom"]), _TEXTS | st.none(), max_size=2)
_ASSERTIONS = st.lists(_TEXTS | _WORDS | st.booleans(), max_size=3)
_OPTIONAL = {
    "role": _TEXTS | st.integers(0, 1) | _NAMES,
    "roles": _NAMES | _TEXTS,
    "sub": _TEXTS | st.none(),
    "anonymous": st.booleans() | st.none(),
    "unknown-role": st.booleans() | st.just("true"),
    "only": _NAMES,
    "with": _WORDS | _TEXTS,
    "unrouted": st.booleans() | st.integers(0, 1),
    "rolle": _TEXTS,
}


@st.composite
def _tests(draw: st.DrawFn) -> dict[str, object]:
    """A test that is nearly right: each key is there or not, and most have what they need."""
    made: dict[str, object] = {"name": draw(st.just("n") | _TEXTS | st.none())}
    callers = draw(st.lists(st.sampled_from(sorted(_OPTIONAL)), min_size=1, max_size=3, unique=True))
    made.update({key: draw(_OPTIONAL[key]) for key in callers})
    asserted = draw(st.lists(st.sampled_from(["can", "cannot"]), max_size=2, unique=True))
    return made | {key: draw(st.just(["GET /a"]) | _ASSERTIONS) for key in asserted}


@settings(max_examples=200, deadline=None)
@given(st.lists(_tests(), min_size=1, max_size=2))
def test_the_schema_and_the_reader_agree_about_every_file(tests: list[dict[str, object]]) -> None:
    content = {"suite": "s", "tests": tests}
    text = yaml.safe_dump(content, allow_unicode=True)
    _, problems = parse_suite(text.encode(), "tests.yaml")
    # That `GET /a` and `GET  /a` are the same line twice, a schema cannot see.
    beyond = {problem.code for problem in problems} == {"test-duplicate"}
    accepted = Draft202012Validator(SCHEMA).is_valid(content)
    assert accepted == (problems == ()) or (accepted and beyond), (text, problems)
