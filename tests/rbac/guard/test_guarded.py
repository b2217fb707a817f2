"""An application behind a guard: when the guard opens and closes, what a request brings along, and who answers a preflight."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI

from rbac.guard.checkpoint import Checkpoint
from rbac.guard.guarded import GuardedApplication
from rbac.guard.http.asgi import ASGIApp, Message, Receive, Scope, Send
from rbac.guard.http.request_id import request_id_var
from rbac.guard.http.trace_context import trace_var
from rbac.guard.requirements import GuardedEndpoint
from rbac.routes import KnownRoutes, Route, routes_of_app
from tests.support.waiting import all_had_their_turn, until

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Noting:
    """A guard that notes what is asked of it, and fails to open where it is told to."""

    def __init__(self, *failures: Exception) -> None:
        self.checkpoint = Checkpoint()
        self.events: list[str] = []
        self.before: list[tuple[int, tuple[Route, ...]]] = []
        self.failures = list(failures)
        self.opens = asyncio.Event()
        self.opens.set()

    def middleware(self, app: ASGIApp) -> ASGIApp:
        return GuardedApplication(app, self)

    def stand_before(self, name: int, endpoints: tuple[GuardedEndpoint, ...], routes: KnownRoutes) -> None:
        self.events.append("stands")
        self.before.append((name, tuple(routes)))

    async def open(self) -> None:
        self.events.append("opens")
        await self.opens.wait()
        if self.failures:
            raise self.failures.pop(0)

    async def close(self) -> None:
        self.events.append("closes")


class Deciding:
    """What stands between the guard and its application: lets everybody in, and notes what came along."""

    def __init__(self, app: ASGIApp, checkpoint: Checkpoint) -> None:
        self.app, self.checkpoint = app, checkpoint
        self.around: Callable[[ASGIApp], ASGIApp] | None = None
        self.came: list[tuple[str, str]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.came.append((request_id_var.get(), trace_var.get()))
        await self.app(scope, receive, send)


@pytest.fixture(autouse=True)
def _everybody_is_let_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rbac.guard.guarded.AuthorizationMiddleware", Deciding)


async def nothing_more() -> Message:
    return {"type": "http.disconnect"}


async def ignored(message: Message) -> None:
    return None


def request(method: str = "GET", **headers: str) -> Scope:
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "method": method, "path": "/", "root_path": "", "headers": named}


async def served(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 204})


async def life(app: ASGIApp, guard: Noting, during: Callable[[], Any] | None = None) -> list[str]:
    """What happens in one lifespan, in order."""
    coming = ["lifespan.startup", "lifespan.shutdown"]

    async def receive() -> Message:
        if len(coming) == 1 and during is not None:
            await during()
        return {"type": coming.pop(0)}

    async def send(message: Message) -> None:
        guard.events.append(message["type"])

    await app({"type": "lifespan", "asgi": {"version": "3.0"}}, receive, send)
    return guard.events


def living(guard: Noting, *ends: str, raises: bool = False) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            return
        for end in ends:
            guard.events.append(f"hears {(await receive())['type']}")
            await send({"type": end})
        if raises:
            raise LookupError("of the application")

    return guard.middleware(app)


STARTED = ["stands", "opens", "hears lifespan.startup", "lifespan.startup.complete"]
STOPPING = [*STARTED, "hears lifespan.shutdown", "closes"]


@pytest.mark.parametrize(
    ("ends", "events"),
    [
        (
            ["lifespan.startup.complete", "lifespan.shutdown.complete"],
            [*STOPPING, "lifespan.shutdown.complete"],
        ),
        (["lifespan.startup.complete", "lifespan.shutdown.failed"], [*STOPPING, "lifespan.shutdown.failed"]),
        (["lifespan.startup.failed"], [*STARTED[:3], "closes", "lifespan.startup.failed"]),
        (["lifespan.startup.complete"], [*STARTED, "closes"]),  # and returns without a word
        ([], ["stands", "opens", "closes"]),
    ],
)
async def test_a_guard_opens_before_its_application_starts_and_closes_before_its_end_is_told(
    ends: list[str], events: list[str]
) -> None:
    guard = Noting()
    assert await life(living(guard, *ends), guard) == events


@pytest.mark.parametrize("ends", [[], ["lifespan.startup.complete"]])
async def test_a_guard_closes_behind_an_application_that_fails(ends: list[str]) -> None:
    guard = Noting()
    with pytest.raises(LookupError):
        await life(living(guard, *ends, raises=True), guard)
    assert guard.events[-1] == "closes"
    assert guard.events.count("closes") == 1


async def test_a_guard_that_cannot_open_starts_no_application_and_tells_the_server_why() -> None:
    guard = Noting(LookupError("no policy"))
    told: list[Message] = []

    async def receive() -> Message:
        return {"type": "lifespan.startup"}

    async def send(message: Message) -> None:
        told.append(message)

    with pytest.raises(LookupError):
        await living(guard, "lifespan.startup.complete")({"type": "lifespan"}, receive, send)
    assert told == [{"type": "lifespan.startup.failed", "message": "cannot start: no policy"}]
    assert guard.events == ["stands", "opens"]


async def test_while_any_lifespan_runs_no_request_opens_the_guard() -> None:
    guard = Noting()
    app = living(guard, "lifespan.startup.complete", "lifespan.shutdown.complete")

    async def asked() -> None:
        await app(request(), nothing_more, ignored)

    async def within() -> None:
        await asked()
        await life(app, guard, asked)
        await asked()

    await life(app, guard, within)
    assert (guard.events.count("opens"), guard.events.count("closes")) == (2, 2)
    for _ in range(2):
        await asked()
    assert guard.events.count("opens") == 3  # by the first request outside of any


async def test_without_a_lifespan_the_first_requests_share_one_opening_that_none_of_them_ends() -> None:
    guard = Noting()
    guard.opens.clear()
    app = guard.middleware(served)
    requests = [asyncio.ensure_future(app(request(), nothing_more, ignored)) for _ in range(5)]
    await until(lambda: "opens" in guard.events)
    requests[0].cancel()
    await all_had_their_turn()
    assert not any(each.done() for each in requests[1:])
    guard.opens.set()
    await asyncio.wait(requests)
    assert [each.cancelled() for each in requests] == [True, *[False] * 4]
    await app(request(), nothing_more, ignored)
    assert guard.events == ["stands", "opens"]


async def test_an_opening_that_failed_is_tried_again_by_the_next_request() -> None:
    guard = Noting(LookupError("no policy"), LookupError("no policy"))
    app = guard.middleware(served)
    for _ in range(2):
        with pytest.raises(LookupError):
            await app(request(), nothing_more, ignored)
    await app(request(), nothing_more, ignored)
    assert guard.events == ["stands", "opens", "opens", "opens"]


def test_each_event_loop_opens_the_guard_even_while_another_one_does() -> None:
    """As test clients in two threads are."""
    guard = Noting()
    opened: list[int] = []
    both = threading.Barrier(2, timeout=60)

    async def opens() -> None:
        opened.append(threading.get_ident())
        await asyncio.to_thread(both.wait)

    guard.open = opens  # type: ignore[method-assign]  # waits for the other loop's
    app = guard.middleware(served)
    answers: list[str] = []

    async def asked() -> None:
        async def send(message: Message) -> None:
            answers.append(message["type"])

        await app(request(), nothing_more, send)

    threads = [threading.Thread(target=asyncio.run, args=(asked(),)) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert answers == ["http.response.start"] * 2
    assert len(set(opened)) == 2


def core_of(app: ASGIApp) -> Deciding:
    assert isinstance(app, GuardedApplication)
    core: Any = app._core
    assert isinstance(core, Deciding)
    return core


@pytest.mark.parametrize(
    ("headers", "came"),
    [
        ({"x_request_id": "mine", "traceparent": f"00-{TRACE}"}, ("mine", TRACE)),
        ({"x_request_id": "mine"}, ("mine", "")),
    ],
)
async def test_a_request_has_its_id_and_its_trace_and_leaves_neither_behind(
    headers: dict[str, str], came: tuple[str, str]
) -> None:
    app = Noting().middleware(served)
    before = (request_id_var.get(), trace_var.get())
    await app(request(**headers), nothing_more, ignored)
    assert core_of(app).came == [came]
    assert (request_id_var.get(), trace_var.get()) == before


async def test_an_id_that_somebody_further_out_gave_is_kept() -> None:
    heard: list[tuple[Scope, Receive, Send]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        heard.append((scope, receive, send))

    guarded = Noting().middleware(app)
    scope = request(x_request_id="another")
    token = request_id_var.set("outside")
    try:
        await guarded(scope, nothing_more, ignored)
        assert [name for name, _ in core_of(guarded).came] == ["outside"]
        assert request_id_var.get() == "outside"
    finally:
        request_id_var.reset(token)
    assert heard == [(scope, nothing_more, ignored)]  # once, and with what was sent


@pytest.mark.parametrize(("method", "through"), [("OPTIONS", 1), ("GET", 0), ("POST", 0)])
async def test_only_a_preflight_goes_through_what_stands_around_refusals(method: str, through: int) -> None:
    app = Noting().middleware(served)
    await app(request(), nothing_more, ignored)
    core, wrapped = core_of(app), []

    def around(inner: ASGIApp) -> ASGIApp:
        wrapped.append(inner)
        return inner

    for layer, expected in ((None, 0), (around, through)):
        core.around = layer
        core.came.clear()
        await app(request(method), nothing_more, ignored)
        assert (len(wrapped), len(core.came)) == (expected, 1)


def test_an_application_that_shows_no_routes_has_none() -> None:
    app = Noting().middleware(served)
    assert isinstance(app, GuardedApplication)
    assert app.routes == []


@pytest.mark.parametrize("prefix", ["", "/sub"])
async def test_of_a_mounted_application_the_whole_paths_are_listed_and_its_rules_are_not_held_to_them(
    monkeypatch: pytest.MonkeyPatch, prefix: str
) -> None:
    listed: list[KnownRoutes] = []

    def lists(routes: KnownRoutes, *_: Any) -> None:
        listed.append(routes)

    monkeypatch.setattr("rbac.guard.guarded.PermissionLists", lists)
    inner = FastAPI(openapi_url=None)

    @inner.get("/orders/{id}", name="one order")
    async def endpoint() -> str:
        return "done"

    guard = Noting()
    for _ in range(2):
        app = guard.middleware(inner)
        await app(
            {
                **request(),
                "path": f"{prefix}/",
                "root_path": prefix,
                "app_root_path": "",
                "query_string": b"",
            },
            nothing_more,
            ignored,
        )
    assert [tuple(each) for each in listed] == [(Route("GET", f"{prefix}/orders/{{id}}", "one order"),)] * 2
    assert {each.source for each in listed} == {routes_of_app(inner).source}
    assert [routes for _, routes in guard.before] == [() if prefix else tuple(listed[0])] * 2
    assert len({name for name, _ in guard.before}) == 2  # each application for itself


class Layer:
    """A layer of the application's own, further in than the guard."""

    def __init__(self, app: ASGIApp, name: str = "") -> None:
        self.app, self.name = app, name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


class CORSMiddleware(Layer):
    """As Starlette's is called."""


def named(app: Any) -> list[str]:
    """The layers around ``app``, from outside."""
    return [type(app).__name__, *named(app.app)] if isinstance(app, Layer) else []


@pytest.mark.parametrize(
    ("layers", "around"),
    [
        ([], []),
        ([Layer], []),
        ([Layer, CORSMiddleware], ["CORSMiddleware"]),
        ([CORSMiddleware, Layer], ["CORSMiddleware"]),
        ([Layer, Layer, CORSMiddleware], ["CORSMiddleware"]),
    ],
)
@pytest.mark.parametrize("added", [True, False])
async def test_of_the_layers_further_in_the_one_of_cors_alone_stands_around_refusals(
    layers: list[type[Layer]], around: list[str], added: bool
) -> None:
    """Whether they were added to the application or put around it; its routes are found behind all of them."""
    guard = Noting()
    inner = FastAPI(openapi_url=None)

    @inner.get("/orders")
    async def endpoint() -> str:
        return "done"

    app: Any = inner
    for layer in reversed(layers):
        if added:
            inner.add_middleware(layer, name="mine")
        else:
            app = layer(app, "mine")
    guarded = guard.middleware(app)
    await guarded({**request(), "query_string": b""}, nothing_more, ignored)
    assert [routes for _, routes in guard.before] == [(Route("GET", "/orders", "endpoint"),)]
    wrap = core_of(guarded).around
    wrapped: Any = served if wrap is None else wrap(served)
    assert named(wrapped) == around
    if around:
        assert (wrapped.app, wrapped.name) == (served, "mine")
    assert named(app) == ([] if added else [each.__name__ for each in layers])  # as it was


def made_by_a_function(app: ASGIApp, name: str = "") -> ASGIApp:
    return Layer(app, name)


@pytest.mark.parametrize(
    ("inside", "around"),
    [
        ([], []),
        ([Layer], []),
        ([made_by_a_function], []),
        ([CORSMiddleware], ["CORSMiddleware"]),
        ([made_by_a_function, CORSMiddleware], ["CORSMiddleware"]),
    ],
)
async def test_a_layer_of_cors_further_out_than_the_guard_stands_there_already(
    inside: list[Any], around: list[str]
) -> None:
    guard = Noting()
    app = FastAPI(openapi_url=None)
    for layer in reversed(inside):
        app.add_middleware(layer, name="inside")
    app.add_middleware(guard.middleware)
    app.add_middleware(CORSMiddleware, name="outside")
    made: Any = app.build_middleware_stack()
    while not isinstance(made, GuardedApplication):
        made = made.app
    await made({**request(), "app": app, "query_string": b""}, nothing_more, ignored)
    wrap = core_of(made).around
    wrapped: Any = served if wrap is None else wrap(served)
    assert named(wrapped) == around
    assert not around or wrapped.name == "inside"
