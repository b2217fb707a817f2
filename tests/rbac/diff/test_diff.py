"""diff: exactly the cells that change, and `equivalent` exactly when nothing does."""

import os
from collections.abc import Iterable

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from rbac.diff import views
from rbac.diff.diff import diff
from rbac.diff.differences import Change
from rbac.diff.headline import headline
from rbac.diff.overview import overview
from rbac.errors import PolicyError
from rbac.policy import Policy
from rbac.routes import Route
from rbac.space.callers import callers_of
from rbac.space.space import Space
from tests import equivalence
from tests.support import random_policies as random

PAIRS = int(os.environ.get("SEKISHO_PAIRS", "60"))
# Random requests to stock Casbin for each pair of documents. `python -m tests.equivalence` asks as many as promised.
REQUESTS = int(os.environ.get("SEKISHO_REQUESTS", "300"))
ROUTES = (Route("GET", "/a"), Route("POST", "/a/{id}"), Route("GET", "/{name}/b"), Route("DELETE", "/z"))
MODEL = random.model_text(random.EFFECTS["allow and deny"], random.WHO[0], random.WHAT[2], random.HOW[0])
BASE = """p, everyone, /, GET, allow
p, user, /docs/{id}, GET, allow
p, admin, /docs/*, *, allow
g, admin, user
g, ann@x, admin
"""
ANN = "7f3c1e52-0000-0000-0000-000000000000"


def read_or_skip(model: str, text: str) -> Policy:
    try:
        return random.read(model, text)
    except PolicyError:
        assume(False)
        raise


def cells(changes: Iterable[Change]) -> set[tuple[str, str, str]]:
    return {(change.caller.label, change.endpoint.act, change.endpoint.obj) for change in changes}


def of_whole_routes(change: Change) -> bool:
    return not change.witness and not change.endpoint.template


@settings(max_examples=PAIRS, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), random.models, st.booleans())
def test_a_diff_is_what_a_brute_force_over_the_decisions_finds(
    data: st.DataObject, model: str, with_routes: bool
) -> None:
    text = data.draw(random.policy_texts())
    old = read_or_skip(model, text)
    new = read_or_skip(model, data.draw(random.edited(text)))
    routes = ROUTES if with_routes else ()
    found = diff(old, new, routes)
    space = Space((old, new), routes)
    for change in (*found.cells, *found.people):
        assert change.old.allowed != change.new.allowed
    granted: set[tuple[str, str, str]] = set()
    revoked: set[tuple[str, str, str]] = set()
    for caller in callers_of(space):
        for route, path in space.samples.items():
            request = space.request({**caller.words, "obj": path, "act": route.act})
            before, after = (policy.decide_request(request).allowed for policy in (old, new))
            if before != after and caller.kind != "subject":
                (granted if after else revoked).add((caller.label, route.act, route.obj))
    assert cells(filter(of_whole_routes, found.granted)) == granted
    assert cells(filter(of_whole_routes, found.revoked)) == revoked
    differing = [r for r in space if old.decide_request(r).allowed != new.decide_request(r).allowed]
    assert found.equivalent == (not differing), differing[:3]
    stock_old, stock_new = random.stock(old), random.stock(new)
    for request in data.draw(st.lists(random.requests, max_size=60)):
        if stock_old.enforce(*request) != stock_new.enforce(*request):
            assert not found.equivalent, request


@settings(max_examples=PAIRS, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), random.models)
def test_every_role_that_changes_anywhere_has_a_cell(data: st.DataObject, model: str) -> None:
    text = data.draw(random.policy_texts())
    old = read_or_skip(model, text)
    new = read_or_skip(model, data.draw(random.edited(text)))
    space = Space((old, new))
    shown = {change.caller.label for change in diff(old, new).cells}
    changed = set()
    for caller in callers_of(space):
        if caller.kind == "subject":
            continue
        for request in space:
            words = dict(zip(space.words, request, strict=True)) | dict(caller.words)
            asked = space.request(words)
            if old.decide_request(asked).allowed != new.decide_request(asked).allowed:
                changed.add(caller.label)
                break
    assert shown == changed


@pytest.mark.parametrize("seed", range(1, 1 + PAIRS // 6))
def test_diff_says_of_random_documents_what_stock_casbin_says_of_random_requests(seed: int) -> None:
    tally = equivalence.Tally()
    equivalence.run(2, REQUESTS, seed * 10_000, tally, both=True)
    assert tally.wrong == []
    assert tally.pairs == {"equivalent": 1, "changed": 1}
    assert tally.requests == 2 * REQUESTS


def test_a_rule_whose_effect_alone_changes_is_a_change(base: Policy) -> None:
    turned = random.read(MODEL, BASE.replace("/docs/*, *, allow", "/docs/*, *, deny"))
    found = diff(base, turned, [Route("GET", "/docs/a/b")])
    assert ("admin", "GET", "/docs/a/b") in cells(found.revoked)


def changed(edit: str, drop: str = "") -> Policy:
    return random.read(MODEL, BASE.replace(drop, "") + edit)


@pytest.fixture
def base() -> Policy:
    return random.read(MODEL, BASE)


def test_a_grant_names_role_endpoint_and_the_line_of_the_new_document(base: Policy) -> None:
    found = diff(base, changed("p, user, /user, GET, allow\n"), [Route("GET", "/user")])
    assert [(c.caller.label, c.endpoint.act, c.endpoint.obj, c.line, c.witness) for c in found.granted] == [
        ("admin", "GET", "/user", 6, False),
        ("user", "GET", "/user", 6, False),
    ]
    assert found.revoked == ()
    assert not found.equivalent


def test_what_changes_off_the_routes_is_shown_by_an_example(base: Policy) -> None:
    found = diff(base, changed("p, user, /a/*, GET, allow\n"), [Route("GET", "/a/{id}")])
    shown = {(c.endpoint.obj, c.witness) for c in found.granted if c.caller.label == "user"}
    assert shown == {("/a/{id}", False)}
    wider = diff(base, changed("p, user, /a/*, *, allow\n"), [Route("GET", "/a/{id}")])
    assert any(c.witness and c.endpoint.act != "GET" for c in wider.granted)


@pytest.mark.parametrize(
    "edit",
    [
        "",
        "# a comment\n",
        "p, admin, /docs/{id}, GET, allow\n",
        "p, user, /docs/{other}, GET, allow\n",
        "p, admin, /docs/7, PUT, allow\n",
        "g, ann@x, user\n",
        "p, everyone, /, GET, allow\n",
        "p, nobody-has-it, /docs/*, GET, deny\ng, nobody-has-it, nothing\n",
    ],
)
def test_an_edit_that_changes_no_access_is_equivalent(base: Policy, edit: str) -> None:
    if "nobody-has-it" in edit:
        # A caller could come with that role and a person's links: this is a change after all.
        assert not diff(base, changed(edit)).equivalent
        return
    new = changed(edit)
    found = diff(base, new)
    assert found.equivalent
    assert "no access changes" in headline(found, overview(base, new, found))


def test_a_lock_out_shows_for_the_person_and_not_for_the_roles(base: Policy) -> None:
    found = diff(base, changed(f"p, {ANN}, /*, *, deny\n"), [Route("GET", "/"), Route("GET", "/docs/{id}")])
    people = {(c.caller.label, c.endpoint.obj) for c in found.people if not c.witness}
    assert (ANN, "/") in people
    assert (f"{ANN} as admin", "/docs/{id}") in people
    assert (f"{ANN} as user", "/docs/{id}") in people
    assert not any(c.granted for c in found.people)
    assert {c.caller.label for c in found.cells} <= {ANN}


def test_a_person_with_a_new_role_is_affected(base: Policy) -> None:
    found = diff(base, changed("g, bob@x, user\n"), [Route("GET", "/docs/{id}")])
    assert cells(found.people) == {("bob@x", "GET", "/docs/{id}")}
    assert found.cells == ()
    assert [(link.user, link.role, link.change, link.granted) for link in found.links] == [
        ("bob@x", "user", "added", 1)
    ]


def test_a_link_that_carries_more_than_before_is_told(base: Policy) -> None:
    found = diff(base, changed("p, user, /user, GET, allow\n"), [Route("GET", "/user")])
    assert [(link.user, link.role, link.change, link.granted) for link in found.links] == [
        ("admin", "user", "kept", 1),
        ("ann@x", "admin", "kept", 1),
    ]
    gone = diff(base, changed("", drop="g, admin, user\n"))
    assert [(link.user, link.change) for link in gone.links] == []
    assert gone.equivalent


def test_a_sub_that_is_named_like_a_role_is_found_although_no_caller_as_they_come_shows_it() -> None:
    model = random.model_text(
        random.EFFECTS["allow"], "(r.sub == p.role && r.role == p.role)", random.WHAT[5], random.HOW[1]
    )
    other = "p, user, /b, GET, deny\n"
    found = diff(random.read(model, other), random.read(model, f"{other}p, admin, /a, GET, allow\n"))
    assert not found.equivalent
    assert found.people[0].caller.words == {"sub": "admin", "role": "admin"}


def test_control_characters_count_only_when_asked_for() -> None:
    old = random.read(MODEL, "p, user, /*, *, allow\n")
    new = random.read(MODEL, "p, user, /*, *, allow\np, user, /{x}, *, allow\n")
    assert diff(old, new).equivalent
    odd = diff(old, new, control=True)
    assert not odd.equivalent
    assert "\n" in odd.cells[0].endpoint.obj


def test_a_change_of_the_effect_is_a_change_everywhere(base: Policy) -> None:
    deny = random.model_text(random.EFFECTS["deny"], random.WHO[0], random.WHAT[2], random.HOW[0])
    found = diff(base, random.read(deny, BASE), [Route("GET", "/anywhere")])
    assert ("nobody", "GET", "/anywhere") in cells(found.granted)


def test_a_model_nobody_can_foresee_is_compared_as_far_as_it_goes() -> None:
    model = MODEL.split("m = ")[0] + "m = r.sub == p.role && ipMatch(r.obj, p.obj) && r.act == p.act\n"
    old = random.read(model, "p, user, 10.0.0.1, GET, allow\n")
    new = random.read(model, "p, user, 10.0.0.1, POST, allow\n")
    found = diff(old, new)
    assert not found.equivalent
    assert found.notes


def test_dangerous_changes_come_first(base: Policy) -> None:
    old = random.read(MODEL, BASE + "p, user, /docs/1, *, deny\n")
    new = changed(
        "p, user, /plain, GET, allow\np, user, /admin/x, GET, allow\np, user, /files/*, GET, allow\n"
        "p, authenticated, /me, GET, allow\np, everyone, /open, GET, allow\n"
    )
    routes = [Route("GET", path) for path in ("/plain", "/admin/x", "/files/{f}", "/me", "/open", "/docs/1")]
    entries = views.entries(change for change in diff(old, new, routes).cells if not change.witness)
    shown_first = [(one.endpoint.label, entry.danger) for entry in entries for one in entry.endpoints]
    assert list(dict.fromkeys(shown_first)) == [
        ("GET /open", "open to everyone, without a token"),
        ("GET /me", "open to any valid token"),
        ("GET /docs/1", "a deny no longer applies"),
        ("GET /files/{f}", "by a wildcard"),
        ("GET /admin/x", "an administrative path"),
        ("GET /plain", ""),
    ]
    assert entries[0].callers == ("callers without a token", "any valid token", "admin", "user")
