"""The space is complete: policies that agree on it agree on every request, and it says so when it is not."""

import os

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from rbac.errors import PolicyError, RequestError
from rbac.policy import Policy
from rbac.routes import Route
from rbac.space.callers import callers_of, endpoints_of
from rbac.space.space import Space
from tests.support import random_policies as random
from tests.support.random_policies import Request

SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
# Random pairs of documents; set this for a longer run.
PAIRS = int(os.environ.get("SEKISHO_PAIRS", "60"))

SHIPPED = random.model_text(random.EFFECTS["allow and deny"], random.WHO[0], random.WHAT[2], random.HOW[0])


def read_or_skip(model: str, text: str) -> Policy:
    """The policy, unless reading refuses it (a pattern that is no regular expression, a cycle)."""
    try:
        return random.read(model, text)
    except PolicyError:
        assume(False)
        raise


@settings(max_examples=PAIRS, deadline=None, suppress_health_check=SLOW)
@given(st.data(), random.models)
def test_policies_that_agree_on_the_space_agree_on_every_request(data: st.DataObject, model: str) -> None:
    text = data.draw(random.policy_texts())
    old = read_or_skip(model, text)
    new = read_or_skip(model, data.draw(random.edited(text)))
    space = Space((old, new))
    assert space.complete, space.notes
    agree = all(
        old.decide_request(request).allowed == new.decide_request(request).allowed for request in space
    )
    stock_old, stock_new = random.stock(old), random.stock(new)
    for request in data.draw(st.lists(random.requests, min_size=20, max_size=60)):
        if stock_old.enforce(*request) != stock_new.enforce(*request):
            assert not agree, request


@settings(max_examples=PAIRS, deadline=None, suppress_health_check=SLOW)
@given(st.data(), random.models, st.booleans())
def test_every_request_is_like_one_of_the_space_for_every_rule(
    data: st.DataObject, model: str, control: bool
) -> None:
    policy = read_or_skip(model, data.draw(random.policy_texts()))
    space = Space((policy,), control=control)
    table = space.tables[0]
    classes = {member.masks for group in space.groups for member in group.members}
    enforcer = random.stock(policy)
    odd = st.tuples(
        st.sampled_from(["", "zed", "admin"]), st.just("user"), st.text("/ab\n", max_size=4), st.just("GET\n")
    )
    for request in data.draw(
        st.lists(st.one_of(random.requests, odd) if control else random.requests, max_size=30)
    ):
        words = dict(zip(space.words, request, strict=True))
        mask = table.mask(table.formula, words)
        assert table.allows(mask) == enforcer.enforce(*request), request
        for group in space.groups:
            part = _part_mask(space, group.words, words)
            assert (part,) in classes, (group.words, request)


def _part_mask(space: Space, words: tuple[str, ...], request: dict[str, str]) -> int:
    from rbac.model.conditions import AllOf, conjuncts, words_of

    table = space.tables[0]
    parts = tuple(part for part in conjuncts(table.formula) if words_of(part) <= set(words))
    return table.mask(AllOf(parts), request)


def test_a_space_holds_paths_that_meet_two_patterns_one_and_just_none() -> None:
    policy = random.read(SHIPPED, "p, user, /a/{id}, GET, allow\np, user, /{x}/b, GET, allow\n")
    paths = {request[2] for request in Space((policy,))}
    matched = {
        (policy.allows("user", "GET", path), path.startswith("/a/"), path.endswith("/b")) for path in paths
    }
    assert matched >= {(True, True, True), (True, True, False), (True, False, True)}
    assert any(not allowed for allowed, _, _ in matched)


def test_known_routes_come_as_concrete_paths_that_no_rule_singles_out() -> None:
    policy = random.read(SHIPPED, "p, user, /users/1, GET, allow\np, user, /users/{id}, POST, allow\n")
    route = Route("GET", "/users/{id}")
    assert Space((policy,), [route]).samples == {route: "/users/2"}


def test_callers_are_nobody_any_token_roles_and_people_in_this_order() -> None:
    policy = random.read(
        SHIPPED, "p, admin, /a, GET, allow\np, eve|1, /*, *, deny\ng, admin, user\ng, 7f3c@x, user\n"
    )
    callers = callers_of(Space((policy,)))
    assert [(caller.kind, caller.name) for caller in callers] == [
        ("nobody", "nobody"),
        ("token", "any valid token"),
        ("role", "admin"),
        ("role", "eve|1"),
        ("role", "user"),
        ("subject", "7f3c@x"),
        ("subject", "eve|1"),
    ]
    assert dict(callers[2].words) == {"sub": "somebody", "role": "admin"}
    assert dict(callers[5].words) == {"sub": "7f3c@x", "role": ""}


def test_a_role_called_nobody_is_told_from_nobody() -> None:
    policy = random.read(SHIPPED, "p, nobody, /a, GET, allow\np, somebody, /a, GET, allow\n")
    callers = callers_of(Space((policy,)))
    assert [caller.label for caller in callers] == ["(nobody)", "any valid token", "nobody", "somebody"]
    assert callers[1].words["sub"] not in {"", "nobody", "somebody"}


def test_without_routes_the_endpoints_are_what_rules_are_about() -> None:
    policy = random.read(SHIPPED, "p, user, /a, GET, allow\np, user, /b/{id}, *, allow\n")
    endpoints = {(endpoint.act, endpoint.obj) for endpoint in endpoints_of(Space((policy,)))}
    assert endpoints == {("GET", "/a"), ("GET", "/b/x"), ("PATCH", "/b/x")}


@pytest.mark.parametrize(
    ("matcher", "row", "word"),
    [
        ("r.sub == p.role && keyMatch4(r.obj, p.obj) && r.act == p.act", "/a/{x}/b/{x}", "keyMatch4"),
        ("r.sub == p.role && globMatch(r.obj, p.obj) && r.act == p.act", "/a", "globMatch"),
        ("r.sub == p.role && ipMatch(r.obj, p.obj) && r.act == p.act", "10.0.0.0/8", "ipMatch"),
        ("r.sub == p.role && r.obj < p.obj && r.act == p.act", "/a", "compared by order"),
        ("r.sub == p.role && r.obj.owner == r.sub && r.act == p.act", "/a", "r_obj.owner"),
        (
            "r.sub == p.role && r.sub == r.obj && keyMatch(r.obj, p.obj) && r.act == p.act",
            "/a",
            "compared with each other",
        ),
    ],
)
def test_a_space_that_cannot_be_complete_says_so(matcher: str, row: str, word: str) -> None:
    model = SHIPPED.split("m = ")[0] + f"m = {matcher}\n"
    space = Space((random.read(model, f"p, user, {row}, GET, allow\n"),))
    assert not space.complete
    assert any(word in note for note in space.notes), space.notes


def test_too_many_classes_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rbac.space.word_values.MOST_STATES", 40)
    rows = "".join(f"p, user, /*/{number}x/*, GET, allow\n" for number in range(8))
    space = Space((random.read(SHIPPED, rows),))
    assert not space.complete
    assert "more values than can be listed" in space.notes[0]


def test_too_many_combinations_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rbac.space.demands.MOST_COMBINATIONS", 10)
    space = Space((random.read(SHIPPED, "p, user, /a, GET, allow\np, admin, /b, GET, allow\n"),))
    assert not space.complete
    assert "more combinations" in space.notes[0]


def test_words_that_are_compared_with_each_other_share_a_stranger() -> None:
    model = SHIPPED.split("m = ")[0] + "m = r.sub == r.obj && r.act == p.act\n"
    policy = random.read(model, "p, user, /a, GET, allow\n")
    space = Space((policy,))
    assert space.complete
    answers = {policy.decide_request(request).allowed for request in space if request[0] not in {"", "user"}}
    assert answers == {True, False}


def test_models_with_different_words_cannot_be_compared() -> None:
    other = SHIPPED.replace("sub, role, obj, act\n[pol", "who, role, obj, act\n[pol").replace(
        "r.sub", "r.who"
    )
    with pytest.raises(RequestError, match="different words"):
        Space((random.read(SHIPPED, "p, a, /a, GET, allow\n"), random.read(other, "p, a, /a, GET, allow\n")))


def test_requests_have_the_models_words_in_its_order() -> None:
    policy = random.read(SHIPPED, "p, user, /a, GET, allow\n")
    space = Space((policy,))
    requests: list[Request] = [(sub, role, obj, act) for sub, role, obj, act in space]
    assert len(requests) == len(space) == len(set(requests))
    assert any(policy.decide_request(request).allowed for request in requests)
