"""Matchers that tie who asks to what is asked for (``... || r.sub == "root"``): every overview sees through them."""

import pytest

from rbac.diff.diff import diff
from rbac.mutation.run import mutate
from rbac.policy_tests.scenario_file import parse_suite
from rbac.review.access import can, who_can
from rbac.review.matrix import matrix
from rbac.routes import KnownRoutes, Route
from rbac.space.callers import callers_of, endpoints_of
from rbac.space.space import Space
from tests.support import random_policies as random
from tests.support.model_zoo import model

ONE_WORD = model(
    'g(r.sub, p.sub) && keyMatch(r.obj, p.obj) && r.act == p.act || r.sub == "root"',
    p="sub, obj, act, eft",
    g="g = _, _",
)
TWO_WORDS = model(
    '(g(r.role, p.role) || g(r.sub, p.role)) && keyMatch3(r.obj, p.obj) && r.act == p.act || r.role == "root"',
    r="sub, role, obj, act",
    p="role, obj, act, eft",
    g="g = _, _",
)
MODELS = pytest.mark.parametrize("model_text", [ONE_WORD, TWO_WORDS], ids=["one word", "two words"])
RULES = "p, user, /a, GET, allow\np, admin, /b/*, GET, allow\ng, admin, user\n"
ROUTES = KnownRoutes((Route("GET", "/a"), Route("GET", "/c/1"), Route("GET", "/c/2"), Route("GET", "/d")))


@MODELS
def test_diff_names_every_route_that_changes_for_every_role(model_text: str) -> None:
    old, new = (random.read(model_text, RULES + more) for more in ("", "p, user, /c/*, GET, allow\n"))
    found = diff(old, new, ROUTES)
    named = {(change.caller.label, change.endpoint.obj) for change in found.granted if not change.witness}
    assert named == {(role, path) for role in ("user", "admin") for path in ("/c/1", "/c/2")}
    assert found.revoked == found.people == ()


@MODELS
def test_diff_shows_what_changes_off_the_routes_for_every_role(model_text: str) -> None:
    old, new = (random.read(model_text, RULES + more) for more in ("", "p, user, /c/*, *, allow\n"))
    found = diff(old, new, [Route("GET", "/d")])
    assert {(change.caller.label, change.witness) for change in found.granted} == {
        ("user", True),
        ("admin", True),
    }


@MODELS
def test_the_endpoints_without_routes_are_what_the_rules_are_about(model_text: str) -> None:
    made = matrix(random.read(model_text, RULES))
    allowed = {
        (caller.label, endpoint.obj)
        for caller, row in zip(made.callers, made.cells, strict=True)
        for endpoint, cell in zip(made.endpoints, row, strict=True)
        if cell.allowed and caller.label != "root"
    }
    about = {(endpoint.act, endpoint.obj) for endpoint in made.endpoints if not endpoint.examples}
    assert about == {("GET", "/a"), ("GET", "/b/x")}
    # Whoever the matcher names reaches the rest, too: one example stands for it.
    assert [set(endpoint.examples) for endpoint in made.endpoints if endpoint.examples] == [{"obj", "act"}]
    assert allowed == {("admin", "/a"), ("admin", "/b/x"), ("user", "/a")}


@MODELS
def test_who_the_matcher_itself_names_is_among_the_callers(model_text: str) -> None:
    policy = random.read(model_text, RULES)
    assert "root" in {reach.caller.label for reach in who_can(policy, "DELETE", "/anything")}
    who = {"sub": "root"} if model_text == ONE_WORD else {"roles": ["root"]}
    assert all(decision.allowed for _, decision in can(policy, ROUTES, **who))


@MODELS
def test_suggested_tests_kill_every_mutant(model_text: str) -> None:
    policy = random.read(model_text, RULES)
    first = mutate(policy, (), ROUTES)
    tests = "".join(dict.fromkeys(survivor.suggested_test for survivor in first.survived))
    suite, problems = parse_suite(f"suite: s\ntests:\n{tests}".encode(), "suite.yaml")
    assert suite is not None, problems
    assert first.mutants >= 8
    assert mutate(policy, [suite], ROUTES).survived == ()


@pytest.mark.parametrize(
    ("condition", "kind"),
    [
        ('r.sub == "root"', "subject"),
        ('r.sub != "root"', "subject"),
        ('r.sub in ("root", "ann")', "subject"),
        ('r.role == "root"', "role"),
        ('p.role == "root"', None),
        ('r.obj == "root"', None),
    ],
)
def test_a_name_in_the_matcher_is_a_person_or_a_role_as_the_word_is(condition: str, kind: str | None) -> None:
    text = model(
        f"g(r.role, p.role) && keyMatch3(r.obj, p.obj) && r.act == p.act || {condition}",
        r="sub, role, obj, act",
        p="role, obj, act, eft",
        g="g = _, _",
    )
    space = Space((random.read(text, RULES),))
    found = {caller.kind for caller in callers_of(space) if caller.name == "root"}
    assert found == ({kind} if kind else set())
    assert len({(endpoint.act, endpoint.obj) for endpoint in endpoints_of(space)}) == len(endpoints_of(space))
