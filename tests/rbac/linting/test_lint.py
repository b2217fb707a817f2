"""lint tells what is suspicious, at its place; on sound documents it is silent."""

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rbac.document.document import Document, check_bytes
from rbac.document.problem_codes import PROBLEM_CODES
from rbac.errors import Problem
from rbac.linting.lint import lint
from rbac.linting.patterns.in_patterns import ends
from rbac.routes import Route
from rbac.text.nearest import skeleton
from tests.support.documents import MODEL, POLICY, ROOT, stock_enforcer

BROKEN = ROOT / "tests/data/broken"
CASES = sorted(path for path in BROKEN.iterdir() if path.is_dir())
ROUTES = [Route("GET", "/user"), Route("GET", "/items/{id}"), Route("GET", "/openapi.json")]
# No document gives these. `test_model_file.py` shows the first with a Casbin that reads another way, `test_live.py` the
# others, which are about files, `test_document_cache.py` that of a cache, `test_adapter.py` that of rows, `test_faults.py` those of a store, and
# `test_check.py` endpoints that a wildcard alone opens.
UNREACHED = {
    "differs-from-casbin",
    "more-problems",
    "unreadable",
    "unwritable-row",
    "cache-refused",
    "unfinished",
    "store-unreachable",
    "store-empty",
    "store-altered",
    "store-behind",
    "store-forked",
    "store-not-set-up",
    "store-newer",
    "store-failed",
    "no-policy-tests",
    "test-not-read",
    "wrong-revocation",
    "wrong-time",
    "revocation-ahead",
    "reload-failed",
    "only-by-wildcard",
}


def problems_of(case: Path) -> tuple[Problem, ...]:
    own = case / "model.conf"
    model = own if own.exists() else BROKEN / "model.conf"
    document, problems = check_bytes(model.read_bytes(), (case / "policy.csv").read_bytes())
    if document is None:
        return problems
    return lint(document, ROUTES if case.name == "no_such_route" else None)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_broken_or_dubious_document_gives_exactly_these_problems(case: Path) -> None:
    found = [f"{p.file}:{p.line}:{p.column} {p.severity} {p.code}" for p in problems_of(case)]
    assert found == (case / "expected.txt").read_text().splitlines()


def test_there_is_a_document_for_every_code() -> None:
    seen = {problem.code for case in CASES for problem in problems_of(case)}
    assert seen | UNREACHED == set(PROBLEM_CODES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_problem_is_one_sentence_with_its_severity_from_the_table(case: Path) -> None:
    for problem in problems_of(case):
        assert problem.severity == PROBLEM_CODES[problem.code].severity or problem.file == "model.conf"
        assert not problem.message.endswith(".")
        assert "\n" not in problem.message
        assert problem.hint
        assert not re.match(r"[A-Z](?!asbin)", problem.message), problem.message


def test_the_page_of_problem_codes_has_each_code_once_with_its_meaning() -> None:
    page = (ROOT / "docs/problem-codes.md").read_text()
    assert re.findall(r"^### `([a-z-]+)`", page, re.MULTILINE) == list(PROBLEM_CODES)
    for code, known in PROBLEM_CODES.items():
        section = page.split(f"### `{code}`\n", 1)[1].split("\n##", 1)[0].lower()
        assert f"\n{known.meaning.lower()}.\n" in section
        assert f"what to do: {known.remedy.lower()}.\n" in section + "\n"


def test_the_console_says_in_japanese_what_each_code_means() -> None:
    table = (ROOT / "app/console/static/problems.ja.js").read_text(encoding="utf-8")
    said = dict(re.findall(r'^  "([a-z-]+)": "(.+)",$', table, re.MULTILINE))
    assert list(said) == list(PROBLEM_CODES)
    assert len(set(said.values())) == len(said)
    for code, sentence in said.items():
        assert sentence.endswith("。"), code
        assert re.search("[ぁ-ん]", sentence), code
        # What is quoted is what the page of the codes quotes: no word of a policy is translated.
        assert sentence.count("`") % 2 == 0, code


def test_the_shipped_document_has_nothing_to_warn_of() -> None:
    assert lint(Document.parse(MODEL, POLICY)) == ()


def test_a_real_document_gives_warnings_and_no_error() -> None:
    document = Document.read(ROOT / "tests/data/github/model.conf", ROOT / "tests/data/github/policy.csv")
    assert {problem.severity for problem in lint(document)} == {"warning"}


@pytest.mark.parametrize(
    ("asked", "warned"),
    [
        ("ipMatch(r.ip, p.ip)", True),
        ('(p.ip == "anywhere" || ipMatch(r.ip, p.ip))', True),
        ('(p.ip == "lan" || ipMatch(r.ip, p.ip))', False),
        ("(r.ip == p.ip || ipMatch(r.ip, p.ip))", False),
        ("(keyMatch(r.ip, p.ip) || ipMatch(r.ip, p.ip))", False),
        ('(p.ip in ("lan", "any") || ipMatch(r.ip, p.ip))', False),
    ],
)
def test_a_word_among_addresses_is_a_mistake_where_nothing_but_an_address_can_be_met(
    asked: str, warned: bool
) -> None:
    model = (BROKEN / "invalid_address/model.conf").read_text()
    model = model.replace('(p.ip == "anywhere" || ipMatch(r.ip, p.ip))', asked)
    found = lint(Document.parse(model.encode(), b"p, lan, /, GET, allow\n"))
    assert ("invalid-address" in {problem.code for problem in found}) is warned


@pytest.mark.parametrize(
    ("pattern", "closed"),
    [
        ("GET", False),
        ("^GET$", True),
        ("GET\\$", False),
        ("GET\\\\$", True),
        ("GET|POST$", False),
        ("GET$|POST$", True),
        ("^(GET|POST)$", True),
        ("(GET)|(POST)", False),
        ("(GET$|POST$)", True),
        ("(a$)(b)", False),
        ("(?:GET$)", True),
        (".*", True),
        ("[|]$", True),
        ("[)]|a$", False),
        ("GET\\Z", True),
    ],
)
def test_an_expression_is_closed_when_every_alternative_says_where_it_ends(
    pattern: str, closed: bool
) -> None:
    assert ends(pattern) is closed


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("admin", "аdmin", True),
        ("admin", "Admin", True),
        ("admin", "ad\u200bmin", True),
        ("site admin", "siteadmin", True),
        ("ａｄｍｉｎ", "admin", True),
        ("admin", "admins", False),
        ("role1", "role2", False),
    ],
)
def test_names_are_alike_when_a_hurried_reader_takes_one_for_the_other(
    one: str, other: str, alike: bool
) -> None:
    assert (skeleton(one) == skeleton(other)) is alike


ROLES = st.sampled_from(["everyone", "authenticated", "user", "admin", "clerk"])
PATHS = st.sampled_from(
    ["/*", "/a", "/a/*", "/a/{id}", "/a/{x}/c", "/a/b", "/a/b/c", "/{x}", "/{x}/*", "/a/b.c", "/a/{id}x"]
)
RULES = st.builds(
    lambda role, path, act, eft: f"p, {role}, {path}, {act}, {eft}",
    ROLES,
    PATHS,
    st.sampled_from(["GET", "PUT", "*"]),
    st.sampled_from(["allow", "allow", "deny"]),
)
LINKS = st.sets(st.sampled_from(["g, admin, user", "g, user, clerk", "g, admin, clerk"]))
REQUESTS = [
    (sub, role, path, act)
    for sub, role in [("", ""), ("bob", ""), ("bob", "user"), ("bob", "admin"), ("bob", "clerk")]
    for path in [
        "/",
        "/a",
        "/a/",
        "/a/b",
        "/a/b/c",
        "/a/q",
        "/a/q/c",
        "/a/qx",
        "/z",
        "/z/y",
        "/a/b.c",
        "/a/bxc",
        "/a/b/cc",
    ]
    for act in ["GET", "PUT", "HEAD"]
]
SHIPPED = MODEL
PRIORITY = MODEL.replace(
    b"e = some(where (p.eft == allow)) && !some(where (p.eft == deny))", b"e = priority(p.eft) || deny"
)
ALLOW_ONLY = MODEL.replace(b" && !some(where (p.eft == deny))", b"")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(RULES, min_size=2, max_size=7), LINKS, st.sampled_from([SHIPPED, PRIORITY, ALLOW_ONLY]))
def test_removing_a_rule_that_lint_calls_pointless_changes_no_answer(
    rules: list[str], links: set[str], model: bytes
) -> None:
    lines = [*rules, *sorted(links)]
    policy = "\n".join(lines).encode()
    found = lint(Document.parse(model, policy))
    without_effect = {"pointless-rule", "overridden-rule", "duplicate-rule", "ignored-deny"}
    pointless = sorted({problem.line for problem in found if problem.code in without_effect})
    answers = decide(model, policy)
    for line in pointless:
        rest = "\n".join(text for number, text in enumerate(lines, 1) if number != line).encode()
        assert decide(model, rest) == answers, lines[line - 1]


def decide(model: bytes, policy: bytes) -> list[bool]:
    enforcer = stock_enforcer(model, policy)
    return [enforcer.enforce(*request) for request in REQUESTS]


def test_no_check_is_quadratic_in_the_rules() -> None:
    """Ten thousand rules under one role would take minutes if each were compared with each."""
    rules = [f"p, user, /t/{i}/{{id}}, GET, allow" for i in range(10_000)]
    links = [f"g, 7f3c1e52-0000-4000-8000-{i:012d}, user" for i in range(10_000)]
    assert lint(Document.parse(MODEL, "\n".join(rules + links).encode())) == ()
