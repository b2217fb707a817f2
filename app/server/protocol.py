"""One connection: uvicorn's own protocol with httptools, which knows no limit, and the limits it lacks.

``uvicorn app.main:app --http app.server.protocol:Connection`` has them, too.
"""

import asyncio
from collections import deque
from contextvars import Context
from typing import Any
from urllib.parse import unquote

import httptools
from starlette.types import Scope
from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.flow_control import service_unavailable
from uvicorn.protocols.http.httptools_impl import STATUS_LINE
from uvicorn.server import ServerState

from app.http.problems import problem
from app.server.exchange import Exchange
from app.server.listener import ListenerReason
from app.server.timing import TimedConnection
from rbac.guard.http.asgi import called
from rbac.guard.http.request_id import new_id, request_id_var

RETRY_AFTER = 1  # seconds, for callers who find no place

MOST_FIELDS = 256
"""Header fields of one request: each costs more than its bytes."""

_PIECE = 16 * 1024  # bytes that are parsed at once: what is beyond a limit costs no more than that
_CHUNKING = 8  # bytes on the wire for one of a body, at most: `1\r\na\r\n` takes six
_MOST_CHUNKS = 256  # of a body in one round of the event loop, however small: each costs more than its bytes
_LINGER_S = 1.0  # an answer is lost when the connection ends while the caller still sends
_MOST_LINGERING = 1 << 20  # bytes
_LAST_S = 2.0  # for a request on its way when the service stops


# What a proxy says of the client: uvicorn's layer for it has nothing to do where there is none.
_FORWARDED = frozenset({b"x-forwarded-for", b"x-forwarded-proto"})
_HEEDED = frozenset({b"host", b"expect", b"content-length"}) | _FORWARDED


class _Refused(Exception):  # noqa: N818 - ends the parsing; nobody sees it
    pass


class Connection(TimedConnection):
    """A connection that keeps to the limits of its :class:`app.server.listener.Listener`.

    What goes beyond one is answered with a problem where an answer can be read, and the connection ends.

    INVARIANT: a caller who sends without end costs the memory of one head and one body, and the time to read them.
    """

    pipeline: deque[tuple[Exchange, ASGI3Application]]  # type: ignore[assignment]  # of none but ours

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        app: Any = self.app
        direct: Any = app.app if isinstance(app, ProxyHeadersMiddleware) else app
        # The service's own application has a shorter way in (:meth:`app.main.Service.answer`).
        self._unforwarded = getattr(direct, "answer", None) or called(direct)
        self._fresh = False  # whether that was in the piece being parsed
        self._raw = 0  # bytes of the head or the body under way, but for the piece it began in
        self._hosts = 0  # fields of the head that name a host
        self._forwarded = False  # whether the head has a field that a proxy writes
        self._bodiless = 0  # of those, the bytes since the last that were the body itself
        self._chunks = 0  # of a body, in this round of the event loop
        self._body_size = 0
        self._trailers_size = 0
        self._unread = b""
        self._refused = False
        self._last = False  # whether no request is awaited after this one
        self._dropped = 0

    # The connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        listener = self.listener
        listener.connections += 1
        if len(self.connections) > self.limits.connections:
            if not listener.idle:
                self._refuse("too_many_connections")
                return
            oldest, _ = listener.idle.popitem(last=False)
            oldest.give_way()
        listener.idle[self] = None
        self._timer = self.loop.call_later(self.limits.head_seconds, self._head_is_late)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.listener.connections -= 1
        self._unread = b""

    def shutdown(self) -> None:
        """The service stops: what was sent already is answered, and who connected a moment ago has one to say why."""
        self._last = True
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.keep_alive = False
            return
        expected = self.cycle is None or self._begun or not self._in_head
        self.loop.call_later(_LAST_S if expected else 0.0, self._end_unless_answering)

    def _end_unless_answering(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()
            self._mind_writes()

    def data_received(self, data: bytes) -> None:
        self._idle_since = None
        if self._refused:
            self._dropped += len(data)
            if self._dropped > _MOST_LINGERING:
                self.transport.abort()
        elif self._unread:
            self._unread += data
            self.flow.hold()
        else:
            self._parse(data)

    def _parse(self, data: bytes) -> None:
        """Feeds the parser, piece by piece, until a request has to wait for the answer to the one before it.

        A body of crumbs waits, too, after each piece: everybody else comes first.
        """
        start = self._chunks = 0
        while start < len(data):
            piece = data if len(data) <= _PIECE else data[start : start + _PIECE]
            start += len(piece)
            self._begun = True
            self._fresh = False
            if not self._feed(piece):
                return
            if not self._fresh:
                self._raw += len(piece)
                self._bodiless += len(piece)
                self._check_raw()
                if self._refused:
                    return
            if self.pipeline:
                self._unread = data[start:]
                self.flow.hold()
                return
            if self._chunks > _MOST_CHUNKS and start < len(data):
                self._unread = data[start:]
                self.flow.hold()
                self.loop.call_soon(self._go_on)
                return
        if self._begun or not self._in_head:
            self._mind_the_time()

    def _feed(self, piece: bytes) -> bool:
        """Whether there is more to parse."""
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            if self._should_upgrade():
                self.handle_websocket_upgrade()
                return False
            self._unsupported_upgrade_warning()
        except httptools.HttpParserError:
            if not self._refused:
                self._refuse("bad_request")
        return not (self._refused or self.transport.is_closing())

    def _check_raw(self) -> None:
        if self._in_head:
            if self._raw > self.limits.head:
                self._refuse("request_header_fields_too_large")
        elif (
            self._raw > _CHUNKING * self.limits.body + self.limits.head  # a body in crumbs
            or self._bodiless
            > self.limits.head  # extensions of a chunk, or a trailer: the parser keeps all of it
        ):
            self._refuse("payload_too_large")

    def handle_websocket_upgrade(self) -> None:
        self._let_go()
        self.listener.connections -= 1
        super().handle_websocket_upgrade()

    # A request, as the parser tells it

    def on_message_begin(self) -> None:
        self.url = b""
        self.expect_100_continue = False
        self.headers = []
        self._begun = self._fresh = True
        self._raw = self._hosts = 0
        self._forwarded = False

    def on_url(self, url: bytes) -> None:
        self.url += url
        if len(self.url) > self.limits.target:
            self._beyond("uri_too_long")

    def on_header(self, name: bytes, value: bytes) -> None:
        """One field, of a head or of a trailer. Each costs a call from the parser, so all is done in it."""
        name = name.lower()
        headers = self.headers
        headers.append((name, value))
        if name in _HEEDED:
            self._heed(name, value)
        if len(headers) > MOST_FIELDS:
            self._beyond("request_header_fields_too_large")
        if not self._in_head:
            self._trailers_size += len(name) + len(value) + 4
            if self._trailers_size > self.limits.head:
                self._beyond("request_header_fields_too_large")

    def _heed(self, name: bytes, value: bytes) -> None:
        if name == b"host":
            self._hosts += 1
        elif name == b"expect":
            if value.lower() == b"100-continue":
                self.expect_100_continue = True
        elif name != b"content-length":
            self._forwarded = True
        elif self._in_head and int(value) > self.limits.body:
            self._beyond("payload_too_large")

    def on_headers_complete(self) -> None:
        version = self.parser.get_http_version()
        # RFC 9112, section 3.2
        if self._hosts != 1 and (self._hosts or version != "1.0"):
            self._beyond("invalid_host")
        if self._raw and self._head_size() > self.limits.head:
            self._beyond("request_header_fields_too_large")
        self._in_head = False
        self._fresh = True
        self._raw = self._bodiless = self._body_size = self._trailers_size = 0
        self._idle_since = None
        self.listener.idle.pop(self, None)
        if self._timer is not None:
            self._unset_timer()
        self._begin_exchange(version)
        if (self._last or self.listener.draining) and self.cycle is not None:
            self.cycle.keep_alive = False

    def _begin_exchange(self, version: str) -> None:
        """What uvicorn does with a head that is complete, with an exchange of ours."""
        parser, root = self.parser, self.root_path
        scope: Any = {
            "type": "http",
            "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
            "http_version": version,
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,
            "root_path": root,
            "headers": self.headers,
            "state": self.app_state.copy(),
            "method": parser.get_method().decode("ascii"),
        }
        self.scope = scope
        if parser.should_upgrade() and self._should_upgrade():
            return
        target = httptools.parse_url(self.url)
        raw_path = target.path
        path = raw_path.decode("ascii")
        if "%" in path:
            path = unquote(path)
        scope["path"] = root + path
        scope["raw_path"] = root.encode("ascii") + raw_path if root else raw_path
        scope["query_string"] = target.query or b""
        before = self.cycle
        self.cycle = cycle = Exchange(
            self,
            scope,
            keep_alive=version != "1.0" and parser.should_keep_alive(),
            expects_100=self.expect_100_continue,
        )
        app: Any = self.app if self._forwarded else self._unforwarded
        most = self.limit_concurrency  # uvicorn's own limit, for whoever starts it by that
        if most is not None and (len(self.connections) >= most or len(self.tasks) >= most):
            app = service_unavailable
        if before is None or before.response_complete:
            self._start(cycle, app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, app))

    def _start(self, exchange: Exchange, app: ASGI3Application) -> None:
        """As uvicorn begins a task, but for what it calls when that is done: the exchange sees to it."""
        context = Context() if self.config.reset_contextvars else None
        exchange.task = task = self.loop.create_task(exchange.run_asgi(app), context=context)
        self.tasks.add(task)

    def on_body(self, body: bytes) -> None:
        self._body_size += len(body)
        self._bodiless = 0
        self._chunks += 1
        if self._body_size > self.limits.body:
            self._beyond("payload_too_large")
        if self.cycle is not None and not self.cycle.body:
            self.cycle.body = bytearray()  # most requests have none
        super().on_body(body)

    def on_message_complete(self) -> None:
        cycle = self.cycle
        self._in_head = self._fresh = True
        self._begun = False
        self._raw = 0
        if self._timer is not None:
            self._unset_timer()
        if cycle is None or (self.parser.should_upgrade() and self._should_upgrade()):
            return
        if not cycle.response_complete:
            cycle.more_body = False
            cycle.message_event.set()
        elif not self.transport.is_closing():
            # The answer did not wait for the body, so nothing else says that the connection is idle now.
            self.listener.idle[self] = None
            self._mind_idleness()

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        transport, flow = self.transport, self.flow
        if transport.is_closing():
            if transport.get_write_buffer_size():
                self._mind_writes()
            return
        if flow.read_paused:
            flow.resume_reading()
        self._idle_since = None
        goes_on = bool(self.pipeline)
        if goes_on:
            exchange, app = self.pipeline.pop()
            self._start(exchange, app)
        else:
            self._mind_idleness()
        if self.pipeline:
            return
        if self._unread:
            self.loop.call_soon(self._go_on)
            return
        if flow.held:
            flow.release()
        if self._in_head and not goes_on:
            self.listener.idle[self] = None
        if self._begun or not self._in_head:  # it came with the requests before it
            self._idle_since = None
            self._mind_the_time()

    def _go_on(self) -> None:
        data, self._unread = self._unread, b""
        if self.transport.is_closing() or self._refused:
            return
        self.flow.release()
        self._parse(data)

    def _head_size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    # Refusing

    def _beyond(self, reason: ListenerReason) -> None:
        """Refuses out of the parser."""
        self._refuse(reason)
        raise _Refused

    def _refuse(self, reason: ListenerReason) -> None:
        self._refused = True
        self.listener.refused[reason] += 1
        self._let_go()
        cycle = self.cycle
        answerable = cycle is None or cycle.response_complete
        if cycle is not None and not answerable and not self._in_head and not cycle.response_started:
            cycle.disconnected = True  # the endpoint hears of it, and what it answers goes nowhere
            cycle.message_event.set()
            answerable = True
        if not answerable:  # an answer here would stand in the middle of another
            self.transport.close()
            self._mind_writes()
            return
        self.transport.write(self._answer(reason))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._timer = self.loop.call_later(_LINGER_S, self.transport.abort)

    def _answer(self, reason: ListenerReason) -> bytes:
        scope: Scope = {"path": "", "headers": self.headers or []}
        identifier = new_id()
        token = request_id_var.set(identifier)
        headers = {"Connection": "close", "X-Request-ID": identifier}
        if reason == "too_many_connections":
            headers["Retry-After"] = str(RETRY_AFTER)
        try:
            response = problem(scope, reason, headers=headers)
        finally:
            request_id_var.reset(token)
        lines = [*self.server_state.default_headers, *response.raw_headers]
        head = b"".join([name + b": " + value + b"\r\n" for name, value in lines])
        return STATUS_LINE[response.status_code] + head + b"\r\n" + bytes(response.body)
