"""One request and its answer on a connection: uvicorn's own, which writes the usual answers in fewer steps."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Literal, NamedTuple, Protocol

from uvicorn._types import ASGI3Application, ASGISendEvent
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import (
    HEADER_RE,
    HEADER_VALUE_RE,
    STATUS_LINE,
    RequestResponseCycle,
)
from uvicorn.server import ServerState

_Headers = list[tuple[bytes, bytes]]


class Signal:
    """An :class:`asyncio.Event` that is made for who waits: most requests are answered before anybody does."""

    _is_set = False
    _event: asyncio.Event | None = None

    def set(self) -> None:
        self._is_set = True
        if self._event is not None:
            self._event.set()

    def clear(self) -> None:
        self._is_set = False
        if self._event is not None:
            self._event.clear()

    async def wait(self) -> Literal[True]:
        if not self._is_set:
            if self._event is None:
                self._event = asyncio.Event()
            await self._event.wait()
        return True


class Carrier(Protocol):
    """The connection that an exchange is on. INVARIANT: an exchange that is over does not hold it, or both would wait for
    the collector."""

    transport: asyncio.Transport
    server_state: ServerState
    access_log: bool

    @property
    def flow(self) -> FlowControl: ...

    def on_response_complete(self) -> None: ...


class Exchange(RequestResponseCycle):
    """As uvicorn's in all it does. What is not a whole answer in two messages is left to that."""

    # As uvicorn's constructor sets them for each: few requests change all of them.
    disconnected = False
    more_body = True
    response_started = False
    response_complete = False
    chunked_encoding: bool | None = None
    expected_content_length = 0
    body: bytes | bytearray = b""  # type: ignore[assignment]  # from the first part on one that grows
    logger = logging.getLogger("uvicorn.error")
    access_logger = logging.getLogger("uvicorn.access")
    task: "asyncio.Task[None] | None" = None
    """The one that the application runs in. The exchange itself takes it out of the server's when it is over."""

    def __init__(self, connection: Carrier, scope: Any, *, keep_alive: bool, expects_100: bool) -> None:
        self.scope = scope
        self.transport = connection.transport
        self.flow = connection.flow
        self.message_event = Signal()  # type: ignore[assignment]  # all that is asked of an event
        self.keep_alive = keep_alive
        self.waiting_for_100_continue = expects_100
        self.on_response: Callable[[], None] = connection.on_response_complete
        self.access_log = connection.access_log
        self._server = connection.server_state

    @property
    def default_headers(self) -> _Headers:  # type: ignore[override]  # uvicorn's are kept from before the answer
        return self._server.default_headers

    async def run_asgi(self, app: ASGI3Application) -> None:
        """Runs the application. What becomes of an answer that is not whole is uvicorn's to say."""
        try:
            called: Any = app
            result = await called(self.scope, self.receive, self.send)
        except BaseException as error:  # noqa: BLE001 - as uvicorn does it
            await super().run_asgi(_raising(error))
        else:
            if result is not None or not self.response_complete:
                await super().run_asgi(_returning(result))
        finally:
            self.on_response = _nothing
            self._server.tasks.discard(self.task)
            self.task = None

    async def send(self, message: ASGISendEvent) -> None:
        told: Any = message
        if not (self.flow.write_paused or self.disconnected or self.response_complete):
            if not self.response_started:
                if told["type"] == "http.response.start":
                    self._begin(told)
                    return
            elif (
                self.chunked_encoding is False
                and told["type"] == "http.response.body"
                and not told.get("more_body", False)
            ):
                body = told.get("body", b"")
                if len(body) == self.expected_content_length and self.scope["method"] != "HEAD":
                    self.transport.write(body)
                    self.expected_content_length = 0
                    self.response_complete = True
                    self.message_event.set()
                    if not self.keep_alive:
                        self.transport.close()
                    self.on_response()
                    return
        await super().send(message)

    def _begin(self, message: Any) -> None:
        """Writes the status line and the headers."""
        self.response_started = True
        self.waiting_for_100_continue = False
        status = message["status"]
        headers = [*message.get("headers", ())]
        lines, closes = b"", False
        if headers:
            names, values = zip(*headers, strict=True)
            shape = _shapes.get(names) or _shape_of(names)
            if HEADER_VALUE_RE.search(b" ".join(values)):
                raise RuntimeError("Invalid HTTP header value.")
            lines = shape.lines % values
            for place, name in shape.heeded:
                closes = self._heed(name, values[place]) or closes
        if not self.keep_alive and not closes:
            lines += b"connection: close\r\n"
        if self.chunked_encoding is None and self.scope["method"] != "HEAD" and status not in _BODILESS:
            self.chunked_encoding = True
            lines += b"transfer-encoding: chunked\r\n"
        own = _rendered.of(self._server.default_headers)
        self.transport.write(b"%b%b%b\r\n" % (STATUS_LINE[status], own, lines))

    def _heed(self, name: bytes, value: bytes) -> bool:
        """Takes up what a header says of the body or the connection; whether it says that the connection ends."""
        if name == b"content-length" and self.chunked_encoding is None:
            self.expected_content_length = int(value.decode())
            self.chunked_encoding = False
        elif name == b"transfer-encoding" and value.lower() == b"chunked":
            self.expected_content_length = 0
            self.chunked_encoding = True
        elif name == b"connection" and b"close" in [token.lower().strip() for token in value.split(b",")]:
            self.keep_alive = False
            return True
        return False


def _nothing() -> None:
    """What is done for an answer once its application has returned."""


def _returning(result: object) -> ASGI3Application:
    async def returns(*_: object) -> Any:
        return result

    return returns


def _raising(error: BaseException) -> ASGI3Application:
    async def raises(*_: object) -> None:
        raise error

    return raises


class _Shape(NamedTuple):
    """How headers of these names are written, in this order; and where those stand that say something of the connection."""

    lines: bytes
    heeded: tuple[tuple[int, bytes], ...]


_OF_CONNECTION = frozenset({b"content-length", b"transfer-encoding", b"connection"})
_BODILESS = frozenset({204, 304})
_MOST_KNOWN = 256
_shapes: dict[tuple[bytes, ...], _Shape] = {}


def _shape_of(names: tuple[bytes, ...]) -> _Shape:
    """The shape of headers called ``names``, and remembered: an application's answers have few.

    Raises ``RuntimeError`` for a name that is none.
    """
    lower = [_checked(name) for name in names]
    lines = b"".join([b"%b: %%b\r\n" % name.replace(b"%", b"%%") for name in lower])
    shape = _Shape(lines, tuple((place, name) for place, name in enumerate(lower) if name in _OF_CONNECTION))
    if len(_shapes) < _MOST_KNOWN:
        _shapes[names] = shape
    return shape


def _checked(name: bytes) -> bytes:
    """``name`` in lower case. Raises ``RuntimeError`` for one that is none."""
    if HEADER_RE.search(name):
        raise RuntimeError("Invalid HTTP header name.")
    return name.lower()


class _Rendered:
    """The server's own headers as they are written: they are the same list for a second."""

    def __init__(self) -> None:
        self._headers: _Headers | None = None
        self._lines = b""

    def of(self, headers: _Headers) -> bytes:
        if headers is not self._headers:
            if any(HEADER_VALUE_RE.search(value) for _, value in headers):
                raise RuntimeError("Invalid HTTP header value.")
            self._lines = b"".join(_checked(name) + b": " + value + b"\r\n" for name, value in headers)
            self._headers = headers
        return self._lines


_rendered = _Rendered()
