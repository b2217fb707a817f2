"""The router's table, looked up instead of walked: which routes may answer a path is read off a tree of segments.

A router asks its routes one after the other. Here each request is handed to a copy of the router whose table holds, in
order, the routes that the path may belong to, and behind them one that stands for the whole table. Everything else is
the router's own work: each route still says itself whether it matches, and what none of them answers (another method,
a missing slash, nothing at all) is asked of the router as it is.
"""

import copy
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

from starlette.routing import BaseRoute, Match, Mount, Route, Router, WebSocketRoute, compile_path
from starlette.types import Receive, Scope, Send

# Converters that take one segment: what they match holds no slash.
_ONE_SEGMENT = frozenset(
    {
        "[^/]+",
        "[0-9]+",
        r"[0-9]+(\.[0-9]+)?",
        "[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}",
    }
)
# Places in the tree that are ever worked out, for each route. Beyond them the whole table is walked.
_MOST_PLACES = 4


class _Watched(list[BaseRoute]):
    """A router's table that counts how often it was changed: asking that costs the same for any number of routes."""

    changes = 0


def _counting(name: str) -> Callable[..., Any]:
    method = getattr(list, name)

    @wraps(method)
    def changing(self: _Watched, *given: Any, **named: Any) -> Any:
        self.changes += 1
        return method(self, *given, **named)

    return changing


for _name in (
    *("append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"),
    *("__delitem__", "__iadd__", "__imul__", "__init__", "__setitem__"),
):
    setattr(_Watched, _name, _counting(_name))


# Where a route stands: its place in the table, then in the router that is included there, and so on.
Position = tuple[int, ...]


def index_routes(router: Router) -> bool:
    """Has ``router`` find its routes by an index, from now on. False, and nothing done, where something stands before
    its table already.

    Its table may change at any time. A route may not: its path is read once.
    """
    if router.middleware_stack != router.app:
        return False
    router.middleware_stack = RouteIndex(router)
    return True


class RouteIndex:
    """Stands where a router's ``app`` stands, and gives its answer."""

    def __init__(self, router: Router) -> None:
        self._router = router
        self._table = _Table(router)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Coroutine[Any, Any, None]:
        router = self._router
        if scope["type"] == "lifespan":
            return router.app(scope, receive, send)
        table = self._table
        if not table.current():
            table = self._table = _Table(router)
        if "router" not in scope:
            scope["router"] = router
        path = _route_path(scope) if scope.get("root_path") else scope["path"]
        return table.narrowed(path).app(scope, receive, send)

    @property
    def places(self) -> int:
        """How many places of paths are worked out so far."""
        return self._table.places


def _route_path(scope: Scope) -> str:
    """The path that routes are matched with, where there is a ``root_path``."""
    path: str = scope["path"]
    root: str = scope["root_path"]
    if not path.startswith(root):
        return path
    rest = path[len(root) :]
    return rest if not rest or rest[0] == "/" else path


class _Whole(BaseRoute):
    """The last route of a narrowed table: where no other answers, the router answers by its whole table."""

    def __init__(self, router: Router) -> None:
        self._router = router

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        # In part: a route before it that takes the path and not the method is the router's answer.
        return Match.PARTIAL, {"route": scope["route"]} if "route" in scope else {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("route") is self:
            del scope["route"]
        await self._router.app(scope, receive, send)


@dataclass(slots=True)
class _Node:
    """A place in the tree. ``ends`` are routes whose path ends here, ``rests`` those that take whatever follows."""

    literal: "dict[str, _Node]" = field(default_factory=dict)
    any: "_Node | None" = None
    ends: list[Position] = field(default_factory=list)
    rests: list[Position] = field(default_factory=list)


class _State:
    """Everything that a path may still be, so many segments in: nodes of the tree, and routes that take any rest."""

    __slots__ = ("next", "nodes", "other", "rests", "router")

    def __init__(self, nodes: Sequence[_Node], rests: frozenset[Position]) -> None:
        self.nodes = nodes
        self.rests = rests.union(*(node.rests for node in nodes))
        self.next: dict[str, _State] = {}
        self.other: _State | None = None  # worked out when somebody comes by
        self.router: Router | None = None


class _Table:
    """The index of a router's table as it is now."""

    def __init__(self, router: Router) -> None:
        self._router = router
        # Every table that this is about, as it was read, and how often it had been changed then.
        self._tables: list[tuple[Router, _Watched, int]] = []
        self._root = _Node()
        self.places, self._most = 0, 64
        self._own = self._reading(router)
        for number, route in enumerate(self._own):
            self._add((number,), route)
        self._start = _State([self._root], frozenset())
        self._narrow: dict[tuple[Position, ...], Router] = {}

    def current(self) -> bool:
        """Whether no table has changed since: asked before each request, so in as few steps as there can be."""
        for router, routes, changes in self._tables:
            if router.routes is not routes or routes.changes != changes:
                return False
        return True

    def narrowed(self, path: str) -> Router:
        """The router with those routes of its table that may answer ``path``."""
        if path[-1:] == "\n":  # which the end of a pattern takes for no part of the path
            return self._router
        state = self._start
        for segment in path.split("/"):
            if state.other is None and not self._open(state):
                return self._router
            state = state.next.get(segment) or state.other  # type: ignore[assignment]  # opened above
        return state.router or self._narrowed(state)

    def _open(self, state: _State) -> bool:
        """Works out where each segment leads from ``state``; false when there are too many places already."""
        if self.places >= self._most:
            return False
        self.places += 1
        always = [node.any for node in state.nodes if node.any is not None]
        for text in {text for node in state.nodes for text in node.literal}:
            nodes = [node.literal[text] for node in state.nodes if text in node.literal]
            state.next[text] = _State([*nodes, *always], state.rests)
        state.other = _State(always, state.rests) if state.nodes else state
        return True

    def _narrowed(self, state: _State) -> Router:
        found = tuple(sorted(state.rests.union(*(node.ends for node in state.nodes))))
        router = self._narrow.get(found)
        if router is None:
            router = self._narrow[found] = self._copy(found) if found else self._router
        state.router = router
        return router

    def _copy(self, found: Sequence[Position]) -> Router:
        router = copy.copy(self._router)
        router.routes = [*_picked(self._own, found), _Whole(self._router)]
        return router

    def _reading(self, router: Router) -> list[BaseRoute]:
        routes = router.routes
        if type(routes) is not _Watched:
            routes = router.routes = _Watched(routes)
        self._tables.append((router, routes, routes.changes))
        return list(routes)

    def _in_step(self, route: Any) -> bool:
        """Whether ``route`` includes a router, and FastAPI has noticed all that was ever changed in it and below: what
        it has not yet, it may at any time."""
        router = _included(route)
        if router is None:
            return False
        routes, candidates = self._reading(router), _candidates(route)
        return (
            len(routes) == len(candidates)
            and all(map(_is_of, candidates, routes))
            and all(self._in_step(each) for each in candidates if hasattr(each, "original_router"))
        )

    def _add(self, position: Position, route: Any) -> None:
        """Puts ``route`` into the tree; one that is not known to go by its path alone is asked about every path."""
        if len(position) > 1 or self._in_step(route):
            candidates = _candidates(route)
            for number, each in enumerate(candidates):
                self._add((*position, number), each)
            if candidates:
                return
        self._most += _MOST_PLACES
        segments, rest = _segments(route)
        node = self._root
        for segment in segments:
            if segment is None:
                node.any = node.any or _Node()
                node = node.any
            else:
                node = node.literal.setdefault(segment, _Node())
        (node.rests if rest else node.ends).append(position)


def _included(route: Any) -> Router | None:
    """The router that ``route`` includes; ``None`` where it includes none, or where somebody's own class may match as it
    likes.

    By shape: FastAPI includes a router as one route, of a class without a public name.
    """
    router = getattr(route, "original_router", None)
    if not isinstance(router, Router) or not callable(getattr(route, "effective_candidates", None)):
        return None
    own = [_defined_in(route, name) for name in ("matches", "handle", "effective_candidates")]
    own += [_defined_in(router, name) for name in ("matches", "handle")]
    return router if set(own) == {_FASTAPI} else None


def _candidates(route: Any) -> list[Any]:
    """The routes of a router that ``route`` includes, with the prefix worked in; none where it includes none, or FastAPI
    itself fails over them."""
    try:
        found: list[Any] = route.effective_candidates() if hasattr(route, "original_router") else []
    except (AssertionError, ValueError):  # Starlette's own, about a path
        return []
    return found


_FASTAPI = "fastapi.routing"


def _defined_in(thing: object, name: str) -> str:
    """The module that says what ``thing`` does when ``name`` is called; "" where ``thing`` itself does."""
    if name in vars(thing):
        return ""
    return next((each.__module__ for each in type(thing).__mro__ if name in vars(each)), "")


def _is_of(candidate: Any, route: Any) -> bool:
    """Whether ``candidate`` is ``route`` with a prefix worked in."""
    if getattr(route, "original_router", None) is not None:
        return getattr(candidate, "original_router", None) is route.original_router
    return getattr(candidate, "original_route", None) is route


def _picked(routes: Sequence[Any], found: Iterable[Position]) -> Iterator[Any]:
    """The routes that stand at ``found``, which is in order; of a router that is included those inside it alone."""
    inside: dict[int, list[Position]] = {}
    for first, *others in found:
        inside.setdefault(first, []).append(tuple(others))
    for number, positions in inside.items():
        route = routes[number]
        if positions != [()]:
            chosen = list(_picked(route.effective_candidates(), positions))
            route = copy.copy(route)
            route.effective_candidates = chosen.copy
        yield route


_ANYTHING: tuple[list[str | None], bool] = ([], True)


def _segments(candidate: Any) -> tuple[list[str | None], bool]:
    """The segments of the paths that a route takes, ``None`` for any; and whether anything may follow them.

    What a route of another class does, or one whose pattern is not that of its path, is not known: anything.
    """
    original = getattr(candidate, "original_route", candidate)
    route = getattr(candidate, "starlette_route", None) or candidate
    if not isinstance(original, Route | WebSocketRoute | Mount) or not _goes_by_path(original):
        return _ANYTHING
    path = route.path + "/{path:path}" if isinstance(original, Mount) else route.path
    if not path.startswith("/"):
        return _ANYTHING
    try:
        pattern, _, converters = compile_path(path)
    except (AssertionError, ValueError):  # Starlette's own, for a path that it does not take
        return _ANYTHING
    if pattern != route.path_regex:
        return _ANYTHING
    segments: list[str | None] = []
    for text in path.split("/"):
        if "{" not in text:
            segments.append(text)
            continue
        named = [name for name in converters if f"{{{name}}}" in text or f"{{{name}:" in text]
        if not all(converters[name].regex in _ONE_SEGMENT for name in named):
            return segments, True
        segments.append(None)
    return segments, False


def _goes_by_path(route: object) -> bool:
    """Whether a route's ``matches`` is one that is known to go by the path."""
    return _defined_in(route, "matches") in {_FASTAPI, "starlette.routing"}
