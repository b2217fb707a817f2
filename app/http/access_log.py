"""The outermost layer: an id for every request, one access line for every answer, and no error that gets past it."""

import logging
from collections.abc import Awaitable
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.http.client_address import address_in, settle
from app.http.problems import internal_error
from app.http.vary import VARIES, varying
from app.start_error import readably
from rbac.guard.http.asgi import called
from rbac.guard.http.request_id import new_id, request_id, request_id_var
from rbac.guard.http.trace_context import HEADER, trace_of, trace_var
from rbac.text.visible import visible

log = logging.getLogger("app.request_log")
access_log = logging.getLogger("app.access")


# In a scope, and each copy of it: a list, which is empty until the answer has begun.
ANSWERED = "sekisho.answered"
# Whether the request has an `Origin`.
HAS_ORIGIN = "sekisho.origin"


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
            log.exception("unhandled error in %s %s", scope.get("method", "GET"), visible(scope["path"]))
            answer = internal_error(scope, error, show_details=self.show_error_details)
            await answer(scope, receive, send)


class RequestLogMiddleware:
    """Plain ASGI. Gives the request its id, writes the access line, turns a crash into a 500."""

    def __init__(self, app: ASGIApp, *, show_error_details: bool = False) -> None:
        self.app = app
        self._next = called(app)
        self.show_error_details = show_error_details

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: C901 - calls saved in every request
        if scope["type"] == "lifespan":
            await self.app(scope, receive, readably(send))
            return
        client = scope.get("client")
        if client is not None and address_in(client[0]) != client[0]:
            settle(scope)
        sent = traceparent = None
        for name, value in scope["headers"]:  # once for all that is asked of them before the checkpoint
            if name in _ASKED:
                if name == b"origin":
                    scope[HAS_ORIGIN] = True
                elif name == b"x-request-id":
                    sent = value if sent is None else sent
                else:
                    traceparent = value if traceparent is None else b""  # several are as good as none
        identifier = new_id() if sent is None else request_id(sent)
        token = request_id_var.set(identifier)
        trace = trace_of(traceparent)
        traced = trace_var.set(trace) if trace else None
        header = (b"x-request-id", identifier.encode("latin-1"))
        started = perf_counter()
        status = 0
        answered: list[bool] = []
        scope[ANSWERED] = answered

        def send_with_id(message: Message) -> Awaitable[None]:
            nonlocal status
            kind = message["type"]
            if kind in _STARTS:
                status = message.get("status", 101)
                answered.append(True)
                headers = message.get("headers", ())
                if VARIES in scope and kind == "http.response.start":
                    headers = varying(headers)
                message["headers"] = [*headers, header]
            elif kind == "websocket.close" and not status:
                status = 403  # a handshake closed before it was accepted
            return send(message)

        try:
            await self._next(scope, receive, send_with_id)
        except Exception as error:
            log.exception("unhandled error in %s %s", scope.get("method", "GET"), visible(scope["path"]))
            if status or scope["type"] == "websocket":
                raise  # the answer has begun: all that is left is to cut the connection
            answer = internal_error(scope, error, show_details=self.show_error_details)
            await answer(scope, receive, send_with_id)
        finally:
            if access_log.isEnabledFor(logging.INFO):
                _access_line(scope, status, perf_counter() - started)
            if traced is not None:
                trace_var.reset(traced)
            request_id_var.reset(token)


_ASKED = frozenset({b"x-request-id", b"origin", HEADER})
_STARTS = frozenset({"http.response.start", "websocket.accept", "websocket.http.response.start"})


def _access_line(scope: Scope, status: int, seconds: float) -> None:
    """Method, path, status, duration. No query: tokens turn up there."""
    method = scope.get("method", "WEBSOCKET")
    path = visible(scope["path"])
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
