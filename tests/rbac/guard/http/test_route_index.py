"""A router with an index gives the answer of the same router without one: on random tables, asked at random."""

import asyncio
import itertools
import json
import random
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, WebSocket
from fastapi.exceptions import FastAPIError
from fastapi.routing import APIRoute
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import BaseRoute, Host, Match, Mount, Route, Router, WebSocketRoute
from starlette.types import Message, Receive, Scope, Send

from rbac.guard.http.route_index import RouteIndex, index_routes

SEGMENTS = ("a", "b", "A", "", "{x}", "{x}.json", "a-{x}", "{n:int}", "{f:float}", "{u:uuid}", "{p:path}")
TEXTS = ("a", "b", "A", "", "a-b", "b.json", "7", "1.5", "0" * 32, "é", "a\n")
METHODS = ("GET", "POST", "HEAD", "DELETE")
HOSTS = ("a.example", "b.example", "a.example:8000")


def told(scope: Scope, name: str) -> dict[str, Any]:
    """What an endpoint sees of how it was found."""
    return {
        "endpoint": name,
        "params": {key: str(value) for key, value in scope["path_params"].items()},
        "root": scope.get("root_path", ""),
        "app_root": scope.get("app_root_path"),
        "route": getattr(scope.get("route"), "path", None),
        "table": len(scope["router"].routes),
    }


def endpoint(name: str) -> Callable[..., Any]:
    async def answer(request: Request) -> JSONResponse:
        return JSONResponse(told(request.scope, name))

    return answer


def socket(name: str) -> Callable[..., Any]:
    async def answer(websocket: WebSocket) -> None:
        await websocket.accept(headers=[(b"told", repr(told(websocket.scope, name)).encode())])
        await websocket.close()

    return answer


class OnTuesdays(BaseRoute):
    """A route of somebody's own, which does not go by the path."""

    def __init__(self, name: str) -> None:
        self.name = name

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        return (Match.FULL if scope.get("query_string") == b"tuesday" else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse(self.name)(scope, receive, send)


class Folded(APIRoute):
    """A path in any case."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        return super().matches({**scope, "path": scope["path"].lower()})


class Greedy(APIRouter):
    """A router that takes every DELETE."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        return (Match.FULL, {}) if scope["method"] == "DELETE" else super().matches(scope)


async def teapot() -> None:
    raise HTTPException(418)


class Tables:
    """Draws routers; every endpoint has a name of its own."""

    def __init__(self, draw: random.Random, folder: Path) -> None:
        self.draw = draw
        self.folder = folder
        self.names = (f"e{number}" for number in itertools.count())
        self.routers: list[APIRouter] = []

    def path(self, *, most: int = 3) -> str:
        chosen = [self.draw.choice(SEGMENTS) for _ in range(self.draw.randint(1, most))]
        return "".join(f"/{self.named(text)}" for text in chosen)

    def named(self, segment: str) -> str:
        return segment.replace("{", "{" + f"p{self.draw.randrange(10**6)}")

    def prefix(self) -> str:
        return self.draw.choice(
            ("", "", "/a", "/b", self.path(most=2).rstrip("/"), self.named("/{x}") + self.named("/{y}"))
        )

    def methods(self) -> list[str]:
        return self.draw.sample(["GET", "POST", "DELETE"], self.draw.randint(1, 2))

    def fill(self, router: APIRouter, depth: int) -> None:
        self.routers.append(router)
        for _ in range(self.draw.randint(1, 6)):
            self.add(router, depth)

    def add(self, router: APIRouter, depth: int = 0) -> None:
        name = next(self.names)
        match self.draw.choice((*"aaa", "folded", "socket", "include", "frontend", *"oooo")):
            case "a":
                router.add_api_route(self.path(), endpoint(name), methods=self.methods())
            case "folded":
                folded = APIRouter(route_class=Folded)
                folded.add_api_route(self.path(), endpoint(name))
                router.routes.extend(folded.routes)
            case "socket":
                router.add_api_websocket_route(self.path(), socket(name))
            case "include":
                self.include(router, depth)
            case "frontend" if self.draw.random() < 0.3:
                router.frontend(self.draw.choice(("/", "/a")), directory=self.folder)
            case "o":
                router.routes.append(self.other(name))

    def other(self, name: str) -> BaseRoute:
        """A route that is not FastAPI's."""
        match self.draw.choice(("plain", "socket", "mount", "host", "odd")):
            case "plain":
                return Route(self.path(), endpoint(name), methods=self.methods())
            case "socket":
                return WebSocketRoute(self.path(), socket(name))
            case "mount":
                deeper = Mount("/b", Router([Route("/", endpoint(name))]))
                inner = Router([Route(self.path(), endpoint(name)), deeper])
                return Mount(self.draw.choice(("", "/a", "/b/{deep}")), inner)
            case "host":
                host = self.draw.choice(("a.example", "{sub}.example"))
                return Host(host, Router([Route(self.path(), endpoint(name))]))
            case _:
                return OnTuesdays(name)

    def include(self, router: APIRouter, depth: int) -> None:
        if depth < 3:
            inner = self.draw.choice((APIRouter, APIRouter, APIRouter, Greedy))()
            self.fill(inner, depth + 1)
            with suppress(
                FastAPIError, ValueError
            ):  # a path and a prefix that are both empty, a parameter twice
                router.include_router(inner, prefix=self.prefix())

    def change(self) -> None:
        """What a program may do with a table while it serves."""
        router = self.draw.choice(self.routers)
        place = self.draw.randrange(len(router.routes) + 1)
        match self.draw.choice(("add", "add", "pop", "swap", "turn", "assign", "frontend")):
            case "add":
                self.add(router, 2)
            case "pop":
                del router.routes[place : place + 1]
            case "swap":  # one that is equal to it, and answers otherwise
                for route in router.routes[place : place + 1]:
                    if isinstance(route, APIRoute):
                        router.routes[place] = APIRoute(
                            route.path, route.endpoint, methods=route.methods, dependencies=[Depends(teapot)]
                        )
            case "turn":
                router.routes.reverse()
            case "assign":
                router.routes = list(router.routes[1:])
            case "frontend":
                router.frontend("/b", directory=self.folder)


def requests(draw: random.Random, count: int) -> Iterator[dict[str, Any]]:
    for _ in range(count):
        path = "".join(f"/{draw.choice(TEXTS)}" for _ in range(draw.randint(1, 4)))
        kind = draw.choice(("http", "http", "http", "websocket"))
        scope: dict[str, Any] = {
            "type": kind,
            "path": path,
            "raw_path": path.encode(),
            "query_string": draw.choice((b"", b"", b"tuesday")),
            "headers": [(b"host", draw.choice(HOSTS).encode())],
            "root_path": draw.choice(("", "", "/a", "/nowhere")),
            "scheme": "http",
            "server": ("127.0.0.1", 80),
        }
        scope["method"] = draw.choice(METHODS)
        yield scope


def answer(app: Any, scope: Mapping[str, Any]) -> list[Any]:
    """Everything that is sent in answer, or what is raised."""
    sent: list[Any] = []

    kind = scope["type"]
    given = iter([{"type": "websocket.connect" if kind == "websocket" else "http.request"}])

    async def receive() -> Message:
        return next(given, {"type": f"{kind}.disconnect", "code": 1000})

    async def send(message: Message) -> None:
        headers = [pair for pair in message.get("headers", ()) if pair[0] not in {b"last-modified", b"allow"}]
        allow = {
            frozenset(value.split(b", ")) for name, value in message.get("headers", ()) if name == b"allow"
        }
        sent.append({**message, "headers": headers, "allow": allow})

    async def call() -> None:
        await app({**scope, "headers": list(scope["headers"])}, receive, send)

    try:
        asyncio.run(call())
    except Exception as error:  # noqa: BLE001 - both must fail in the same way
        sent.append(repr(error))
    return sent


@pytest.mark.parametrize("seed", range(60))
def test_a_router_with_an_index_answers_as_it_does_without(seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)
    (tmp_path / "index.html").write_text("a frontend")
    app = FastAPI(redirect_slashes=draw.random() < 0.5, docs_url=None, redoc_url=None, openapi_url=None)
    tables = Tables(draw, tmp_path)
    tables.fill(app.router, 0)
    for _ in range(draw.randint(0, 6)):
        tables.include(app.router, 0)
    plain = app.router.middleware_stack
    assert index_routes(app.router)
    index = app.router.middleware_stack
    statuses = set[Any]()
    for _ in range(6):
        for scope in requests(draw, 25):
            app.router.middleware_stack = plain
            expected = answer(app, scope)
            app.router.middleware_stack = index
            assert answer(app, scope) == expected, scope
            statuses |= {each.get("status") for each in expected if isinstance(each, dict)}
        tables.change()
    assert statuses & {200, 404, 405, 418}


@pytest.mark.parametrize(
    ("root", "path", "found"),
    [
        ("/a", "/a/a-b", "first"),
        ("/a", "/a-b", "first"),
        ("/a", "/b/a-b", "rest"),
        ("", "/a-b", "first"),
        ("", "/a/a-b", "rest"),
    ],
)
def test_a_path_is_looked_up_as_routes_match_it(root: str, path: str, found: str) -> None:
    router = Router(
        [Route("/a-{x}", endpoint("first")), Route("/{p:path}", endpoint("rest")), OnTuesdays("")]
    )
    router.routes.append(Mount("", Router([Route("/", endpoint("rest"))])))
    assert index_routes(router)
    scope = next(requests(random.Random(0), 1)) | {"type": "http", "method": "GET", "query_string": b""}
    sent = answer(router, scope | {"root_path": root, "path": path})
    assert json.loads(sent[1]["body"])["endpoint"] == found


def test_a_route_is_found_among_few(monkeypatch: pytest.MonkeyPatch) -> None:
    app = FastAPI(openapi_url=None)
    for name in range(20):
        inner = APIRouter()
        for number in range(20):
            inner.add_api_route(f"/{number}/{{x}}", endpoint(f"{name} {number}"))
        nested = APIRouter()
        nested.include_router(inner, prefix=f"/{name}")
        app.include_router(nested, prefix="/api")
    assert index_routes(app.router)
    asked = list[str]()
    matches = APIRoute.matches

    def counted(self: APIRoute, scope: Scope) -> tuple[Match, Scope]:
        asked.append(self.path)
        return matches(self, scope)

    scope = next(requests(random.Random(0), 1)) | {"type": "http", "method": "GET", "root_path": ""}
    first = answer(app, scope | {"path": "/api/19/19/z"})
    monkeypatch.setattr(APIRoute, "matches", counted)
    assert answer(app, scope | {"path": "/api/19/19/z"}) == first
    assert first[0]["status"] == 200
    assert set(asked) == {"/19/{x}"}


_CHANGES: Sequence[Callable[[list[Any]], object]] = (
    lambda routes: routes.append(Route("/b", endpoint("b"))),
    lambda routes: routes.extend([Route("/b", endpoint("b"))]),
    lambda routes: routes.insert(0, Route("/{any}", endpoint("any"))),
    lambda routes: routes.remove(routes[0]),
    lambda routes: routes.pop(),
    lambda routes: routes.clear(),
    lambda routes: routes.reverse(),
    lambda routes: routes.sort(key=lambda route: -len(route.path)),
    lambda routes: routes.__setitem__(0, Route("/a", endpoint("another"))),
    lambda routes: routes.__setitem__(slice(0, 1), []),
    lambda routes: routes.__delitem__(0),
    lambda routes: routes.__iadd__([Route("/b", endpoint("b"))]),
    lambda routes: routes.__imul__(0),
    lambda routes: routes.__init__([]),  # type: ignore[misc]  # a way to change one all the same
)


@pytest.mark.parametrize("included", [False, True])
@pytest.mark.parametrize("change", _CHANGES)
def test_every_change_of_a_table_is_noticed(change: Callable[[list[Any]], object], included: bool) -> None:
    app = FastAPI(openapi_url=None)
    inner = APIRouter(routes=[Route("/a", endpoint("a")), Route("/{any}/c", endpoint("c"))])
    app.include_router(inner, prefix="/in") if included else app.router.routes.extend(inner.routes)
    changed = inner if included else app.router
    plain = app.router.middleware_stack
    assert index_routes(app.router)
    scope = next(requests(random.Random(0), 1)) | {"type": "http", "method": "GET", "root_path": ""}
    for path in ("/a", "/in/a"):
        answer(app, scope | {"path": path})
    index = app.router.middleware_stack
    change(changed.routes)
    for path in ("/a", "/b", "/x/c", "/in/a", "/in/b", "/in/x/c"):
        app.router.middleware_stack = plain
        expected = answer(app, scope | {"path": path})
        app.router.middleware_stack = index
        assert answer(app, scope | {"path": path}) == expected, path


def test_a_table_has_no_way_to_change_that_is_not_counted() -> None:
    routes = Router([Route("/a", endpoint("a"))])
    assert index_routes(routes)
    unchanging = {"copy", "count", "index"} | set(dir(tuple)) | {"__reversed__"}
    counted = {name for name in vars(type(routes.routes)) if callable(getattr(list, name, None))}
    assert set(dir(list)) - unchanging <= counted


def test_a_router_with_layers_of_its_own_is_left_alone() -> None:
    class Layer:
        def __init__(self, app: Any) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await self.app(scope, receive, send)

    router = Router([Route("/a", endpoint("a"))], middleware=[Middleware(Layer)])
    stack = router.middleware_stack
    assert not index_routes(router)
    assert router.middleware_stack is stack


def test_what_callers_send_makes_nothing_grow() -> None:
    router = Router(
        [Route("/a/{x}/b", endpoint("a")), Route("/{x}/{y}", endpoint("b")), Mount("/m", Router())]
    )
    assert index_routes(router)
    index = router.middleware_stack
    assert isinstance(index, RouteIndex)
    scope = next(requests(random.Random(0), 1)) | {"type": "http", "method": "GET", "root_path": ""}
    sizes = set[int]()
    for number in range(300):
        answer(router, scope | {"path": f"/{number}/{'x' * number}/" + "y/" * (number % 30)})
        if number > 60:
            sizes.add(index.places)
    assert len(sizes) == 1


def asked_about(path: str, **changes: Any) -> dict[str, Any]:
    """A plain GET."""
    asked = next(requests(random.Random(0), 1)) | {"type": "http", "method": "GET", "query_string": b""}
    return asked | {"root_path": "", "path": path, **changes}


def alike(router: Router, paths: Sequence[str], *, outer: Router | None = None) -> list[int]:
    """The statuses of the answers, which are the same with an index and without; where ``outer`` handed a request on."""
    changes = {} if outer is None else {"router": outer}
    plain = router.middleware_stack
    assert index_routes(router)
    index = router.middleware_stack
    statuses = []
    for path in paths:
        router.middleware_stack = plain
        expected = answer(router, asked_about(path, **changes))
        router.middleware_stack = index
        assert answer(router, asked_about(path, **changes)) == expected, path
        statuses.append(expected[0]["status"])
    return statuses


def test_a_few_places_are_worked_out_for_each_route_and_beyond_them_the_table_is_walked() -> None:
    paths = [f"/{number}/a/b/c/d/e/f/g" for number in range(40)]
    router = Router([Route(path, endpoint(path)) for path in paths])
    assert alike(router, [*paths, *paths, "/0/a/b/c/d/e/f/h", "/0/a"]) == [200] * 80 + [404] * 2
    index: Any = router.middleware_stack
    assert index.places == 64 + 4 * len(paths)  # and not 8 for each


@pytest.mark.parametrize(
    "odd", ["pattern", "path without a slash", "a name twice", "matches by itself", "an unknown converter"]
)
def test_a_route_whose_pattern_is_not_its_paths_is_asked_about_every_path(odd: str) -> None:
    routes = [
        Route("/a/{x}", endpoint("a")),
        Route("/b/{x}", endpoint("b")),
        Route("/{p:path}", endpoint("rest")),
    ]
    match odd:
        case "pattern":
            routes[0].path_regex = re.compile("^/b/(?P<x>[^/]+)$")
        case "path without a slash":
            routes[0].path = "b"
        case "a name twice":
            routes[0].path = "/{x}/{x}"
        case "matches by itself":
            vars(routes[0])["matches"] = lambda _: (Match.FULL, {"path_params": {}})
        case _:
            routes[0].path = "/a/{x:nothing}"
    assert alike(Router(routes), ["/a/1", "/b/1", "/b", "/c", "/"]) == [200] * 5


def test_the_lifespan_is_the_routers_own() -> None:
    told: list[str] = []

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        told.append("begins")
        yield
        told.append("ends")

    router = Router([Route("/a", endpoint("a"))], lifespan=lifespan)
    assert index_routes(router)
    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
    sent: list[str] = []

    async def receive() -> Message:
        return next(messages)

    async def send(message: Message) -> None:
        sent.append(message["type"])

    asyncio.run(router({"type": "lifespan", "app": router}, receive, send))
    assert (told, sent) == (["begins", "ends"], ["lifespan.startup.complete", "lifespan.shutdown.complete"])


def test_a_router_has_one_index_at_most() -> None:
    router = Router([Route("/a", endpoint("a"))])
    assert index_routes(router) is True
    index = router.middleware_stack
    assert index_routes(router) is False
    assert router.middleware_stack is index


def test_a_router_that_another_one_handed_on_to_names_the_outer_one() -> None:
    router = Router([Route("/a", endpoint("a"))])
    assert alike(router, ["/a", "/b"], outer=Router([])) == [200, 404]


@pytest.mark.parametrize("named", [{}, {"route": None}])
def test_where_no_route_answers_none_is_named_in_the_request(named: dict[str, Any]) -> None:
    async def default(scope: Scope, receive: Receive, send: Send) -> None:
        await JSONResponse({"route": scope.get("route", "none")}, 404)(scope, receive, send)

    router = Router([Route("/{n:int}", endpoint("a"))], redirect_slashes=False, default=default)
    plain = answer(router, asked_about("/x", **named))
    assert index_routes(router)
    assert answer(router, asked_about("/x", **named)) == plain


@pytest.mark.parametrize("error", [ValueError, AssertionError])
def test_what_fastapi_fails_over_it_fails_over_with_an_index_too(error: type[Exception]) -> None:
    """A route that came to a router after it was included, and that its prefix cannot stand before."""
    app, inner = FastAPI(openapi_url=None), APIRouter()
    app.include_router(inner, prefix="/in/{x}" if error is ValueError else "")
    inner.routes.append(Route("/{x}", endpoint("a")))
    if error is AssertionError:
        vars(inner.routes[0])["path"] = "none"
    plain = app.router.middleware_stack
    expected = answer(app, asked_about("/in/1/1"))
    assert str(expected[-1]).startswith(error.__name__)
    app.router.middleware_stack = plain
    assert index_routes(app.router)
    assert answer(app, asked_about("/in/1/1")) == expected
