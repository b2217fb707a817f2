"""What the guard needs of ASGI: the shapes of an application, and an answer made of plain messages."""

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from types import FunctionType, MethodType
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]


def called(app: ASGIApp) -> ASGIApp:
    """What a call of ``app`` runs. A method is called in fewer steps than the object that it is of, and every layer of an
    application is such an object."""
    layer: Any = app
    return layer if isinstance(layer, FunctionType | MethodType) else layer.__call__


@dataclass(frozen=True, slots=True)
class Response:
    """One whole answer; also to a WebSocket handshake, where the server knows that extension of ASGI."""

    status_code: int
    raw_headers: list[tuple[bytes, bytes]]
    body: bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's shape
        prefix = "websocket." if scope["type"] == "websocket" else ""
        start = {"status": self.status_code, "headers": list(self.raw_headers)}
        await send({"type": f"{prefix}http.response.start", **start})
        await send({"type": f"{prefix}http.response.body", "body": self.body})


def header_bytes(scope: Scope, name: bytes) -> bytes | None:
    """The first header called ``name``, which is in lower case."""
    return next((value for key, value in scope.get("headers", ()) if key == name), None)


def header(scope: Scope, name: bytes) -> str:
    """The first header called ``name``, which is in lower case; "" when there is none."""
    return (header_bytes(scope, name) or b"").decode("latin-1")


async def refuse(reply: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Sends ``reply`` instead of routing, also to a WebSocket handshake."""
    if scope["type"] == "websocket":
        await receive()  # websocket.connect
        if "websocket.http.response" not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": 1008})
            return
    await reply(scope, receive, send)
