"""Mutation: which breaks of a policy its tests miss, and what test would have caught each."""

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from rbac.errors import PolicyError
from rbac.mutation.mutants import Mutation, apply, mutations_of
from rbac.mutation.run import MutationReport, mutate
from rbac.policy import Policy
from rbac.policy_tests.scenario_file import parse_suite
from rbac.policy_tests.suite import Suite
from rbac.routes import NO_ROUTES, KnownRoutes, Route
from tests.support import random_policies as random

MODEL = random.model_text(random.EFFECTS["allow and deny"], random.WHO[0], random.WHAT[2], random.HOW[0])
POLICY = """p, everyone, /, GET, allow
p, user, /docs/{id}, GET, allow
p, admin, /docs/*, *, allow
p, 7f3c1e52-0000-0000-0000-000000000000, /*, *, deny
g, admin, user
g, ann@x, user
"""
HEAD = "suite: s\ntests:\n"
ONE_TEST = "- name: users read\n  role: user\n  can: [GET /docs/1]\n"
ROUTES = KnownRoutes((Route("GET", "/"), Route("GET", "/docs/{id}"), Route("DELETE", "/docs/{id}")))


def suite(tests: str) -> Suite:
    parsed, problems = parse_suite((HEAD + tests).encode(), "suite.yaml")
    assert parsed is not None, problems
    return parsed


def suggested(report: MutationReport) -> str:
    return "".join(dict.fromkeys(survivor.suggested_test for survivor in report.survived))


def rows(policy: Policy) -> set[tuple[int, tuple[str, ...] | None]]:
    return {(mutation.line, mutation.row) for mutation in mutations_of(policy)}


def test_every_line_is_broken_in_every_way() -> None:
    made = rows(random.read(MODEL, POLICY))
    assert {line for line, _ in made} == {1, 2, 3, 4, 5, 6}
    assert {(2, None), (5, None), (5, ("user", "admin"))} <= made
    assert (2, ("user", "/docs/{id}", "GET", "deny")) in made
    assert {
        (2, (role, "/docs/{id}", "GET", "allow")) for role in ("admin", "ann@x", "everyone", "authenticated")
    } <= made
    assert (2, ("user", "/docs/{id}", "*", "allow")) in made
    assert (2, ("user", "/docs/*", "GET", "allow")) in made
    assert (2, ("user", "/docs/x", "GET", "allow")) in made
    assert (3, ("admin", "/*", "*", "allow")) in made
    assert (3, ("admin", "/docs/{x}", "*", "allow")) in made
    assert (3, ("admin", "/docs/*", "GET", "allow")) in made
    assert len(made) == len(mutations_of(random.read(MODEL, POLICY)))


@pytest.mark.parametrize(
    ("what", "pattern", "shapes"),
    [
        ("keyMatch(r.obj, p.obj)", "/a/b", {"/a/*"}),
        ("keyMatch(r.obj, p.obj)", "/a/*", {"/*", "/a/x"}),
        ("keyMatch2(r.obj, p.obj)", "/a/:id", {"/a/*", "/a/x"}),
        ("keyMatch2(r.obj, p.obj)", "/a/b", {"/a/*", "/a/:x"}),
        ("keyMatch3(r.obj, p.obj)", "/*", {"/{x}"}),
        ("keyMatch3(r.obj, p.obj)", "/", {"/*"}),
        ("keyMatch5(r.obj, p.obj)", "/{a}/{b}", {"/{a}/*", "/{a}/x"}),
        ("regexMatch(r.obj, p.obj)", "/a|/b", {".*", "/a"}),
        ("r.obj == p.obj", "/a/b", set()),
    ],
)
def test_paths_are_widened_and_narrowed_as_their_function_reads_them(
    what: str, pattern: str, shapes: set[str]
) -> None:
    model = random.model_text(random.EFFECTS["allow"], random.WHO[1], what, random.HOW[1])
    made = mutations_of(random.read(model, f"p, user, {pattern}, GET, allow\n"))
    assert {m.row[1] for m in made if m.row is not None and m.row[1] != pattern} == shapes


def test_a_mutant_is_the_document_with_one_line_changed() -> None:
    policy = random.read(MODEL, POLICY)
    gone = Policy(apply(policy.document, Mutation("p", 1, 2, None, "rule removed")))
    assert not gone.allows("user", "GET", "/docs/1")
    assert gone.allows("admin", "GET", "/docs/1")
    other = Policy(apply(policy.document, Mutation("p", 1, 2, ("user", "/x", "GET", "allow"), "")))
    assert other.allows("user", "GET", "/x")
    assert other.decide(role="user", act="GET", obj="/x").rule == ("p", ("user", "/x", "GET", "allow"), 2)
    link = Policy(apply(policy.document, Mutation("g", 0, 5, ("user", "admin"), "role link reversed")))
    assert link.allows("user", "DELETE", "/docs/1/2")
    assert policy.allows("user", "GET", "/docs/1")


def test_a_link_whose_reverse_would_close_a_cycle_is_refused_and_not_counted() -> None:
    policy = random.read(MODEL, "p, c, /a, GET, allow\np, c, /b, GET, allow\ng, a, b\ng, b, c\ng, a, c\n")
    report = mutate(policy, [suite("- name: c\n  role: c\n  can: [GET /a]\n")])
    assert report.refused == 1
    assert report.mutants == report.killed + len(report.survived)


def test_a_mutant_that_changes_nothing_is_equivalent() -> None:
    policy = random.read(MODEL, "p, user, /a, GET, allow\np, user, /a, GET, allow\n")
    report = mutate(policy, [suite("- name: t\n  role: user\n  can: [GET /a]\n")])
    assert report.equivalent == 2
    removed = [survivor for survivor in report.survived if survivor.mutation == "rule removed"]
    assert removed == []


def test_a_mutant_that_takes_a_known_route_away_counts_though_it_takes_other_paths_as_well() -> None:
    """Also where the matcher ties who asks to the path, so that callers as they come leave much open."""
    model = MODEL.replace("m = ", 'm = r.sub == "root" || ')
    rules = "p, user, /docs/*, GET, allow\np, editor, /docs/{id}, *, allow\ng, editor, user\n"
    report = mutate(random.read(model, rules), [], ROUTES)
    assert {survivor.line for survivor in report.survived if survivor.mutation == "rule removed"} == {1, 2}


def test_every_survivor_comes_with_a_test_that_catches_it() -> None:
    policy = random.read(MODEL, POLICY)
    report = mutate(policy, [suite(ONE_TEST)], ROUTES)
    assert 0 < report.killed < report.mutants
    assert report.score < 100
    better = mutate(policy, [suite(ONE_TEST + suggested(report))], ROUTES)
    assert better.mutants == report.mutants
    assert better.survived == ()
    assert better.score == 100


def test_a_suggested_test_prefers_a_known_route_and_says_so_when_there_is_none() -> None:
    policy = random.read(MODEL, POLICY)
    tests = {
        (survivor.line, survivor.mutation): survivor.suggested_test
        for survivor in mutate(policy, [suite(ONE_TEST)], ROUTES).survived
    }
    assert (
        tests[1, "rule removed"]
        == "- name: a caller without a token can GET /\n  anonymous: true\n  can: [GET /]\n"
    )
    assert tests[6, "role link removed"] == (
        '- name: "ann@x can GET /docs/{id}"\n  sub: "ann@x"\n  can: ["GET /docs/{id}"]\n'
    )
    assert "unrouted" not in tests[1, "role everyone replaced by authenticated"]
    # That what no endpoint answers stays open is no promise; that it stays closed is one.
    assert (3, "path narrowed from /docs/* to /docs/{x}") not in tests
    off_route = [test for test in tests.values() if test.endswith("  unrouted: true\n")]
    assert off_route
    assert all("  cannot: " in test for test in off_route)


@pytest.mark.parametrize("who", random.WHO)
@pytest.mark.parametrize(
    "rules",
    [
        "p, admin, /, GET, allow\np, admin, /, GET, allow\ng, ann@x, admin\n",
        "p, ann@x, /, GET, allow\n",
        "p, admin, /[ab]/b, GET, allow\n",
        "p, admin, /, GET, allow\ng, admin, user\n",
    ],
)
def test_what_is_suggested_may_be_asked(who: str, rules: str) -> None:
    """Also about a person without a `sub`, a role that is a person's name, and a part that looks like a placeholder."""
    policy = random.read(
        random.model_text(random.EFFECTS["allow"], who, random.WHAT[0], random.HOW[0]), rules
    )
    assert mutate(policy, [suite(suggested(mutate(policy, [])))]).survived == ()


@pytest.mark.parametrize("who", random.WHO[:2])
def test_no_suggested_test_is_about_a_role_that_only_a_mutant_has_rules_for(who: str) -> None:
    """Such a test would be refused: nothing tells the role apart from an unknown one."""
    model = random.model_text(random.EFFECTS["allow"], who, random.WHAT[0], random.HOW[0])
    policy = random.read(model, "p, admin, /, GET, allow\np, admin, /, GET, allow\ng, admin, user\n")
    first = mutate(policy, [])
    assert mutate(policy, [suite(suggested(first))]).survived == ()


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), random.models)
def test_the_suggested_tests_kill_every_mutant_of_any_policy(data: st.DataObject, model: str) -> None:
    try:
        policy = random.read(model, data.draw(random.policy_texts(least=1)))
    except PolicyError:
        assume(False)
    first = mutate(policy, [])
    assert first.killed == 0
    assert len(first.survived) == first.mutants
    second = mutate(policy, [suite(suggested(first))] if first.survived else [])
    assert second.survived == ()
    assert (second.mutants, second.equivalent) == (first.mutants, first.equivalent)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), random.models)
def test_a_mutant_is_equivalent_only_if_nothing_that_can_be_asked_tells_it_apart(
    data: st.DataObject, model: str
) -> None:
    try:
        policy = random.read(model, data.draw(random.policy_texts(least=1)))
    except PolicyError:
        assume(False)
    drawn = data.draw(st.lists(random.requests, min_size=10, max_size=40))
    asked = [
        (sub, role, "/" + obj.lstrip("/").replace("?", ""), act)
        for sub, role, obj, act in drawn
        if act in {"GET", "POST", "PUT"}
    ]
    survivors = {(survivor.line, survivor.mutation) for survivor in mutate(policy, []).survived}
    for mutation in mutations_of(policy):
        try:
            enforcer = random.stock(Policy(apply(policy.document, mutation)))
        except PolicyError:
            continue
        if any(enforcer.enforce(*request) != policy.decide_request(request).allowed for request in asked):
            assert (mutation.line, mutation.what) in survivors


def test_what_no_request_can_ask_for_does_not_count() -> None:
    # Without its only rule a policy matches, as Casbin has it, a request of empty words: nobody can send one.
    policy = random.read(MODEL, "p, everyone, /, GET, deny\n")
    removed = [m for m in mutate(policy, []).survived if m.mutation == "rule removed"]
    assert removed == []


def test_tests_that_fail_already_kill_nothing() -> None:
    policy = random.read(MODEL, POLICY)
    failing = suite("- name: wrong\n  role: user\n  can: [DELETE /docs/1]\n")
    assert mutate(policy, [failing]).killed == 0


def test_progress_counts_every_mutant() -> None:
    policy = random.read(MODEL, POLICY)
    seen: list[tuple[int, int]] = []
    mutate(policy, [suite(ONE_TEST)], NO_ROUTES, lambda done, total: seen.append((done, total)))
    assert [done for done, _ in seen] == list(range(1, len(mutations_of(policy)) + 1))
    assert {total for _, total in seen} == {len(mutations_of(policy))}


def test_a_policy_whose_matcher_nobody_can_foresee_is_mutated_as_far_as_it_goes() -> None:
    model = MODEL.split("m = ")[0] + "m = g(r.role, p.role) && ipMatch(r.obj, p.obj) && r.act == p.act\n"
    policy = random.read(
        model, "p, user, 10.0.0.1, GET, allow\np, user, 10.0.0.2, GET, allow\ng, admin, user\n"
    )
    report = mutate(policy, [suite("- name: t\n  role: user\n  can:\n  - {act: GET, obj: 10.0.0.1}\n")])
    assert report.notes
    assert report.killed >= 2
    assert any(survivor.mutation == "rule removed" for survivor in report.survived)
