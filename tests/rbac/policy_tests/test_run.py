"""Policy tests ask what they say, fail where the policy disagrees, and refuse what cannot be asked."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from rbac.policy import Policy
from rbac.policy_tests.coverage import cover
from rbac.policy_tests.junit import junit_xml
from rbac.policy_tests.run import (
    Report,
    ScenarioError,
    check_tests,
    find_files,
    hold,
    parse_suite,
    read_suites,
    run,
    run_tests,
)
from rbac.routes import NO_ROUTES, KnownRoutes, Route
from tests.support.command import MODEL, ROOT

PERSON = "7f3c1e52-0000-0000-0000-000000000000"
LINKED = "00000000-1111-2222-3333-444444444444"
RULES = f"""\
p, everyone, /, GET, allow
p, authenticated, /profile, GET, allow
p, user, /user, GET, allow
p, user, /users/{{id}}, GET, allow
p, admin, /admin, GET, allow
p, admin, /users/me, DELETE, allow
g, admin, user
p, {PERSON}, /*, *, deny
g, {LINKED}, admin
"""
ROUTES = KnownRoutes(
    tuple(
        Route(act, obj)
        for act, obj in (
            ("GET", "/"),
            ("GET", "/profile"),
            ("GET", "/user"),
            ("GET", "/users/{id}"),
            ("DELETE", "/users/{id}"),
            ("GET", "/admin"),
            ("GET", "/files/{path:path}"),
        )
    )
)


def policy(rules: str = RULES, model: str = MODEL) -> Policy:
    return Policy.parse(model.encode(), rules.encode())


def outcome(*tests: str, rules: str = RULES, model: str = MODEL, routes: KnownRoutes = ROUTES) -> Report:
    body = "".join(f"  - {test}\n" for test in tests)
    suite, problems = parse_suite(f"suite: s\ntests:\n{body}".encode(), "t.yaml")
    assert suite is not None, problems
    return run(policy(rules, model), [suite], routes)


def said(report: Report) -> list[str]:
    return [case.says() for case in report.failures]


HOLDS = [
    "{name: n, role: user, can: [GET /user, GET /profile, GET /], cannot: [GET /admin, DELETE /users/42]}",
    "{name: n, role: admin, can: [GET /admin, GET /user, GET /users/42]}",
    "{name: n, roles: [user, admin], can: [GET /admin, GET /user]}",
    "{name: n, roles: [], can: [GET /profile], cannot: [GET /user]}",
    "{name: n, anonymous: true, can: [GET /], cannot: [GET /profile, GET /user]}",
    "{name: n, unknown-role: true, can: [GET /profile], cannot: [GET /user]}",
    "{name: n, sub: somebody-new, can: [GET /profile], cannot: [GET /user]}",
    f"{{name: n, sub: {PERSON}, role: admin, cannot: [GET /, GET /admin, GET /profile]}}",
    "{name: n, sub: 00000000-1111-2222-3333-444444444444, can: [GET /admin, GET /user]}",
    f"{{name: n, only: [admin, {LINKED}], can: [GET /admin]}}",
    f"{{name: n, only: [user, admin, {LINKED}], can: [GET /user, GET /users/42]}}",
    "{name: n, only: [], can: [POST /admin]}",
    '{name: a template stands for its paths, role: user, can: ["GET /users/{id}"]}',
    "{name: but that path is, role: admin, can: [DELETE /users/me]}",
    "{name: n, role: user, cannot: [GET /files/a/b/c]}",
    "{name: n, role: user, unrouted: true, cannot: [GET /nowhere]}",
]


@pytest.mark.parametrize("test", HOLDS)
def test_what_is_true_of_the_policy_holds(test: str) -> None:
    assert said(outcome(test)) == []


FAILS = {
    '{name: a template is also the path a rule singles out, role: admin, cannot: ["DELETE /users/{id}"]}': [
        "admin can DELETE /users/{id} (as /users/me), and should not"
    ],
    "{name: n, role: user, can: [GET /user, GET /admin]}": ["user cannot GET /admin, and should"],
    "{name: n, role: admin, cannot: [GET /user]}": ["admin can GET /user, and should not"],
    "{name: n, anonymous: true, can: [GET /profile]}": ["nobody cannot GET /profile, and should"],
    "{name: n, unknown-role: true, cannot: [GET /profile]}": [
        "an unknown role can GET /profile, and should not"
    ],
    f"{{name: n, sub: {PERSON}, can: [GET /]}}": [f"sub {PERSON} cannot GET /, and should"],
    "{name: n, roles: [user, admin], cannot: [GET /admin]}": [
        "user and admin can GET /admin, and should not"
    ],
    f"{{name: n, only: [user, {LINKED}], can: [GET /user]}}": ["admin can GET /user, and should not"],
    "{name: n, only: [user, admin], can: [GET /user]}": [f"{LINKED} can GET /user, and should not"],
    f"{{name: n, only: [admin, user, {LINKED}], can: [GET /admin]}}": ["user cannot GET /admin, and should"],
}


@pytest.mark.parametrize(("test", "expected"), FAILS.items())
def test_what_is_not_true_fails_and_says_what_was_decided(test: str, expected: list[str]) -> None:
    assert said(outcome(test)) == expected


def test_only_is_about_nobody_every_token_every_role_and_every_person() -> None:
    locked = PERSON  # asked about, too, and denied everything
    report = outcome("{name: n, only: [], can: [GET /, GET /profile]}")
    assert [case.question.caller for case in report.failures if case.question.obj == "/"] == [
        "nobody",
        "any valid token",
        "an unknown role",
        "admin",
        "user",
        LINKED,
    ]
    assert {case.question.caller for case in report.cases} >= {locked}
    assert "nobody" not in {
        case.question.caller for case in report.failures if case.question.obj == "/profile"
    }


RULES_FOR_ALL = (
    "p, everyone, /, GET, allow\np, authenticated, /profile, GET, allow\np, user, /user, GET, allow\n"
)


@pytest.mark.parametrize(
    ("test", "failures"),
    [
        ("{name: n, only: [everyone], can: [GET /]}", []),
        ("{name: n, only: [authenticated], can: [GET /profile]}", []),
        ("{name: n, only: [authenticated], can: [GET /]}", ["nobody can GET /, and should not"]),
        ("{name: n, only: [everyone], can: [GET /profile]}", ["nobody cannot GET /profile, and should"]),
    ],
)
def test_only_takes_the_words_of_the_model_for_whom_the_model_means(test: str, failures: list[str]) -> None:
    assert said(outcome(test, rules=RULES_FOR_ALL)) == failures


def test_a_failure_names_the_rule_and_its_line() -> None:
    report = outcome("{name: no users, role: admin, cannot: [GET /user], can: [POST /admin]}")
    # `can` is asked before `cannot`
    assert [case.because("policy.csv") for case in report.failures] == [
        "no rule allows it",
        "policy.csv:3: p, user, /user, GET, allow",
    ]
    (missing, excess) = report.problems()
    assert (missing.file, missing.line, missing.code) == ("t.yaml", 3, "test-failed")
    assert "`no users`" in excess.message
    assert "policy.csv:3" in excess.hint


CANNOT_BE_ASKED = {
    "an unknown role": (
        "{name: n, role: usr, cannot: [GET /admin]}",
        "test-unknown-role",
        "did you mean `user`",
    ),
    "an unknown role among several": (
        "{name: n, roles: [user, boss], can: [GET /]}",
        "test-unknown-role",
        "",
    ),
    "an unknown role in only": (
        "{name: n, only: [boss], can: [GET /]}",
        "test-unknown-role",
        "unknown-role: true",
    ),
    "a person as a role": (
        "{name: n, role: 00000000-1111-2222-3333-444444444444, can: [GET /]}",
        "test-unknown-role",
        "sub:",
    ),
    "a word of the model as a role": (
        "{name: n, role: everyone, can: [GET /]}",
        "test-unknown-role",
        "anonymous",
    ),
    "a path that no route has": (
        "{name: n, role: user, cannot: [GET /amdin]}",
        "test-unknown-path",
        "/admin",
    ),
    "a path below a route": (
        "{name: n, role: user, cannot: [GET /admin/x]}",
        "test-unknown-path",
        "unrouted",
    ),
    "a path with a query": (
        "{name: n, role: user, cannot: ['GET /admin?x=1']}",
        "test-unknown-path",
        "no query",
    ),
    "a path without its slash": ("{name: n, role: user, cannot: [GET admin]}", "test-unknown-path", ""),
    "a method in small letters": (
        "{name: n, role: user, cannot: [get /admin]}",
        "test-unknown-action",
        "`GET`",
    ),
    "HEAD": ("{name: n, role: user, cannot: [HEAD /admin]}", "test-unknown-action", "`GET`"),
    "no method at all": ("{name: n, role: user, cannot: [FETCH /admin]}", "test-unknown-action", "GET"),
    "a word the model has not": (
        "{name: n, role: user, with: {dom: a}, can: [GET /]}",
        "test-unknown-word",
        "obj",
    ),
    "a person by their address": (
        "{name: n, sub: bob@example.com, cannot: [GET /admin]}",
        "test-cannot-fail",
        "the person's `sub`",
    ),
    "a person in capitals": (
        "{name: n, sub: 7F3C1E52-0000-0000-0000-000000000000, cannot: [GET /admin]}",
        "test-cannot-fail",
        "the person's `sub`",
    ),
    "a path in angles": (
        "{name: n, role: user, can: ['GET /users/<id>']}",
        "test-unknown-path",
        "write `/users/{id}`",
    ),
    "a brace that is not closed": (
        "{name: n, role: user, can: ['GET /users/{id']}",
        "test-unknown-path",
        "write `/users/{id}`",
    ),
    "a placeholder without a name": (
        "{name: n, role: user, can: ['GET /users/{}']}",
        "test-unknown-path",
        "write `/users/{id}`",
    ),
    "the path said twice": (
        "{name: n, role: user, with: {obj: /user}, can: [GET /user]}",
        "test-duplicate",
        "",
    ),
    "a method beside below": (
        "{name: n, role: user, unrouted: true, cannot: [{below: /admin/, act: GET}]}",
        "test-misplaced",
        "`/*`",
    ),
    "below a path with a query": (
        "{name: n, role: user, unrouted: true, cannot: [{below: '/admin/?x'}]}",
        "test-unknown-path",
        "no query",
    ),
    "below a star": (
        "{name: n, role: user, unrouted: true, cannot: [{below: '/admin/*'}]}",
        "test-unknown-path",
        "write `below: /admin/`",
    ),
    "below another language's template": (
        "{name: n, role: user, unrouted: true, cannot: [{below: '/users/:id/'}]}",
        "test-unknown-path",
        "`:name`",
    ),
    "a word that the caller says": (
        "{name: n, role: user, with: {role: x}, can: [GET /]}",
        "test-caller",
        "",
    ),
}


@pytest.mark.parametrize(("test", "code", "hint"), CANNOT_BE_ASKED.values(), ids=CANNOT_BE_ASKED)
def test_what_cannot_be_asked_is_an_error_with_its_line(test: str, code: str, hint: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        outcome(test)
    assert [(problem.code, problem.file, problem.line) for problem in caught.value.problems] == [
        (code, "t.yaml", 3)
    ]
    assert hint in caught.value.problems[0].hint


def test_a_person_of_another_issuer_may_be_called_what_theirs_are() -> None:
    text = b"suite: s\ntests:\n  - {name: n, sub: auth0|5f7c8ec7c33c6c004bbafe82, cannot: [GET /admin]}\n"
    suite, problems = parse_suite(text, "t.yaml")
    assert suite is not None, problems
    asked = Policy.parse(MODEL.encode(), RULES.encode(), subjects="auth0")
    assert run(asked, [suite], ROUTES).failures == ()
    with pytest.raises(ScenarioError, match="no token has the `sub`"):
        run(policy(), [suite], ROUTES)


def test_what_a_rule_names_may_be_asked_about_though_nobody_comes_so() -> None:
    """What is denied can be allowed: another rule may come. Of the rules, `check` warns."""
    rules = f"{RULES}p, ann@example.com, /orders, GET, allow\np, user, /[ab]/orders, GET, deny\n"
    named = Policy.parse(MODEL.encode(), rules.encode())
    for test in (
        "{name: n, sub: ann@example.com, can: [GET /orders]}",
        "{name: n, sub: user, can: [GET /user]}",
        "{name: n, role: user, cannot: ['GET /[ab]/orders']}",
    ):
        suite, problems = parse_suite(f"suite: s\ntests:\n  - {test}\n".encode(), "t.yaml")
        assert suite is not None, problems
        assert run(named, [suite]).failures == ()


NOT_ASKED_WITH = {
    "every method, by a word": ("ANY", "ANY", "keyMatch3"),
    "every method, in small letters": ("all", "all", "keyMatch3"),
    "small letters beside a method": ("get", "get", "keyMatch3"),
    "two methods": ("GET|POST", "GET|POST", "keyMatch3"),
    "HEAD": ("HEAD", "HEAD", "keyMatch3"),
    "a verb beside a method": ("FETCH", "FETCH", "keyMatch3"),
    "an expression": ("(GET)|(POST)", "(GET)|(POST)", "regexMatch"),
}
ASKED_WITH = {
    "WebDAV": ("REPORT", "REPORT", "keyMatch3"),
    "every method, by the star": ("GET", "'*'", "keyMatch3"),
    "one of an expression": ("(GET)|(POST)", "POST", "regexMatch"),
}


def asked_with(
    held: str, act: str, function: str, *others: str, routes: KnownRoutes = NO_ROUTES
) -> list[str]:
    """The problems of a test that asks with ``act`` under a rule that holds ``held``, and other rules."""
    model = MODEL if function == "keyMatch3" else MODEL.replace("p.act == r.act", "regexMatch(r.act, p.act)")
    rules = "\n".join((f"p, user, /orders, {held}, allow", *others, ""))
    line = f"{{act: {act}, obj: /orders}}"
    try:
        outcome(f"{{name: n, role: user, cannot: [{line}]}}", rules=rules, model=model, routes=routes)
    except ScenarioError as error:
        return [problem.code for problem in error.problems]
    return []


@pytest.mark.parametrize("routes", [NO_ROUTES, KnownRoutes((Route("GET", "/orders"),))], ids=["", "routes"])
@pytest.mark.parametrize("row", NOT_ASKED_WITH.values(), ids=NOT_ASKED_WITH)
def test_a_rule_makes_no_method_of_a_word_that_nobody_asks_with(
    row: tuple[str, str, str], routes: KnownRoutes
) -> None:
    assert asked_with(*row, "p, user, /orders, POST, allow", routes=routes) == ["test-unknown-action"]


@pytest.mark.parametrize("held", ["ANY", "all"])
def test_a_word_for_every_method_is_none_where_no_rule_names_another(held: str) -> None:
    assert asked_with(held, held, "keyMatch3") == ["test-unknown-action"]
    assert asked_with(held, "GET", "keyMatch3") == []


@pytest.mark.parametrize("row", ASKED_WITH.values(), ids=ASKED_WITH)
def test_a_method_that_requests_have_can_be_asked_with(row: tuple[str, str, str]) -> None:
    assert asked_with(*row, "p, user, /orders, POST, allow") == []


@pytest.mark.parametrize(("held", "function"), [("read", "keyMatch3"), ("read", "regexMatch")])
def test_an_application_has_actions_of_its_own(held: str, function: str) -> None:
    assert asked_with(held, held, function, "p, user, /orders, write, allow") == []


def test_an_action_that_a_route_has_can_be_asked_with() -> None:
    assert asked_with("PURGE", "PURGE", "keyMatch3", routes=KnownRoutes((Route("PURGE", "/orders"),))) == []


def test_without_routes_any_path_may_be_asked_about() -> None:
    assert said(outcome("{name: n, role: user, cannot: [GET /nowhere]}", routes=NO_ROUTES)) == []


def test_every_mistake_is_told_at_once() -> None:
    with pytest.raises(ScenarioError) as caught:
        outcome(
            "{name: n, role: usr, cannot: [GET /amdin, get /user]}", "{name: m, only: [x], can: [GET /y]}"
        )
    codes = [(problem.line, problem.code) for problem in caught.value.problems]
    assert codes == [
        (3, "test-unknown-role"),
        (3, "test-unknown-path"),
        (3, "test-unknown-action"),
        (4, "test-unknown-role"),
        (4, "test-unknown-path"),
    ]


PLAIN = """\
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act
"""
TENANTS = """\
[request_definition]
r = sub, dom, obj, act
[policy_definition]
p = sub, dom, obj, act
[role_definition]
g = _, _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub, r.dom) && r.dom == p.dom && r.obj == p.obj && r.act == p.act
"""
TENANT_RULES = "p, editor, acme, report, write\ng, alice, editor, acme\n"
PRIORITY = MODEL[: MODEL.index("[policy_effect]")] + (
    "[policy_effect]\ne = priority(p.eft) || deny\n[matchers]\n"
    "m = g(r.role, p.role) && keyMatch3(r.obj, p.obj) && p.act == r.act\n"
)


def test_a_model_with_one_word_for_callers_is_asked_with_it() -> None:
    rules = "p, editor, report, write\ng, alice, editor\n"
    report = outcome(
        "{name: n, role: editor, can: [write report], cannot: [read report]}",
        "{name: n, sub: alice, can: [write report]}",
        "{name: n, unknown-role: true, cannot: [write report]}",
        rules=rules,
        model=PLAIN,
        routes=NO_ROUTES,
    )
    assert said(report) == []


def test_further_words_are_given_for_a_test_or_for_one_line() -> None:
    rules = TENANT_RULES
    report = outcome(
        "{name: n, sub: alice, with: {dom: acme}, can: [write report]}",
        "{name: n, sub: alice, can: [{act: write, obj: report, dom: acme}], "
        "cannot: [{act: write, obj: report, dom: globex}]}",
        rules=rules,
        model=TENANTS,
        routes=NO_ROUTES,
    )
    assert said(report) == []
    assert cover(policy(rules, TENANTS), report).uncovered == ()


@pytest.mark.parametrize("line", ["cannot: [write report]", "can: [{obj: report, dom: acme}]"])
def test_a_test_that_leaves_a_word_of_the_model_out_asks_what_nobody_asks(line: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        outcome(f"{{name: n, role: editor, {line}}}", rules=TENANT_RULES, model=TENANTS, routes=NO_ROUTES)
    assert [(problem.code, problem.line) for problem in caught.value.problems] == [("test-missing-word", 3)]
    empty = "{name: n, role: editor, with: {dom: ''}, cannot: [write report]}"
    assert said(outcome(empty, rules=TENANT_RULES, model=TENANTS, routes=NO_ROUTES)) == []


def test_several_roles_under_a_priority_effect_are_an_error_at_the_line() -> None:
    with pytest.raises(ScenarioError) as caught:
        outcome("{name: n, roles: [user, admin], can: [GET /user]}", model=PRIORITY, routes=NO_ROUTES)
    assert [(problem.code, problem.line) for problem in caught.value.problems] == [("test-undecided", 3)]


def uncovered(report: Report, rules: str = RULES) -> Sequence[int]:
    return [rule.line for rule in cover(policy(rules), report, ROUTES).uncovered]


def test_a_rule_is_covered_by_a_request_that_it_decides_and_a_link_by_one_that_it_carries() -> None:
    asks_user = "{name: n, role: user, can: [GET /user]}"
    assert uncovered(outcome(asks_user)) == [1, 2, 4, 5, 6, 7, 8, 9]
    inherits = "{name: n, role: admin, can: [GET /user]}"
    assert uncovered(outcome(inherits)) == [1, 2, 4, 5, 6, 8, 9]
    person = "{name: n, sub: 00000000-1111-2222-3333-444444444444, can: [GET /user]}"
    assert uncovered(outcome(person)) == [1, 2, 4, 5, 6, 8]
    locked_out = f"{{name: n, sub: {PERSON}, cannot: [GET /]}}"
    assert uncovered(outcome(locked_out)) == [1, 2, 3, 4, 5, 6, 7, 9]


def test_a_link_that_no_decision_needs_is_not_covered() -> None:
    rules = "p, authenticated, /profile, GET, allow\np, staff, /user, GET, allow\ng, user, authenticated\ng, user, staff\n"
    report = outcome(
        "{name: n, role: user, can: [GET /profile]}",
        "{name: n, roles: [user, staff], can: [GET /user]}",
        rules=rules,
    )
    # Whoever has a token is `authenticated`, and whoever has the role `staff` needs no link to it.
    assert uncovered(report, rules) == [3]
    assert uncovered(outcome("{name: n, roles: [staff, user], can: [GET /user]}", rules=rules), rules) == [
        1,
        3,
        4,
    ]


def test_a_request_that_no_rule_decides_covers_nothing() -> None:
    report = outcome("{name: n, role: user, cannot: [GET /admin]}")
    coverage = cover(policy(), report, ROUTES)
    assert (coverage.rules, coverage.exercised, coverage.percent) == (9, 0, 0.0)


def test_coverage_tells_the_cells_that_no_test_mentions() -> None:
    rules = "p, user, /user, GET, allow\np, admin, /admin, GET, allow\n"
    report = outcome(
        "{name: n, role: user, can: [GET /user], cannot: [GET /admin, GET /users/42]}",
        "{name: n, only: [admin], can: [GET /admin]}",
        "{name: n, anonymous: true, cannot: [GET /, GET /profile]}",
        rules=rules,
    )
    coverage = cover(policy(rules), report, ROUTES)
    missing = {(cell.role, cell.route.act, cell.route.obj) for cell in coverage.unmentioned}
    assert coverage.cells == 4 * len(ROUTES)
    assert not {cell for cell in missing if cell[2] == "/admin"}
    assert ("user", "GET", "/users/{id}") not in missing
    assert ("user", "DELETE", "/users/{id}") in missing
    assert ("nobody", "GET", "/") not in missing
    assert ("admin", "GET", "/user") in missing
    assert len(missing) == coverage.cells - 8


def test_an_empty_policy_is_covered() -> None:
    report = outcome("{name: n, anonymous: true, cannot: [GET /]}", rules="")
    assert cover(policy(""), report).percent == 100.0


def test_the_gate_names_each_failing_line_and_passes_what_holds() -> None:
    suite, _ = parse_suite(
        b"suite: s\ntests:\n  - name: n\n    role: user\n    cannot:\n      - GET /user\n      - GET /admin\n",
        "t.yaml",
    )
    assert suite is not None
    (problem,) = run_tests(policy(), [suite], ROUTES)
    assert (problem.file, problem.line, problem.severity) == ("t.yaml", 6, "error")
    assert "user can GET /user, and should not" in problem.message
    assert run_tests(policy(RULES.replace("GET", "PUT")), [suite], ROUTES) == ()


def test_the_gate_refuses_tests_that_cannot_be_read_or_asked(tmp_path: Path) -> None:
    good = b"suite: s\ntests:\n  - {name: n, role: user, can: [GET /user]}\n"
    assert check_tests(policy(), {"good.yaml": good}, ROUTES) == ()
    unreadable = check_tests(policy(), {"good.yaml": good, "bad.yaml": b"suite: ["}, ROUTES)
    assert [(problem.file, problem.code) for problem in unreadable] == [("bad.yaml", "test-syntax")]
    unknown = check_tests(policy(), {"t.yaml": good.replace(b"user", b"boss")}, ROUTES)
    assert [problem.code for problem in unknown] == ["test-unknown-role", "test-unknown-path"]
    missing = check_tests(policy(), [tmp_path / "nowhere"])
    assert [problem.code for problem in missing] == ["test-unreadable"]


def test_the_gate_reads_folders(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_bytes(b"suite: s\ntests:\n  - {name: n, role: user, can: [GET /admin]}\n")
    (problem,) = check_tests(policy(), [tmp_path], ROUTES)
    assert (problem.file, problem.code) == (str(tmp_path / "t.yaml"), "test-failed")


def test_junit_has_a_case_for_each_test_and_the_reason_of_each_failure() -> None:
    from xml.etree import ElementTree as ET

    report = outcome(
        "{name: holds, role: user, can: [GET /user]}",
        '{name: "<fails> & \\x85", role: admin, cannot: [GET /user, GET /admin]}',
    )
    root = ET.fromstring(junit_xml(report))
    (suite,) = root.iter("testsuite")
    assert (suite.get("tests"), suite.get("failures"), suite.get("file")) == ("2", "1", "t.yaml")
    held, failed = suite.iter("testcase")
    assert (held.get("name"), held.get("line"), held.find("failure")) == ("holds", "3", None)
    assert failed.get("name") == "<fails> & \\x85"
    failure = failed.find("failure")
    assert failure is not None
    assert failure.text is not None
    assert failure.text.count("policy.csv:") == 2
    assert "t.yaml:4: admin can GET /user, and should not" in failure.text


def test_junit_holds_only_what_xml_can_hold() -> None:
    from xml.etree import ElementTree as ET

    report = outcome('{name: "bell \\a", role: user, can: [GET /user]}')
    (case,) = ET.fromstring(junit_xml(report)).iter("testcase")
    assert case.get("name") == "bell \\x07"


def test_the_shipped_tests_hold_and_cover_every_rule_and_link() -> None:
    shipped = Policy.load(ROOT / "model.conf", ROOT / "policy.csv")
    report = run(shipped, read_suites(find_files([ROOT / "policy_tests"])))
    assert said(report) == []
    assert cover(shipped, report).uncovered == ()


def test_a_test_that_is_not_what_it_looks_like_is_held_with_a_warning() -> None:
    policy = Policy.parse(MODEL.encode(), b"p, user, /user, GET, allow\n")
    text = "suite: a\n# \u2067 nobody may\ntests: [{name: b, role: user, can: [GET /user]}]\n"
    verdict = hold(policy, {"a.yaml": text.encode()})
    assert [(each.code, each.line, each.severity) for each in verdict.problems] == [
        ("invisible-character", 2, "warning")
    ]
