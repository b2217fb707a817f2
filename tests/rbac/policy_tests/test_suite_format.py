"""Each part of the format of policy tests holds where it is true of the policy, and fails where it is not."""

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from rbac.mutation.run import mutate
from rbac.policy import Policy
from rbac.policy_tests.coverage import cover
from rbac.policy_tests.run import check_tests, run
from rbac.policy_tests.scenario_file import parse_suite, suite_warnings
from rbac.policy_tests.suite import ScenarioError, Suite
from rbac.routes import NO_ROUTES, KnownRoutes, Route
from tests.support.command import MODEL, ROOT, Workshop

SCHEMA = json.loads((ROOT / "rbac" / "policy_test.schema.json").read_bytes())
RULES = """\
p, everyone, /, GET, allow
p, clerk, /orders, GET, allow
p, clerk, /orders, POST, allow
p, clerk, /orders/{id}, GET, allow
p, manager, /orders/{id}, DELETE, allow
p, admin, /admin/*, *, allow
g, manager, clerk
g, admin, manager
"""
SHOP = KnownRoutes(
    tuple(
        Route(act, obj)
        for act, obj in (
            ("GET", "/"),
            ("GET", "/orders"),
            ("POST", "/orders"),
            ("GET", "/orders/{id}"),
            ("DELETE", "/orders/{id}"),
            ("GET", "/admin/users"),
        )
    )
)
GROUPS = """\
groups:
  roles:
    staff: [clerk, bosses]
    bosses: [manager, admin]
  endpoints:
    reading: [GET /orders, "GET /orders/{id}"]
    public: [GET /]
    all-orders: [reading, POST /orders]
"""


def suite(*tests: str, groups: str = GROUPS) -> Suite:
    text = f"suite: s\n{groups}tests:\n" + "".join(f"  - {test}\n" for test in tests)
    found, problems = parse_suite(text.encode(), "t.yaml")
    assert found is not None, problems
    assert list(Draft202012Validator(SCHEMA).iter_errors(yaml.safe_load(text))) == []
    return found


def failures(test: str, *more: str, rules: str = RULES, routes: KnownRoutes = SHOP) -> list[str]:
    policy = Policy.parse(MODEL.encode(), (rules + "".join(f"{rule}\n" for rule in more)).encode())
    return [case.says() for case in run(policy, [suite(test)], routes).failures]


BREAKS = {
    "a group of roles": (
        "{name: n, only: [staff], can: [GET /orders]}",
        "p, everyone, /orders, GET, allow",
        "nobody can GET /orders, and should not",
    ),
    "a group in a group": (
        "{name: n, only: [bosses], can: ['DELETE /orders/{id}']}",
        "p, clerk, /orders/{id}, DELETE, allow",
        "clerk can DELETE /orders/{id} (as /orders/1), and should not",
    ),
    "a group of endpoints": (
        "{name: n, role: clerk, can: [all-orders]}",
        "p, clerk, /orders, POST, deny",
        "clerk cannot POST /orders, and should",
    ),
    "the same test for each role": (
        "{name: n, roles-each: [clerk, bosses], can: [reading], cannot: [PUT /orders]}",
        "p, manager, /orders, PUT, allow",
        "manager can PUT /orders, and should not",
    ),
    "these methods and no other": (
        "{name: n, role: clerk, methods: only, can: [GET /orders, POST /orders]}",
        "p, clerk, /orders, PATCH, allow",
        "clerk can PATCH /orders, and should not",
    ),
    "these methods and no other, on every path of a template": (
        "{name: n, role: clerk, methods: only, can: ['GET /orders/{id}']}",
        "p, clerk, /orders/7, DELETE, allow",
        "clerk can DELETE /orders/{id} (as /orders/7), and should not",
    ),
    "these methods and no other, for those who may and for all others": (
        "{name: n, only: [staff], methods: only, can: [GET /orders, POST /orders]}",
        "p, everyone, /orders, TRACE, allow",
        "nobody can TRACE /orders, and should not",
    ),
    "nothing below": (
        "{name: n, role: manager, cannot: [{below: /admin/}]}",
        "p, manager, /admin/users, PUT, allow",
        "manager can PUT /admin/* (as /admin/users), and should not",
    ),
    "nothing below, where no route is": (
        "{name: n, role: manager, cannot: [{below: /admin}]}",
        "p, manager, /admin/secret/{id}, GET, allow",
        "manager can GET /admin/* (as /admin/secret/x), and should not",
    ),
    "these and nothing else": (
        "{name: n, role: clerk, exactly: [public, all-orders]}",
        "p, clerk, /reports, GET, allow",
        "clerk can GET /reports, and should not",
    ),
    "these and nothing else: another method": (
        "{name: n, role: clerk, exactly: [public, all-orders]}",
        "p, clerk, /orders, DELETE, allow",
        "clerk can DELETE /orders, and should not",
    ),
    "these and nothing less": (
        "{name: n, role: clerk, exactly: [public, all-orders]}",
        "p, clerk, /orders, GET, deny",
        "clerk cannot GET /orders, and should",
    ),
    "every method": (
        "{name: n, role: clerk, cannot: ['* /admin/users']}",
        "p, clerk, /admin/users, PATCH, allow",
        "clerk can PATCH /admin/users, and should not",
    ),
    "every method that can be": (
        "{name: n, role: admin, can: ['* /admin/users']}",
        "p, admin, /admin/users, PUT, deny",
        "admin cannot PUT /admin/users, and should",
    ),
    "a template, where a rule singles one path out": (
        "{name: n, role: clerk, cannot: ['DELETE /orders/{id}']}",
        "p, clerk, /orders/7, DELETE, allow",
        "clerk can DELETE /orders/{id} (as /orders/7), and should not",
    ),
    "a template, where a rule takes one path away": (
        "{name: n, only: [staff], can: ['GET /orders/{id}']}",
        "p, manager, /orders/7[0-9], GET, deny",
        "manager cannot GET /orders/{id} (as /orders/70), and should",
    ),
    "all that lies below": (
        "{name: n, role: admin, unrouted: true, can: ['GET /admin/*']}",
        "p, admin, /admin/secret, GET, deny",
        "admin cannot GET /admin/* (as /admin/secret), and should",
    ),
}


@pytest.mark.parametrize(("test", "rule", "said"), BREAKS.values(), ids=BREAKS)
@pytest.mark.parametrize("routes", [SHOP, NO_ROUTES], ids=["routes", "no routes"])
def test_each_part_of_the_format_holds_and_can_fail(
    test: str, rule: str, said: str, routes: KnownRoutes
) -> None:
    assert failures(test, routes=routes) == []
    assert said in failures(test, rule, routes=routes)


def test_why_is_said_where_the_test_fails() -> None:
    policy = Policy.parse(MODEL.encode(), b"p, clerk, /refunds, GET, allow\n")
    text = b"suite: s\ntests:\n  - {name: n, why: the audit of 2024, role: clerk, cannot: [GET /refunds]}\n"
    (problem,) = check_tests(policy, {"t.yaml": text})
    assert problem.hint.endswith("; the test is there because: the audit of 2024")
    (case,) = run(policy, [parse_suite(text, "t.yaml")[0] or suite()]).cases
    assert case.to_json()["why"] == "the audit of 2024"


def test_a_template_is_not_about_paths_that_have_a_route_of_their_own() -> None:
    export = "p, clerk, /orders/export, DELETE, allow"
    test = "{name: n, role: clerk, cannot: ['DELETE /orders/{id}']}"
    assert failures(test, export) == ["clerk can DELETE /orders/{id} (as /orders/export), and should not"]
    routes = KnownRoutes((*SHOP, Route("DELETE", "/orders/export")))
    assert failures(test, export, routes=routes) == []
    assert failures(test, export, routes=KnownRoutes((*SHOP, Route("GET", "/orders/export")))) != []
    exactly = "{name: n, role: clerk, exactly: [public, all-orders]}"
    assert "clerk can DELETE /orders/export, and should not" in failures(exactly, export, routes=routes)
    listed = "{name: n, role: clerk, exactly: [public, all-orders, DELETE /orders/export]}"
    assert failures(listed, export, routes=routes) == []


def test_exactly_finds_whatever_a_policy_opens_by_a_wildcard() -> None:
    test = "{name: n, role: admin, exactly: [public, all-orders, 'DELETE /orders/{id}', '* /admin/*']}"
    assert failures(test) == []
    assert any("GET /admin/" in line for line in failures(test.replace(", '* /admin/*'", "")))


def test_a_person_is_a_caller_of_the_same_test_for_each_role() -> None:
    test = "{name: n, roles-each: [clerk, manager], sub: ann, can: [GET /orders]}"
    assert failures(test) == []
    assert failures(test, "p, ann, /orders, GET, deny") == [
        "clerk with sub ann cannot GET /orders, and should",
        "manager with sub ann cannot GET /orders, and should",
    ]


def test_in_a_model_that_writes_colons_they_are_templates_of_tests_too() -> None:
    model = MODEL.replace("keyMatch3", "keyMatch2")
    rules = b"p, clerk, /orders/:id, GET, allow\np, clerk, /orders/7, GET, deny\n"
    policy = Policy.parse(model.encode(), rules)
    report = run(policy, [suite("{name: n, role: clerk, can: ['GET /orders/:id']}")])
    assert [case.says() for case in report.failures] == [
        "clerk cannot GET /orders/:id (as /orders/7), and should"
    ]


def test_every_method_of_a_model_that_has_none_of_http_is_every_action_it_names_and_another() -> None:
    model = MODEL.replace("keyMatch3(r.obj, p.obj)", "r.obj == p.obj")
    policy = Policy.parse(model.encode(), b"p, clerk, report, read, allow\np, admin, report, *, allow\n")
    report = run(policy, [suite("{name: n, role: admin, can: ['* report']}")])
    assert len(report.cases) == 2
    assert report.failures == ()
    assert [
        case.says() for case in run(policy, [suite("{name: n, role: clerk, cannot: ['* report']}")]).failures
    ] == ["clerk can read report, and should not"]


REFUSED = {
    "a template in another dialect": (
        "{name: n, role: clerk, cannot: ['GET /orders/:id']}",
        "test-unknown-path",
        "`{name}`",
    ),
    "a star in the middle": (
        "{name: n, role: clerk, unrouted: true, cannot: ['GET /a/*/b']}",
        "test-unknown-path",
        "`*` stands at the end",
    ),
    "below what is not there": (
        "{name: n, role: clerk, cannot: [{below: /amdin/}]}",
        "test-unknown-path",
        "unrouted",
    ),
    "a role that nothing tells apart": (
        "{name: n, role: ghost, cannot: [GET /orders]}",
        "test-cannot-fail",
        "unknown-role: true",
    ),
    "one of several roles that nothing tells apart": (
        "{name: n, roles: [clerk, ghost], can: [GET /orders]}",
        "test-cannot-fail",
        "",
    ),
    "one of the roles of a test for each": (
        "{name: n, roles-each: [clerk, ghost], cannot: [PUT /orders]}",
        "test-cannot-fail",
        "",
    ),
    "a misspelled group": (
        "{name: n, only: [stafff], can: [GET /orders]}",
        "test-unknown-role",
        "group `staff`",
    ),
}


@pytest.mark.parametrize(("test", "code", "hint"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_fail_is_an_error(test: str, code: str, hint: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        failures(test, "g, phantom, ghost")
    assert [problem.code for problem in caught.value.problems] == [code]
    assert hint in caught.value.problems[0].hint


def test_a_role_is_told_apart_by_what_it_inherits_and_by_what_is_denied_to_it() -> None:
    test = "{name: n, role: lead, cannot: [PUT /orders]}"
    assert failures(test, "g, lead, manager") == []
    assert failures(test, "p, lead, /orders, GET, deny") == []


def test_a_group_with_the_name_of_a_role_is_an_error() -> None:
    groups = "groups: {roles: {clerk: [manager]}}\n"
    policy = Policy.parse(MODEL.encode(), RULES.encode())
    with pytest.raises(ScenarioError) as caught:
        run(policy, [suite("{name: n, only: [clerk], can: [GET /orders]}", groups=groups)])
    assert "test-group" in {problem.code for problem in caught.value.problems}


def test_rules_that_these_tests_need_are_covered_and_their_breaks_noticed() -> None:
    policy = Policy.parse(MODEL.encode(), RULES.encode())
    tests = suite(
        "{name: the shop window, only: [everyone], methods: only, can: [public]}",
        "{name: clerks, role: clerk, exactly: [public, all-orders]}",
        "{name: managers, role: manager, exactly: [public, all-orders, 'DELETE /orders/{id}']}",
        "{name: admins, role: admin, exactly: [public, all-orders, 'DELETE /orders/{id}', '* /admin/*']}",
        "{name: nobody else, only: [staff], can: [all-orders]}",
        "{name: nobody else, only: [bosses], can: ['DELETE /orders/{id}']}",
        "{name: nobody else, only: [admin], unrouted: true, can: ['* /admin/*']}",
        "{name: nothing else, anonymous: true, exactly: [public]}",
        "{name: nothing else, unknown-role: true, exactly: [public]}",
    )
    report = run(policy, [tests], SHOP)
    assert report.failures == ()
    assert cover(policy, report, SHOP).uncovered == ()
    assert [survivor.mutation for survivor in mutate(policy, [tests], SHOP).survived] == []


def test_the_shop_of_the_documentation_reads_without_a_problem(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(
        f"suite: s\n{GROUPS}tests:\n  - {{name: n, role: clerk, can: [reading]}}\n"
    )
    assert check_tests(Policy.parse(MODEL.encode(), RULES.encode()), [tmp_path], SHOP) == ()


GROUPED = """\
suite: shop
groups:
  roles:
    staff: [clerk, inner]
    inner: [manager]
    {role_group}
  endpoints:
    reads: [GET /orders, more]
    more: [GET /refunds]
    {endpoint_group}
tests:
  - {{name: staff read, roles-each: [staff], can: [reads]}}
  - {{name: {name}, role: clerk, can: [GET /orders]}}
"""


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, []),
        ({"role_group": "alone: [clerk]"}, [(6, "test-unused-group")]),
        ({"endpoint_group": "alone: [GET /ordres]"}, [(10, "test-unused-group")]),
        ({"endpoint_group": "alone: [reads]"}, [(10, "test-unused-group")]),
        ({"name": "staff read"}, [(13, "test-duplicate")]),
        ({"name": '"Staff  read"'}, [(13, "test-duplicate")]),
    ],
)  # fmt: skip
def test_what_keeps_no_test_from_being_asked_is_a_warning(
    changes: dict[str, str], told: list[tuple[int, str]]
) -> None:
    text = GROUPED.format(**{"role_group": "", "endpoint_group": "", "name": "clerks"} | changes)
    suite, problems = parse_suite(text.encode(), "a.yaml")
    assert (suite is not None, problems) == (True, ())
    found = [*suite_warnings({"a.yaml": text.encode()})]
    assert [(each.line, each.code) for each in found] == told
    assert all(each.severity == "warning" and each.hint for each in found)


@pytest.mark.parametrize("name", ["GET", "get", "DELETE", "Options", "HEAD"])
def test_a_method_is_no_name_for_a_group_of_endpoints(name: str) -> None:
    text = GROUPED.format(role_group="", endpoint_group=f"{name}: [GET /orders]", name="clerks")
    suite, problems = parse_suite(text.encode(), "a.yaml")
    assert suite is None
    assert [(each.line, each.code) for each in problems] == [(10, "test-group")]


def test_the_command_tells_what_is_odd_and_asks_the_tests(workshop: Workshop) -> None:
    tests = workshop.tests(
        "{name: a, role: user, can: [GET /user]}", "{name: a, role: admin, can: [GET /admin]}"
    )
    done = workshop.rbac("test", str(tests))
    assert (done.code, "[test-duplicate]" in done.err) == (0, True), done.err
