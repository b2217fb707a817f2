"""What `rbac test` suggests: no mistake cemented, nothing twice, no promise that nobody wants, and ready to stand."""

from pathlib import Path

import pytest

from rbac.diff.diff import diff
from rbac.mutation.run import MutationReport, mutate
from rbac.mutation.suggestion_file import SuggestionFileError, add_suggestions
from rbac.policy import Policy
from rbac.policy_tests.questions import questions
from rbac.policy_tests.scenario_file import parse_suite
from rbac.policy_tests.suite import Suite
from rbac.routes import KnownRoutes, Route
from tests.support.command import MODEL, Workshop
from tests.support.model_zoo import model

PERSON = "3b7e5c0a-9d5e-4a52-8f0e-6c1d2b9a4f11"
ROUTES = KnownRoutes(tuple(Route("GET", path) for path in ("/", "/reports", "/reports/{id}", "/orders")))
TEST = "- name: a user cannot GET /admin\n  role: user\n  cannot: [GET /admin]\n"
OTHER = "- name: nobody cannot GET /admin\n  anonymous: true\n  cannot: [GET /admin]\n"


def suites(*tests: str) -> tuple[Suite, ...]:
    body = "".join(f"  - {test}\n" for test in tests)
    suite, problems = parse_suite(f"suite: s\ntests:\n{body}".encode(), "t.yaml")
    assert suite is not None, problems
    return (suite,)


def report(rules: str, *tests: str, warned: tuple[int, ...] = ()) -> MutationReport:
    policy = Policy.parse(MODEL.encode(), rules.encode())
    return mutate(policy, suites(*tests), ROUTES, warned=warned)


NOTHING = "{name: n, anonymous: true, cannot: [GET /orders]}"


def test_for_a_line_that_check_warns_of_there_is_no_suggestion() -> None:
    rules = "p, auditor, /reports, GET, allow\np, clerk, /orders, GET, allow\n"
    found = report(rules, NOTHING, warned=(2,))
    assert {bool(one.suggested_test) for one in found.survived if one.line == 2} == {False}
    assert {bool(one.suggested_test) for one in found.survived if one.line == 1} == {True}
    assert "" not in found.suggestions


def test_the_command_suggests_nothing_for_what_check_warns_of(workshop: Workshop) -> None:
    workshop.rules("p, user, /user, GET, allow", "p, admin, /admin, get, allow")
    path = workshop.tests("{name: n, role: user, can: [GET /user], cannot: [GET /admin]}")
    found = workshop.rbac("test", path, "--mutate", "--format", "json").json["mutation"]["survived"]
    assert {one["suggested_test"] for one in found if one["line"] == 2} <= {""}
    assert not any("get /admin" in one["suggested_test"] for one in found)


def test_a_test_that_notices_several_breaks_is_suggested_once() -> None:
    found = report("p, auditor, /reports/{id}, GET, allow\np, clerk, /orders, GET, allow\n", NOTHING)
    assert len(found.suggestions) < len(found.survived)
    assert len(set(found.suggestions)) == len(found.suggestions)
    policy = Policy.parse(
        MODEL.encode(), b"p, auditor, /reports/{id}, GET, allow\np, clerk, /orders, GET, allow\n"
    )
    more = "".join(f"  {line}\n" for test in found.suggestions for line in test.splitlines())
    suite, problems = parse_suite(f"suite: s\ntests:\n  - {NOTHING}\n{more}".encode(), "t.yaml")
    assert suite is not None, problems
    assert mutate(policy, [suite], ROUTES).survived == ()


def test_no_test_promises_that_what_no_endpoint_answers_stays_open() -> None:
    found = report("p, auditor, /reports/*, GET, allow\n", NOTHING)
    assert found.suggestions
    for test in found.suggestions:
        if "  can:" in test:
            assert "unrouted" not in test
    assert not any("GET /reports/]" in test for test in found.suggestions)


def test_a_person_is_suggested_by_their_sub() -> None:
    found = report(f"p, {PERSON}, /orders, GET, allow\np, clerk, /reports, GET, allow\n", NOTHING)
    about = [test for test in found.suggestions if PERSON in test]
    assert about
    assert all(f"  sub: {PERSON}" in test.replace('"', "") for test in about)
    assert not any(f"role: {PERSON}" in test.replace('"', "") for test in about)


FILES = {
    "a file that is not there": None,
    "an empty file": "",
    "tests that are indented": "suite: s\n\ntests:\n  - {name: n, role: user, can: [GET /user]}\n",
    "tests that are not": "suite: s\ntests:\n- name: n\n  role: user\n  can: [GET /user]\n",
    "no line feed at the end": "suite: s\ntests:\n    - name: n\n      role: user\n      can: [GET /user]",
    "comments": "# a\nsuite: s # b\ntests: # c\n  # d\n  - {name: n, role: user, can: [GET /user]} # e\n# f\n",
}


@pytest.mark.parametrize("content", FILES.values(), ids=FILES)
def test_suggestions_stand_in_a_file_behind_what_it_holds(content: str | None, tmp_path: Path) -> None:
    file = tmp_path / "more.yaml"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    add_suggestions(file, [TEST, OTHER])
    text = file.read_text(encoding="utf-8")
    suite, problems = parse_suite(file.read_bytes(), "more.yaml")
    assert suite is not None, problems
    assert [one.name for one in suite.scenarios][-2:] == [
        "a user cannot GET /admin",
        "nobody cannot GET /admin",
    ]
    assert text.startswith((content or "").rstrip())
    assert text.endswith("cannot: [GET /admin]\n")


REFUSED = {
    "tests in brackets": "suite: s\ntests: [{name: n, role: user, can: [GET /user]}]\n",
    "tests that are not the last part": "tests:\n  - {name: n, role: user, can: [GET /user]}\nsuite: s\n",
    "no policy tests": "jobs: {}\n",
    "no YAML": "suite: [\n",
}


@pytest.mark.parametrize("content", REFUSED.values(), ids=REFUSED)
def test_a_file_that_cannot_take_them_stays_as_it_is(content: str, tmp_path: Path) -> None:
    file = tmp_path / "more.yaml"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(SuggestionFileError, match=r"more\.yaml"):
        add_suggestions(file, [TEST])
    assert file.read_text(encoding="utf-8") == content


def test_nothing_to_suggest_makes_no_file(tmp_path: Path) -> None:
    add_suggestions(tmp_path / "more.yaml", [])
    assert not (tmp_path / "more.yaml").exists()


@pytest.mark.parametrize(
    "rules",
    [
        "p, clerk, /reports/{id}, GET, allow\np, clerk, /reports/42, GET, deny\n",
        "p, clerk, /reports/{id}, GET, allow\np, clerk, /reports/[0-9]+, GET, deny\n",
        "p, clerk, /reports/[0-9]+, GET, allow\n",
        "p, clerk, /reports/[a-z]+, GET, allow\np, everyone, /reports/x, GET, allow\n",
        "p, clerk, /reports/{id}, GET, allow\n",
    ],
    ids=["one_denied", "some_denied", "some_allowed", "others_allowed", "all_allowed"],
)
def test_every_suggested_test_holds_as_the_policy_stands(rules: str) -> None:
    found = report(rules, NOTHING)
    more = "".join(f"  {line}\n" for test in found.suggestions for line in test.splitlines())
    suite, problems = parse_suite(f"suite: s\ntests:\n{more}".encode(), "t.yaml")
    assert suite is not None, problems
    policy = Policy.parse(MODEL.encode(), rules.encode())
    asked = questions(policy, (suite,), ROUTES)
    assert asked
    assert [question for question in asked if question.ask(policy).allowed != question.expected] == []


def test_the_command_writes_what_it_suggests_and_is_then_content(workshop: Workshop) -> None:
    path = workshop.tests("{name: n, role: user, can: [GET /user], cannot: [GET /admin]}")
    more = workshop.folder / "policy_tests" / "more.yaml"
    done = workshop.rbac("test", path, "--suggest", more)
    assert done.code == 0
    assert "added to" in done.out
    again = workshop.rbac("test", workshop.folder / "policy_tests", "--min-score", 100, "--suggest", more)
    assert again.code == 0, again.out
    assert "nothing to suggest" in again.out


WITHOUT_A_SUB = model(
    'g(r.role, p.role) && r.sub == "" && keyMatch(r.obj, p.obj) && r.act == p.act',
    r="sub, role, obj, act",
    p="role, obj, act",
    g="g = _, _",
)
TWO_WORDS = model(
    "r.sub == p.role && r.role == p.role && keyMatch(r.obj, p.obj) && r.act == p.act",
    r="sub, role, obj, act",
    p="role, obj, act",
)
TENANTS = model(
    "g(r.sub, p.sub, r.dom) && r.dom == p.dom && keyMatch(r.obj, p.obj) && r.act == p.act",
    r="sub, dom, obj, act",
    p="sub, dom, obj, act",
    g="g = _, _, _",
)
KINDS_OF_THINGS = model(
    "r.sub == p.sub && r.kind == p.kind && keyMatch(r.obj, p.obj) && r.act == p.act",
    r="sub, kind, obj, act",
    p="sub, kind, obj, act",
)
NAMED = {
    "a role without a sub": (
        WITHOUT_A_SUB,
        "p, admin, /a, GET\n",
        "a caller with the role admin and no sub can GET /a",
    ),
    "a role and a sub": (
        TWO_WORDS,
        "p, admin, /a, GET\n",
        "a caller with the role admin and the sub admin can GET /a",
    ),
    "a domain": (TENANTS, "p, editor, acme, /a, GET\n", "editor can GET /a, with dom acme"),
    "a word besides": (KINDS_OF_THINGS, "p, editor, page, /a, GET\n", "editor can GET /a, with kind page"),
    "nobody": (MODEL, "p, everyone, /a, GET, allow\n", "a caller without a token can GET /a"),
    "any token": (MODEL, "p, authenticated, /a, GET, allow\n", "any valid token can GET /a"),
    "a role": (MODEL, "p, admin, /a, GET, allow\n", "admin can GET /a"),
}


@pytest.mark.parametrize(("text", "rules", "name"), NAMED.values(), ids=NAMED)
def test_a_suggested_test_is_named_in_plain_words(text: str, rules: str, name: str) -> None:
    words = "with: {dom: x}, " if "dom" in text else "with: {kind: x}, " if "kind" in text else ""
    asked = suites(f"{{name: n, unknown-role: true, {words}cannot: [GET /]}}")
    found = mutate(Policy.parse(text.encode(), rules.encode()), asked).suggestions
    more = "".join(f"  {line}\n" for test in found for line in test.splitlines())
    suite, problems = parse_suite(f"suite: s\ntests:\n{more}".encode(), "t.yaml")
    assert suite is not None, problems
    assert name in [scenario.name for scenario in suite.scenarios]


def test_a_difference_for_nobody_as_they_come_is_told_in_plain_words() -> None:
    rules = "p, admin, /a, GET\n", "p, admin, /a, GET\np, admin, /b, GET\n"
    old, new = (Policy.parse(WITHOUT_A_SUB.encode(), text.encode()) for text in rules)
    callers = {change.caller.label for change in diff(old, new).people}
    assert callers == {"a caller with the role admin and no sub"}
