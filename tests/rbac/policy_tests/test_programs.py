"""Programs in policy tests and in questions: alone by their words, for a person by both halves, as a service decides."""

import itertools
import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from rbac.asking import CallingProgram
from rbac.decision_log.ruling import Asked, Ruling
from rbac.mutation.run import mutate
from rbac.policy import Policy
from rbac.policy_tests.coverage import cover
from rbac.policy_tests.run import check_tests, run
from rbac.policy_tests.scenario_file import parse_suite
from rbac.policy_tests.suite import ScenarioError, Suite
from rbac.review.access import can
from rbac.routes import KnownRoutes, Route
from tests.support.command import MODEL, ROOT, Workshop

SCHEMA = json.loads((ROOT / "rbac" / "policy_test.schema.json").read_bytes())
RULES = """\
p, everyone, /, GET, allow
p, user, /orders, GET, allow
p, admin, /admin, GET, allow
p, scope:orders/read, /orders, GET, allow
p, scope:all, /*, *, allow
p, batch, /report, GET, allow
p, client:banned, /*, *, deny
g, admin, user
g, client:job, batch
"""
ENDPOINTS = ("GET /", "GET /orders", "GET /admin", "GET /report")
SHOP = KnownRoutes(tuple(Route(*each.split()) for each in ENDPOINTS))

# By hand: who calls, and what of `ENDPOINTS` they may do.
CALLERS = {
    "client: job": "1..1",
    "client: other": "1...",
    "client: banned": "....",
    "{client: banned, scopes: [all]}": "....",
    "{client: other, scopes: [orders/read]}": "11..",
    "{client: job, scopes: [orders/read]}": "11.1",
    "scopes: [orders/read]": "11..",
    "scopes: [orders/read, all]": "1111",
    "scopes: []": "1...",
    "{role: admin, scopes: [orders/read]}": "11..",
    "{role: admin, scopes: [all]}": "111.",
    "{role: user, scopes: [all]}": "11..",
    "{roles: [user, admin], client: other}": "1...",
    "{roles: [], scopes: [all]}": "1...",
    "{sub: 7f3c1e52-0000-0000-0000-000000000000, scopes: [all]}": "1...",
    "{role: admin, client: banned, scopes: [all]}": "....",
    "{roles-each: [user, admin], scopes: [orders/read]}": "11..",
}


def policy(rules: str = RULES) -> Policy:
    return Policy.parse(MODEL.encode(), rules.encode())


def suite(*tests: str) -> Suite:
    text = "suite: s\ntests:\n" + "".join(f"  - {test}\n" for test in tests)
    found, problems = parse_suite(text.encode(), "t.yaml")
    assert found is not None, problems
    assert list(Draft202012Validator(SCHEMA).iter_errors(yaml.safe_load(text))) == []
    return found


def line_of(caller: str, mask: str) -> str:
    can = [endpoint for endpoint, mark in zip(ENDPOINTS, mask, strict=True) if mark == "1"]
    cannot = [endpoint for endpoint in ENDPOINTS if endpoint not in can]
    said = caller.strip("{}")
    lists = [f"{word}: [{', '.join(each)}]" for word, each in (("can", can), ("cannot", cannot)) if each]
    return f"{{name: x, {said}, {', '.join(lists)}}}"


@pytest.mark.parametrize(("caller", "mask"), CALLERS.items())
def test_who_may_do_what_is_what_was_written_by_hand(caller: str, mask: str) -> None:
    report = run(policy(), [suite(line_of(caller, mask))], SHOP)
    assert [case.says() for case in report.failures] == []
    turned = "".join("1" if mark == "." else "." for mark in mask)
    assert len(run(policy(), [suite(line_of(caller, turned))], SHOP).failures) == len(report.cases)


PEOPLE = [("", ("user",)), ("", ("user", "admin")), ("7f3c1e52-0000-0000-0000-000000000000", ())]
PROGRAMS = [
    CallingProgram.of(client, scopes)
    for client in ("job", "other", "banned")
    for scopes in ((), ("all",), ("orders/read",))
]


@pytest.mark.parametrize(("person", "program"), list(itertools.product(PEOPLE, PROGRAMS)))
def test_what_is_listed_for_both_halves_is_what_the_service_decides(
    person: tuple[str, tuple[str, ...]], program: CallingProgram
) -> None:
    asked = policy()
    sub, roles = person
    listed = can(asked, SHOP, roles=roles, sub=sub or None, through=program)
    for endpoint, decision in listed:
        words = (endpoint.obj, endpoint.act)
        own = Ruling.of_caller(asked, (sub or "somebody", (*roles, "")[0], *words), 1, roles)
        client = Ruling.of_caller(asked, (program.sub or "", program.roles[0], *words), 1, program.roles)
        assert decision == own.bounded_by(client, Asked(program.sub or "", program.roles)).decision


@pytest.mark.parametrize(
    ("test_", "code"),
    [
        ("{name: x, anonymous: true, scopes: [all], cannot: [GET /admin]}", "test-caller"),
        ("{name: x, only: [user], client: job, can: [GET /orders]}", "test-caller"),
        ("{name: x, unknown-role: true, client: job, cannot: [GET /admin]}", "test-caller"),
        ("{name: x, scopes: [all, all], can: [GET /]}", "test-duplicate"),
        ("{name: x, scopes: [all, 'scope:all'], can: [GET /]}", "test-duplicate"),
        ("{name: x, scopes: all, can: [GET /]}", "test-wrong-type"),
        ("{name: x, client: 7, can: [GET /]}", "test-wrong-type"),
        ("{name: x, client: '', can: [GET /]}", "test-wrong-type"),
        ("{name: x, scopes: [orders/raed], cannot: [GET /admin]}", "test-unknown-role"),
        ("{name: x, client: job, scopes: [nothing], cannot: [GET /admin]}", "test-unknown-role"),
    ],
)
def test_what_would_say_less_than_it_seems_is_refused(tmp_path: Path, test_: str, code: str) -> None:
    file = tmp_path / "t.yaml"
    file.write_text(f"suite: s\ntests:\n  - {test_}\n")
    problems = check_tests(policy(), [file], SHOP)
    assert {problem.code for problem in problems} == {code}
    assert all(problem.line == 3 for problem in problems)


def test_a_scope_that_is_mistyped_is_told_with_the_one_that_was_meant() -> None:
    with pytest.raises(ScenarioError, match="did you mean `orders/read`"):
        run(policy(), [suite("{name: x, scopes: [orders/reed], cannot: [GET /admin]}")], SHOP)


def test_both_halves_that_allow_count_as_exercised_and_a_half_that_denies_alone() -> None:
    def lines(test: str) -> set[int]:
        covered = cover(policy(), run(policy(), [suite(test)], SHOP))
        return set(range(1, 10)) - {rule.line for rule in covered.uncovered}

    assert lines("{name: x, role: user, scopes: [orders/read], can: [GET /orders]}") == {2, 4}
    assert lines("{name: x, role: user, client: banned, scopes: [all], cannot: [GET /orders]}") == {7}
    assert lines("{name: x, client: job, can: [GET /report]}") == {6, 9}


def test_what_mutation_suggests_about_programs_is_written_as_programs_and_notices() -> None:
    suites = [suite("{name: x, anonymous: true, can: [GET /]}")]
    report = mutate(policy(), suites, SHOP)
    suggested = "\n".join(report.suggestions)
    assert "scopes: [" in suggested
    assert "client: " in suggested
    assert "role: scope:" not in suggested
    text = "suite: s\ntests:\n" + "".join(f"  {line}\n" for line in suggested.splitlines())
    added, problems = parse_suite(text.encode(), "more.yaml")
    assert added is not None, problems
    again = mutate(policy(), [*suites, added], SHOP)
    assert (again.survived, again.score) == ((), 100.0)


def test_the_halves_are_asked_of_a_mutant_too() -> None:
    """The scope's rule is all that keeps the agent out of administration: a wider one is noticed."""
    tests = suite("{name: x, role: admin, scopes: [orders/read], can: [GET /orders], cannot: [GET /admin]}")
    found = mutate(policy(), [tests], SHOP)
    lines = {survivor.line for survivor in found.survived if "remov" in survivor.mutation}
    assert not {2, 4} & lines


def test_commands_ask_about_programs_and_show_both_halves(workshop: Workshop) -> None:
    workshop.rules(*RULES.splitlines())
    about = ("--act", "GET", "--obj", "/admin", "--role", "admin")
    done = workshop.rbac("explain", *about, "--scope", "orders/read")
    assert done.code == 1
    assert "both must be allowed" in done.out
    halves = workshop.rbac("explain", *about, "--scope", "orders/read", "--format", "json").json
    assert (halves["halves"]["person"]["allowed"], halves["halves"]["client"]["allowed"]) == (True, False)
    assert halves["allowed"] is False
    assert workshop.rbac("explain", *about, "--client", "x", "--scope", "all").code == 0
    alone = workshop.rbac(
        "explain", "--act", "GET", "--obj", "/report", "--client", "job", "--format", "json"
    ).json
    assert alone["role_path"] == ["client:job", "batch"]
    assert "halves" not in alone
    listed = workshop.rbac(
        "can", "--role", "admin", "--client", "x", "--scope", "orders/read", "--format", "json"
    ).json
    assert {each["obj"] for each in listed["endpoints"]} == {"/", "/orders"}
    alone = workshop.rbac("can", "--client", "job", "--format", "json").json
    assert {each["obj"] for each in alone["endpoints"]} == {"/", "/report"}
    assert (
        "no role `scope:orders/raed`; did you mean `scope:orders/read`"
        in workshop.rbac("can", "--scope", "orders/raed").err
    )
