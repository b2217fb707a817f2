"""Policy test files are read strictly: what says something else than was meant is an error at its place."""

import json
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from rbac.policy_tests.scenario_file import find_files, parse_suite, read_suites
from rbac.policy_tests.suite import ScenarioError
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


ONE_TEST = "tests:\n  - {name: n, role: r, can: [GET /]}\n"

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
    "a group that nobody defined": (
        one("{name: n, role: r, can: [reading]}"),
        "test-unknown-group",
        3,
        30,
    ),
    "groups of something else": (
        "suite: s\ngroups: {people: {a: [b]}}\n" + ONE_TEST,
        "test-unknown-key",
        2,
        10,
    ),
    "no groups": ("suite: s\ngroups: {}\n" + ONE_TEST, "test-asserts-nothing", 2, 9),
    "no groups of roles": ("suite: s\ngroups: {roles: {}}\n" + ONE_TEST, "test-asserts-nothing", 2, 17),
    "groups that are a list": ("suite: s\ngroups: [a]\n" + ONE_TEST, "test-wrong-type", 2, 9),
    "roles that are a list": ("suite: s\ngroups: {roles: [a]}\n" + ONE_TEST, "test-wrong-type", 2, 17),
    "a group that is a text": ("suite: s\ngroups: {roles: {a: b}}\n" + ONE_TEST, "test-wrong-type", 2, 21),
    "an empty group": ("suite: s\ngroups: {roles: {a: []}}\n" + ONE_TEST, "test-asserts-nothing", 2, 21),
    "a group of numbers": ("suite: s\ngroups: {roles: {a: [1]}}\n" + ONE_TEST, "test-wrong-type", 2, 22),
    "a group that nobody uses": (
        "suite: s\ngroups: {endpoints: {a: [/user]}}\n" + ONE_TEST,
        "test-endpoint",
        2,
        26,
    ),
    "a group with a space in its name": (
        "suite: s\ngroups: {endpoints: {a b: [GET /]}}\n" + ONE_TEST,
        "test-group",
        2,
        22,
    ),
    "a group that contains itself": (
        "suite: s\ngroups: {roles: {a: [a]}}\n" + ONE_TEST,
        "test-group-cycle",
        2,
        22,
    ),
    "groups that contain each other": (
        "suite: s\ngroups: {endpoints: {a: [GET /, b], b: [c], c: [a]}}\n" + ONE_TEST,
        "test-group-cycle",
        2,
        49,
    ),
    "a group where one role belongs": (
        "suite: s\ngroups: {roles: {r: [a]}}\n" + ONE_TEST,
        "test-group",
        4,
        21,
    ),
    "no role each": (one("{name: n, roles-each: [], can: [GET /]}"), "test-asserts-nothing", 3, 27),
    "a role each and a role": (
        one("{name: n, role: r, roles-each: [a], can: [GET /]}"),
        "test-caller",
        3,
        36,
    ),
    "methods of another kind": (
        one("{name: n, role: r, methods: all, can: [GET /]}"),
        "test-wrong-type",
        3,
        33,
    ),
    "methods in a list": (
        one("{name: n, role: r, methods: [GET], can: [GET /]}"),
        "test-wrong-type",
        3,
        33,
    ),
    "methods of what cannot be done": (
        one("{name: n, role: r, methods: only, cannot: [GET /]}"),
        "test-misplaced",
        3,
        33,
    ),
    "exactly and can": (
        one("{name: n, role: r, exactly: [GET /], can: [GET /a]}"),
        "test-misplaced",
        3,
        47,
    ),
    "exactly and cannot": (
        one("{name: n, role: r, exactly: [GET /], cannot: [GET /a]}"),
        "test-misplaced",
        3,
        50,
    ),
    "exactly and only": (one("{name: n, only: [r], exactly: [GET /]}"), "test-misplaced", 3, 21),
    "exactly and methods": (
        one("{name: n, role: r, methods: only, exactly: [GET /]}"),
        "test-misplaced",
        3,
        33,
    ),
    "exactly nothing": (one("{name: n, role: r, exactly: []}"), "test-asserts-nothing", 3, 33),
    "below what can be done": (
        one("{name: n, role: r, can: [{below: /a/}]}"),
        "test-misplaced",
        3,
        30,
    ),
    "below what is exactly to be done": (
        one("{name: n, role: r, exactly: [{below: /a/}]}"),
        "test-misplaced",
        3,
        34,
    ),
    "below no path": (one("{name: n, role: r, cannot: [{below: a}]}"), "test-endpoint", 3, 33),
    "no reason": (one("{name: n, why: '', role: r, can: [GET /]}"), "test-wrong-type", 3, 20),
    "a reason that is a number": (one("{name: n, why: 7, role: r, can: [GET /]}"), "test-wrong-type", 3, 20),
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


NEAREST = {
    "roles-each": one("{name: n, role-each: [user], can: [GET /]}"),
    "exactly": one("{name: n, role: user, exactley: [GET /]}"),
    "methods": one("{name: n, role: user, method: only, can: [GET /]}"),
    "why": one("{name: n, whyy: x, role: user, can: [GET /]}"),
    "groups": "suite: s\ngroup: {roles: {a: [b]}}\n" + ONE_TEST,
    "endpoints": "suite: s\ngroups: {endpoint: {a: [GET /]}}\n" + ONE_TEST,
    "reading": "suite: s\ngroups: {endpoints: {reading: [GET /]}}\ntests:\n"
    "  - {name: n, role: r, can: [raeding]}\n",
}


@pytest.mark.parametrize(("meant", "text"), NEAREST.items(), ids=NEAREST)
def test_each_misspelled_word_of_the_format_is_answered_with_the_nearest(meant: str, text: str) -> None:
    _, problems = parse_suite(text.encode(), "tests.yaml")
    assert f"did you mean `{meant}`?" in {problem.hint for problem in problems}


def test_what_groups_bring_twice_is_asked_once() -> None:
    suite, _ = parse_suite(
        b"suite: s\ngroups: {endpoints: {a: [GET /, GET /b], c: [a, GET /d]}}\n"
        b"tests:\n  - {name: n, role: r, can: [a, c, GET /e]}\n",
        "t.yaml",
    )
    assert suite is not None
    assert [a.words["obj"] for a in suite.scenarios[0].assertions] == ["/", "/b", "/d", "/e"]


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
    # What a name in a list stands for.
    "a group that nobody defined",
    "a group that contains itself",
    "groups that contain each other",
    "a group where one role belongs",
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
    text = "".join(
        source.read_text("utf-8") for source in sorted((ROOT / "rbac" / "policy_tests").glob("*.py"))
    )
    refused = {
        f"test-{code}" for code in re.findall(r'(?:self|reader)\.refuse\(\s*[^,(]+,\s*"([a-z-]+)"', text)
    }
    codes = refused | set(re.findall(r'"(test-[a-z-]+)"', text)) - {"test-failed"}
    page = (ROOT / "docs/policy-tests.md").read_text("utf-8")
    assert set(re.findall("`(test-[a-z-]+)`", page)) == codes


_TEXTS = st.sampled_from(
    ["user", "admin", "", " ", "GET /a", "GET /b", "GET", "GET  /a", " GET /a", "/a", "* /a", "*", "no", "é"]
)
_NAMES = st.lists(_TEXTS | st.integers(0, 1), max_size=3)
_WORDS = st.dictionaries(st.sampled_from(["act", "obj", "dom", "below"]), _TEXTS | st.none(), max_size=2)
_ASSERTIONS = st.lists(_TEXTS | _WORDS | st.booleans(), max_size=3)
_OPTIONAL = {
    "role": _TEXTS | st.integers(0, 1) | _NAMES,
    "roles": _NAMES | _TEXTS,
    "sub": _TEXTS | st.none(),
    "anonymous": st.booleans() | st.none(),
    "unknown-role": st.booleans() | st.just("true"),
    "only": _NAMES,
    "roles-each": _NAMES,
    "methods": st.just("only") | _TEXTS,
    "why": _TEXTS,
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
    asserted = draw(st.lists(st.sampled_from(["can", "cannot", "exactly"]), max_size=2, unique=True))
    return made | {key: draw(st.just(["GET /a"]) | _ASSERTIONS) for key in asserted}


@settings(max_examples=200, deadline=None)
@given(st.lists(_tests(), min_size=1, max_size=2))
def test_the_schema_and_the_reader_agree_about_every_file(tests: list[dict[str, object]]) -> None:
    content = {"suite": "s", "tests": tests}
    text = yaml.safe_dump(content, allow_unicode=True)
    _, problems = parse_suite(text.encode(), "tests.yaml")
    # That `GET /a` and `GET  /a` are the same line twice, and what a name stands for, a schema cannot see.
    beyond = {problem.code for problem in problems} <= {"test-duplicate", "test-unknown-group"}
    accepted = Draft202012Validator(SCHEMA).is_valid(content)
    assert accepted == (problems == ()) or (accepted and beyond), (text, problems)
