"""The two layers that FastAPI puts between an application's own and its router, in fewer steps while nothing is raised."""

from collections.abc import MutableMapping
from contextlib import AsyncExitStack, suppress
from copy import copy
from typing import Any

from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.routing import Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.http.access_log import ANSWERED


class InnerLayers:
    """Plain ASGI, the innermost of an application's own layers.

    It leaves in a request's scope what Starlette's ``ExceptionMiddleware`` and FastAPI's ``AsyncExitStackMiddleware``
    leave there, and hands it to the router behind them. What is raised is handled by the former, and files are closed as
    by the latter. Where anything else stands behind it, and for what is no request, it does nothing at all.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        files = app.app if isinstance(app, ExceptionMiddleware) else None
        self._router: Router | None = None
        if isinstance(files, AsyncExitStackMiddleware) and isinstance(files.app, Router):
            self._router = files.app
            self._left = _left_in_scope(app)
            self._name = files.context_name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        router = self._router
        if router is None or scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope.update(self._left)
        scope[self._name] = files = AsyncExitStack()
        try:
            try:
                await router.middleware_stack(scope, receive, send)
            except BaseException as error:
                if not await files.__aexit__(type(error), error, error.__traceback__):
                    raise
            else:
                # What is registered is not to be seen from outside. Closing nothing takes as long as a layer.
                if getattr(files, "_exit_callbacks", True):
                    await files.aclose()
        except Exception as error:  # noqa: BLE001 - whoever handles it says which it is, or it goes on
            await self._handle(error, scope, receive, send)

    async def _handle(self, error: Exception, scope: Scope, receive: Receive, send: Send) -> None:
        """Has Starlette's layer handle ``error``, as if it came from behind it."""
        begun = bool(scope.get(ANSWERED))

        async def raising(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - ASGI's shape
            if begun:  # it has to know, and nobody else
                await send({"type": "http.response.start"})
            raise error

        layer: Any = copy(self.app)
        layer.app = raising
        await layer(scope, receive, _nowhere if begun else send)


def _left_in_scope(layer: ASGIApp) -> MutableMapping[str, Any]:
    """What ``layer``, a Starlette's, leaves in the scope of each request: found out once, with one that leads nowhere."""
    asked: Any = copy(layer)
    asked.app = _nothing
    scope: Scope = {"type": "http"}
    with suppress(StopIteration):
        asked(scope, _nothing, _nothing).send(None)
    del scope["type"]
    return scope


async def _nothing(*_: object) -> Any:
    """Neither receives, nor sends, nor answers."""


async def _nowhere(message: Message) -> None:
    """Sends nothing."""
