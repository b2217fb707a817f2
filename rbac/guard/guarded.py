"""An application behind a guard: where it begins and ends, where it is mounted, and which way round CORS stands."""

import asyncio
import copy
from collections.abc import Callable
from typing import Any, Protocol

from rbac.guard.checkpoint import Checkpoint
from rbac.guard.http.asgi import ASGIApp, Message, Receive, Scope, Send, header_bytes
from rbac.guard.http.request_id import request_id, request_id_var
from rbac.guard.http.target import mounted_at
from rbac.guard.http.trace_context import sent_trace, trace_of, trace_var
from rbac.guard.http.turns import Turns
from rbac.guard.middleware import AuthorizationMiddleware
from rbac.guard.permissions import PermissionLists
from rbac.guard.requirements import BehindItsOwn, GuardedEndpoint, endpoints_of
from rbac.routes import NO_ROUTES, KnownRoutes, Route, routes_of_app

PERMISSIONS = "sekisho.permissions"

_ENDS = frozenset({"lifespan.shutdown.complete", "lifespan.shutdown.failed", "lifespan.startup.failed"})


class Guarding(Protocol):
    """What an application needs of the :class:`rbac.guard.Guard` before it."""

    checkpoint: Checkpoint

    def middleware(self, app: ASGIApp) -> ASGIApp: ...

    def stand_before(
        self, name: int, endpoints: tuple[GuardedEndpoint, ...], routes: KnownRoutes
    ) -> None: ...

    async def open(self) -> None: ...

    async def close(self) -> None: ...


class GuardedApplication(BehindItsOwn):
    """Plain ASGI. Opens the guard with the lifespan of ``app``, or at the first request where there is none."""

    def __init__(self, app: ASGIApp, guard: Guarding) -> None:
        self.app = app
        self.guard = guard
        self._core = AuthorizationMiddleware(app, guard.checkpoint)
        self._permissions: PermissionLists | None = None
        self._lifespans = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._opening: asyncio.Task[None] | None = None

    @property
    def routes(self) -> Any:
        """Those of the application, for the tools that list them."""
        return getattr(self.app, "routes", [])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
            return
        if not self._lifespans and self._loop is not asyncio.get_running_loop():
            await self._open_here(scope)
        scope[PERMISSIONS] = self._permissions
        around = self._core.around
        app: ASGIApp = self._core
        if around is not None and scope.get("method") == "OPTIONS":
            app = around(app)  # a preflight is answered by the layer of CORS, and is no request of its own
        if request_id_var.get() != "-":
            await app(scope, receive, send)
            return
        token = request_id_var.set(request_id(header_bytes(scope, b"x-request-id")))
        traced = trace_var.set(trace_of(sent_trace(scope["headers"])))
        try:
            await app(scope, receive, send)
        finally:
            trace_var.reset(traced)
            request_id_var.reset(token)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The lifespan: open before the application starts, closed before its end is told."""
        first = await receive()
        try:
            await self._open(scope)
        except Exception as error:
            await send({"type": "lifespan.startup.failed", "message": f"cannot start: {error}"})
            raise
        open_ = True
        self._lifespans += 1

        async def close() -> None:
            nonlocal open_
            if open_:
                open_ = False
                self._lifespans -= 1
                await self.guard.close()

        async def receive_again() -> Message:
            nonlocal first
            message, first = first, {}
            return message or await receive()

        async def send_closed(message: Message) -> None:
            if message["type"] in _ENDS:
                await close()
            await send(message)

        try:
            await self.app(scope, receive_again, send_closed)
        finally:
            await close()

    async def _open_here(self, scope: Scope) -> None:
        """Opens in this event loop; whoever comes meanwhile waits for the same opening."""
        loop = asyncio.get_running_loop()
        opening = self._opening
        if opening is None or opening.get_loop() is not loop or opening.done():
            opening = self._opening = loop.create_task(self._open(scope), name="guard's opening")
        await asyncio.shield(opening)
        self._loop = loop

    async def _open(self, scope: Scope) -> None:
        if self._permissions is None:
            self._look_at(scope)
        await self.guard.open()

    def _look_at(self, scope: Scope) -> None:
        """Finds out what is behind the guard: its routes, where it is mounted, and a layer of CORS."""
        application = self._application(scope)
        prefix = mounted_at(scope)
        served = NO_ROUTES
        if hasattr(application, "routes"):
            served = routes_of_app(application)
            if prefix:
                served = KnownRoutes(
                    tuple(Route(each.act, prefix + each.obj, each.name) for each in served), served.source
                )
        # A mounted application is not all that the policy is about: nothing is told of rules that meet none of its routes.
        endpoints = tuple(endpoints_of(application))
        self.guard.stand_before(id(self), endpoints, NO_ROUTES if prefix else served)
        self._core.around = _cors_inside(self.app, application, self.guard)
        self._permissions = PermissionLists(served, Turns(), endpoints)

    def _application(self, scope: Scope) -> object:
        """The application that this stands in or around, as something with routes; ``None`` where nobody shows any."""
        around = scope.get("app")
        if any(layer.cls == self.guard.middleware for layer in getattr(around, "user_middleware", ())):
            return around
        inner: Any = self.app
        while inner is not None and not hasattr(inner, "routes"):
            inner = getattr(inner, "app", None)
        return inner


Around = Callable[[ASGIApp], ASGIApp]


def _cors_inside(app: ASGIApp, application: object, guard: Guarding) -> Around | None:
    """The layer of CORS that stands further in than the guard, which then is put around its refusals as well.

    Without it a browser shows a page nothing of a refusal, and a preflight, which carries no token, would be refused.
    """
    layers = list(getattr(application, "user_middleware", ()))
    own = [place for place, layer in enumerate(layers) if layer.cls == guard.middleware]
    for layer in layers[own[0] + 1 if own else 0 :]:
        if _is_cors(layer.cls):
            return lambda inner: layer.cls(inner, *layer.args, **layer.kwargs)
    inner: Any = app
    while inner is not None:
        if _is_cors(type(inner)):
            return lambda wrapped: _copied(inner, wrapped)
        inner = getattr(inner, "app", None)
    return None


def _is_cors(kind: object) -> bool:
    """Starlette's layer, or one that is made of it."""
    return any(each.__name__ == "CORSMiddleware" for each in getattr(kind, "__mro__", ()))


def _copied(layer: Any, inner: ASGIApp) -> ASGIApp:
    other: Any = copy.copy(layer)
    other.app = inner
    copied: ASGIApp = other
    return copied
