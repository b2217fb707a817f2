"""What is shown to a caller as open to them: route by route, or requirement by requirement, and when it is not the whole
truth."""

from typing import Any

import pytest

from rbac import Policy
from rbac.guard import permissions as permissions_module
from rbac.guard.checkpoint import Terms
from rbac.guard.http.asgi import Scope
from rbac.guard.http.turns import Turns
from rbac.guard.identity.principal import Principal
from rbac.guard.permissions import PermissionLists
from rbac.guard.request_words import USUAL, RequestWords
from rbac.guard.requirements import GuardedEndpoint, Requirement
from rbac.routes import KnownRoutes, Route
from tests.support.documents import MODEL

SCOPE: Scope = {
    "type": "http",
    "path": "/me",
    "method": "GET",
    "headers": [(b"host", b"api.example.com")],
    "client": ["10.0.0.7", 1],
}
CALLERS_ONLY = "sub=claims.sub, role=roles"
UMA = Principal("uma@x", ("user",))
PROGRAM = Principal("client:batch", ("client:batch", "scope:read"))


def terms_of(policy: str, mapping: str = USUAL, model: bytes = MODEL) -> Terms:
    read = Policy.parse(model, policy.encode())
    return Terms.of(read, RequestWords.parse(mapping, read.words, partly=True))


def lists_of(*routes: str, endpoints: tuple[GuardedEndpoint, ...] = ()) -> PermissionLists:
    split = (route.split() for route in routes)
    return PermissionLists(KnownRoutes(tuple(Route(act, obj) for act, obj in split)), Turns(), endpoints)


async def shown(lists: PermissionLists, terms: Terms, who: Principal | None = UMA) -> tuple[list[str], bool]:
    found = await lists.of(SCOPE, who, terms)
    return [f"{route.act} {route.obj}" for route in found.routes], found.incomplete


@pytest.mark.parametrize(
    ("rules", "opened", "incomplete"),
    [
        ("p, user, /a, GET, allow", ["GET /a"], False),
        ("p, user, /a, *, allow", ["GET /a", "POST /a"], False),
        ("p, user, /things/{id}, GET, allow", ["GET /things/{id}"], False),
        # A rule singles out paths of a route, either way: the others are not as this one.
        ("p, user, /things/7, GET, allow", [], True),
        ("p, user, /things/*, GET, allow\np, user, /things/7, GET, deny", ["GET /things/{id}"], True),
        ("p, user, /things/[0-9]+, GET, allow", ["GET /things/{id}"], True),
        # It is the same on every path, or for somebody else.
        ("p, user, /things/7, GET, deny", [], False),
        ("p, user, /things/*, GET, allow\np, user, /things/7, GET, allow", ["GET /things/{id}"], False),
        ("p, other, /things/7, GET, allow", [], False),
        # Below a mounted application a path that a rule opens is of interest, and so is one that a rule closes.
        ("p, user, /files/7, GET, allow", [], True),
        ("p, user, /files/*, GET, allow\np, user, /files/7, GET, deny", ["GET /files/*"], True),
        # One that no rule is about is not: of files there is always another that is not there.
        ("p, user, /files/{name}, GET, allow", ["GET /files/*"], False),
        # With another method they may differ as they like.
        ("p, user, /things/7, POST, allow", [], False),
        # What a pattern takes cannot be told.
        (
            (r"p, user, /things/{id}, GET, allow" "\n" r"p, user, /things/(?=7)\d, GET, deny"),
            ["GET /things/{id}"],
            True,
        ),
    ],
)
async def test_routes_are_shown_that_are_open_and_whether_paths_of_them_differ(
    rules: str, opened: list[str], incomplete: bool
) -> None:
    lists = lists_of("GET /a", "POST /a", "GET /files/*", "GET /things/{id}")
    assert await shown(lists, terms_of(rules)) == (opened, incomplete)


async def test_every_other_path_of_a_route_is_looked_at_until_one_differs() -> None:
    terms = terms_of("p, user, /t/*, GET, allow\np, user, /t/1, GET, allow\np, user, /t/2, GET, deny")
    assert await shown(lists_of("GET /t/{id}", "GET /z"), terms) == (["GET /t/{id}"], True)
    # Once it is known that something is left out, the routes behind it are still told.
    terms = terms_of("p, user, /a/1, GET, allow\np, user, /b/{id}, GET, allow\np, user, /c, GET, allow")
    lists = lists_of("GET /a/{id}", "GET /b/{id}", "GET /c")
    assert await shown(lists, terms) == (["GET /b/{id}", "GET /c"], True)


@pytest.mark.parametrize(
    ("mapping", "routes", "incomplete"),
    [
        # Nothing fills the object by the path: whatever a route has in braces may make a difference.
        ("sub=claims.sub, role=roles, obj=host, act=method", ["GET /things/{id}"], True),
        ("sub=claims.sub, role=roles, obj=host, act=method", ["GET /things"], False),
        # The path is another word than the one that rules name as the object.
        ("sub=claims.sub, role=roles, obj=method, act=path", ["GET /things/{id}"], True),
        (USUAL, ["GET /things/{id}"], False),
    ],
)
async def test_what_nobody_can_tell_apart_by_the_path_is_incomplete(
    mapping: str, routes: list[str], incomplete: bool
) -> None:
    _, told = await shown(lists_of(*routes), terms_of("p, user, /things/{id}, GET, allow", mapping))
    assert told is incomplete


async def test_a_path_that_rules_do_not_speak_of_makes_every_route_one_of_many() -> None:
    model = MODEL.replace(b"r = sub, role, obj, act", b"r = sub, role, place, obj, act").replace(
        b"keyMatch3(r.obj, p.obj)", b'r.place != "" && keyMatch3(r.obj, p.obj)'
    )
    mapping = "sub=claims.sub, role=roles, place=path, obj=host, act=method"
    terms = terms_of("p, user, api.example.com, GET, allow", mapping, model)
    assert await shown(lists_of("GET /a", "GET /b/{id}"), terms) == (["GET /a", "GET /b/{id}"], True)


@pytest.mark.parametrize(("most", "incomplete"), [(4, False), (3, True)])
async def test_beyond_some_comparisons_nobody_looks_what_rules_single_out(
    monkeypatch: pytest.MonkeyPatch, most: int, incomplete: bool
) -> None:
    monkeypatch.setattr(permissions_module, "_MOST_COMPARISONS", most)
    terms = terms_of("p, user, /a, GET, allow\np, user, /a, POST, allow\np, user, /b/{id}, GET, allow")
    lists = lists_of("GET /a", "GET /b/{id}", "GET /c/{id}")  # two patterns, and two routes of many paths
    assert await shown(lists, terms) == (["GET /a", "GET /b/{id}"], incomplete)


# --- for whom it is remembered


class Counting:
    """Terms whose rule counts what it is asked."""

    def __init__(self, terms: Terms) -> None:
        self.terms, self.asked = terms, 0
        rule = terms.rule

        def counted(*question: Any) -> Any:
            self.asked += 1
            return rule(*question)

        object.__setattr__(terms, "rule", counted)


async def test_a_list_is_remembered_for_whoever_asks_alike_while_the_document_is_in_force() -> None:
    lists, counting = lists_of("GET /a"), Counting(terms_of("p, user, /a, GET, allow"))
    callers: list[Principal | None] = [
        UMA,
        Principal("ulf", ("user",)),
        Principal("uma@x", ("user", "admin")),
        Principal("uma@x", ("admin", "user")),
        Principal("uma@x", ("user",), through=PROGRAM),
        Principal("uma@x", ("user",), through=Principal("client:other", PROGRAM.roles)),
        Principal("uma@x", ("user",), through=Principal("client:batch", ("client:batch", "scope:other"))),
        None,
    ]
    opened = [(await shown(lists, counting.terms, who))[0] for who in callers]
    assert opened == [["GET /a"]] * 4 + [[]] * 4
    assert counting.asked == len(callers)
    again = [(await shown(lists, counting.terms, who))[0] for who in callers]
    assert (again, counting.asked) == (opened, len(callers))
    assert await shown(lists, terms_of("p, user, /b, GET, allow")) == ([], False)


@pytest.mark.parametrize("who", [UMA, None])
async def test_what_else_a_request_brings_is_another_list(who: Principal | None) -> None:
    lists = lists_of("GET /a")
    terms = terms_of(
        "p, everyone, 10.0.0.7, GET, allow\np, everyone, 10.0.0.8, GET, deny",
        "sub=claims.sub, role=roles, obj=client_ip, act=method",
    )
    opened = [
        (await lists.of({**SCOPE, "client": [address, 1]}, who, terms)).routes
        for address in ("10.0.0.7", "10.0.0.8", "10.0.0.7")
    ]
    assert [len(routes) for routes in opened] == [1, 0, 1]


async def test_callers_who_asked_longest_ago_are_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permissions_module, "_MOST_REMEMBERED", 2)
    lists, counting = lists_of("GET /a"), Counting(terms_of("p, user, /a, GET, allow"))
    for name, asked in (("a", 1), ("b", 2), ("a", 2), ("c", 3), ("b", 3), ("c", 3), ("a", 4), ("b", 5)):
        await shown(lists, counting.terms, Principal(name, ("user",)))
        assert counting.asked == asked, name


# --- where endpoints require it


def requiring(*requirements: Requirement, asks: bool = False) -> GuardedEndpoint:
    return GuardedEndpoint("GET /x", requirements, asks)


RULES = "p, user, book, read, allow\np, user, pen, write, allow\np, user, book, list, allow\np, inker, ink, list, allow\ng, uma@x, inker"


@pytest.mark.parametrize(
    ("endpoints", "opened", "incomplete"),
    [
        ((), [], False),
        (
            (
                requiring(Requirement("write", "pen"), Requirement("read", "book")),
                requiring(Requirement("read", "pen")),
            ),
            ["read book", "write pen"],
            False,
        ),
        ((requiring(Requirement("read", "book")), requiring(asks=True)), ["read book"], True),
        ((requiring(asks=True), requiring(Requirement("read", "book"))), ["read book"], True),
        # The same, required with other words besides: it depends on more than is shown.
        (
            (
                requiring(Requirement("list", "book"), Requirement("list", "book", (("role", "nobody"),))),
                requiring(Requirement("read", "book"), Requirement("read", "book", (("role", "user"),))),
                requiring(Requirement("write", "ink"), Requirement("write", "ink", (("role", "nobody"),))),
            ),
            ["read book"],
            True,
        ),
        ((requiring(Requirement("list", "ink"), Requirement("list", "ink")),), ["list ink"], False),
    ],
)
async def test_requirements_are_shown_that_are_allowed(
    endpoints: tuple[GuardedEndpoint, ...], opened: list[str], incomplete: bool
) -> None:
    lists = lists_of("GET /routes/{id}", endpoints=endpoints)
    assert await shown(lists, terms_of(RULES, CALLERS_ONLY)) == (opened, incomplete)


async def test_what_endpoints_require_is_asked_about_this_caller() -> None:
    lists = lists_of(endpoints=(requiring(Requirement("list", "ink"), Requirement("read", "book")),))
    terms = terms_of(RULES, CALLERS_ONLY)
    assert await shown(lists, terms) == (["list ink", "read book"], False)
    assert await shown(lists, terms, Principal("ulf", ("user",))) == (["read book"], False)
    assert await shown(lists, terms, None) == ([], False)
    assert await shown(lists, terms, Principal("uma@x", ("user",), through=PROGRAM)) == ([], False)


async def test_a_request_fills_what_is_not_required() -> None:
    lists = lists_of(
        endpoints=(requiring(Requirement("read"), Requirement("list"), Requirement("read", "pen")),)
    )
    by_host = terms_of("p, user, api.example.com, read, allow", "sub=claims.sub, role=roles, obj=host")
    assert await shown(lists, by_host) == (["read "], False)
    # Nothing fills the object: it is "", which no rule here is about.
    assert await shown(lists, terms_of("p, user, pen, read, allow", CALLERS_ONLY)) == (["read pen"], False)


# --- for how long


@pytest.mark.parametrize("mapping", [USUAL, CALLERS_ONLY])
async def test_a_list_that_takes_long_is_worked_out_in_turns(
    monkeypatch: pytest.MonkeyPatch, mapping: str
) -> None:
    """Time stands still but for a turn's length with each look at it, so that each is over when it is looked at."""
    now = [0]
    passed: list[str] = []

    def later() -> int:
        now[0] += 10_000_000
        return now[0]

    monkeypatch.setattr("rbac.guard.http.turns.perf_counter_ns", later)
    turns = Turns()
    take = turns.take

    async def taken() -> None:
        passed.append("taken")
        await take()

    monkeypatch.setattr(turns, "take", taken)
    routes = KnownRoutes((Route("GET", "/a"), Route("GET", "/b"), Route("GET", "/c")))
    endpoints = (requiring(*(Requirement("read", name) for name in "abc")),)
    await PermissionLists(routes, turns, endpoints).of(SCOPE, UMA, terms_of(RULES, mapping))
    assert passed == ["taken"] * 3
    assert turns._taken  # until the next round of the event loop hands it on
