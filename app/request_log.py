"""The outermost layer: an id for every request, one access line for every answer, and no error that gets past it."""

import logging
from collections.abc import Awaitable
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.client_address import settle
from app.problems import internal_error, printable
from app.request_id import request_id, request_id_var
from app.start_error import readably

log = logging.getLogger("app.request_log")
access_log = logging.getLogger("app.access")


# In a scope: whether the answer has begun.
ANSWERED = "sekisho.answered"


class CrashMiddleware:
    """Plain ASGI. Turns a crash into a 500, inside whatever adds headers to it: without those of CORS a browser shows a
    page nothing of an answer."""

    def __init__(self, app: ASGIApp, *, show_error_details: bool = False) -> None:
        self.app = app
        self.show_error_details = show_error_details

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.app(scope, receive, send)
        except Exception as error:
            if scope.get(ANSWERED) or scope["type"] != "http":
                raise
            log.exception("unhandled error in %s %s", scope.get("method", "GET"), printable(scope["path"]))
            answer = internal_error(scope, error, show_details=self.show_error_details)
            await answer(scope, receive, send)


class RequestLogMiddleware:
    """Plain ASGI. Gives the request its id, writes the access line, turns a crash into a 500."""

    def __init__(self, app: ASGIApp, *, show_error_details: bool = False) -> None:
        self.app = app
        self.show_error_details = show_error_details

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, readably(send))
            return
        settle(scope)
        sent = None
        for name, value in scope["headers"]:
            if name == b"x-request-id":
                sent = value
                break
        identifier = request_id(sent)
        token = request_id_var.set(identifier)
        header = (b"x-request-id", identifier.encode("latin-1"))
        started = perf_counter()
        status = 0

        def send_with_id(message: Message) -> Awaitable[None]:
            nonlocal status
            kind = message["type"]
            if kind in _STARTS:
                status = message.get("status", 101)
                scope[ANSWERED] = True
                message["headers"] = [*message.get("headers", ()), header]
            elif kind == "websocket.close" and not status:
                status = 403  # a handshake closed before it was accepted
            return send(message)

        try:
            await self.app(scope, receive, send_with_id)
        except Exception as error:
            log.exception("unhandled error in %s %s", scope.get("method", "GET"), printable(scope["path"]))
            if status or scope["type"] == "websocket":
                raise  # the answer has begun: all that is left is to cut the connection
            await internal_error(scope, error, show_details=self.show_error_details)(
                scope, receive, send_with_id
            )
        finally:
            if access_log.isEnabledFor(logging.INFO):
                _access_line(scope, status, perf_counter() - started)
            request_id_var.reset(token)


_STARTS = frozenset({"http.response.start", "websocket.accept", "websocket.http.response.start"})


def _access_line(scope: Scope, status: int, seconds: float) -> None:
    """Method, path, status, duration. No query: tokens turn up there."""
    method = scope.get("method", "WEBSOCKET")
    path = printable(scope["path"])
    milliseconds = round(seconds * 1000, 2)
    client = scope.get("client")
    access_log.info(
        "%s %s %d %.2f ms",
        method,
        path,
        status,
        milliseconds,
        extra={
            "method": method,
            "path": path,
            "status": status,
            "duration_ms": milliseconds,
            "client": client[0] if client else "",
        },
    )
