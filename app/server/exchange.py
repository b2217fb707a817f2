"""One request and its answer on a connection: uvicorn's own, which writes the usual answers in fewer steps."""

import asyncio
from typing import Literal, cast

from uvicorn._types import ASGISendEvent, HTTPResponseBodyEvent, HTTPResponseStartEvent
from uvicorn.protocols.http.httptools_impl import (
    HEADER_RE,
    HEADER_VALUE_RE,
    STATUS_LINE,
    RequestResponseCycle,
)

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


class Exchange(RequestResponseCycle):
    """As uvicorn's in all it does. What is not a whole answer in two messages is left to that."""

    async def send(self, message: ASGISendEvent) -> None:
        if not (self.flow.write_paused or self.disconnected or self.response_complete):
            kind = message["type"]
            if kind == "http.response.start" and not self.response_started:
                self._begin(cast("HTTPResponseStartEvent", message))
                return
            if kind == "http.response.body" and self.chunked_encoding is False:
                end = cast("HTTPResponseBodyEvent", message)
                body = end.get("body", b"")
                if len(body) == self.expected_content_length and self._ends_with(end):
                    self.transport.write(body)
                    self._complete()
                    return
        await super().send(message)

    def _begin(self, message: HTTPResponseStartEvent) -> None:
        """Writes the status line and the headers."""
        self.response_started = True
        self.waiting_for_100_continue = False
        status = message["status"]
        content = [STATUS_LINE[status], _rendered.of(self.default_headers)]
        values = []
        closes = False
        for name, value in message.get("headers", ()):
            known = _known.get(name) or _checked(name)
            values.append(value)
            if known in _OF_CONNECTION:
                closes = self._heed(known, value) or closes
            content += (known, b": ", value, b"\r\n")
        if HEADER_VALUE_RE.search(b" ".join(values)):
            raise RuntimeError("Invalid HTTP header value.")
        if not self.keep_alive and not closes:
            content.append(b"connection: close\r\n")
        if self.chunked_encoding is None and self.scope["method"] != "HEAD" and status not in _BODILESS:
            self.chunked_encoding = True
            content.append(b"transfer-encoding: chunked\r\n")
        content.append(b"\r\n")
        self.transport.write(b"".join(content))

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

    def _ends_with(self, message: HTTPResponseBodyEvent) -> bool:
        """Whether this is all of a body that is sent as it is."""
        return not message.get("more_body", False) and self.scope["method"] != "HEAD"

    def _complete(self) -> None:
        self.expected_content_length = 0
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()


_OF_CONNECTION = frozenset({b"content-length", b"transfer-encoding", b"connection"})
_BODILESS = frozenset({204, 304})
_MOST_KNOWN = 256
_known: dict[bytes, bytes] = {}


def _checked(name: bytes) -> bytes:
    """``name`` in lower case, and remembered, as few names as an application has. Raises ``RuntimeError`` for one that is
    none."""
    if HEADER_RE.search(name):
        raise RuntimeError("Invalid HTTP header name.")
    known = name.lower()
    if len(_known) < _MOST_KNOWN:
        _known[name] = known
    return known


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
