"""An exchange writes what uvicorn's own would write, byte for byte, and leaves nothing behind."""

import asyncio
import gc
import logging
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
from uvicorn.server import ServerState

from app.server.exchange import Exchange

Messages = list[Any]


class Transport(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))

    def close(self) -> None:
        self.written.append(b"(closed)")

    def is_closing(self) -> bool:
        return b"(closed)" in self.written


class Connection:
    """What an exchange is on."""

    access_log = False

    def __init__(self) -> None:
        self.transport: asyncio.Transport = Transport()
        self.flow = FlowControl(self.transport)
        self.server_state = ServerState()
        self.server_state.default_headers = [(b"date", b"today"), (b"Server", b"ours")]
        self.responses = 0

    def on_response_complete(self) -> None:
        self.responses += 1


def ours(connection: Connection, scope: Any, *, keep_alive: bool) -> RequestResponseCycle:
    return Exchange(connection, scope, keep_alive=keep_alive, expects_100=False)


def uvicorns(connection: Connection, scope: Any, *, keep_alive: bool) -> RequestResponseCycle:
    return RequestResponseCycle(
        scope,
        connection.transport,
        connection.flow,
        logging.getLogger("uvicorn.error"),
        logging.getLogger("uvicorn.access"),
        connection.access_log,
        connection.server_state.default_headers,
        asyncio.Event(),
        expect_100_continue=False,
        keep_alive=keep_alive,
        on_response=connection.on_response_complete,
    )


def begin(*headers: tuple[bytes, bytes], status: int = 200) -> Any:
    return {"type": "http.response.start", "status": status, "headers": headers}


def body(text: bytes, **more: bool) -> Any:
    return {"type": "http.response.body", "body": text, **more}


LENGTH = (b"content-length", b"3")
ANSWERS: dict[str, Messages] = {
    "whole": [begin(LENGTH, (b"content-type", b"text/plain")), body(b"all")],
    "names in capitals": [begin((b"Content-Length", b"3"), (b"X-Other", b"1")), body(b"all")],
    "no headers": [begin(), body(b"all")],
    "headers left out": [{"type": "http.response.start", "status": 200}, body(b"all")],
    "no body, no length": [begin(status=204), body(b"")],
    "chunked": [begin((b"transfer-encoding", b"chunked")), body(b"al", more_body=True), body(b"l")],
    "in two parts": [begin(LENGTH), body(b"al", more_body=True), body(b"l")],
    "closes": [begin(LENGTH, (b"connection", b"keep-alive, Close")), body(b"all")],
    "keeps": [begin(LENGTH, (b"connection", b"keep-alive")), body(b"all")],
    "two lengths": [begin(LENGTH, (b"content-length", b"4")), body(b"all")],
    "length, then chunks": [begin(LENGTH, (b"transfer-encoding", b"Chunked")), body(b"all")],
    "a percent sign": [begin(LENGTH, (b"x%d-%", b"5 % %b")), body(b"all")],
    "an empty name": [begin(LENGTH, (b"", b"1")), body(b"all")],
    "a name that is none": [begin(LENGTH, (b"x y", b"1")), body(b"all")],
    "a value of two lines": [begin(LENGTH, (b"x-y", b"1\r\nx-z: 2")), body(b"all")],
    "a status without words": [begin(LENGTH, status=299), body(b"all")],
    "a status that is none": [begin(LENGTH, status=42), body(b"all")],
    "too short": [begin(LENGTH), body(b"al")],
    "too long": [begin(LENGTH), body(b"all of it")],
    "the body first": [body(b"all")],
    "begun twice": [begin(LENGTH), begin(LENGTH), body(b"all")],
    "more than all": [begin(LENGTH), body(b"all"), body(b"again")],
    "begun and no more": [begin(LENGTH)],
    "nothing": [],
}


def written(
    make: Callable[..., RequestResponseCycle], messages: Messages, method: str, *, keep_alive: bool
) -> tuple[object, ...]:
    """What comes of it when an application sends ``messages``."""
    connection = Connection()
    transport: Any = connection.transport

    async def application(_: Any, __: Any, send: Any) -> None:
        for message in messages:
            await send(dict(message))

    async def run() -> None:
        cycle = make(connection, {"method": method}, keep_alive=keep_alive)
        await cycle.run_asgi(application)

    asyncio.run(run())
    return b"".join(transport.written), connection.responses


@pytest.mark.parametrize("keep_alive", [True, False], ids=["kept", "ends"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_an_answer_is_written_as_uvicorn_writes_it(name: str, method: str, keep_alive: bool) -> None:
    """Whole or not; twice, for what is known the second time is written by what the first left."""
    expected = written(uvicorns, ANSWERS[name], method, keep_alive=keep_alive)
    for _ in range(2):
        assert written(ours, ANSWERS[name], method, keep_alive=keep_alive) == expected


def test_what_an_application_returns_is_told_as_uvicorn_tells_it(caplog: pytest.LogCaptureFixture) -> None:
    """A value, or an error."""

    async def returns(_: Any, __: Any, ___: Any) -> Any:
        return 42

    async def raises(_: Any, __: Any, ___: Any) -> None:
        raise KeyError("one that nobody handles")

    async def run(make: Callable[..., RequestResponseCycle], application: Any) -> list[str]:
        caplog.clear()
        await make(Connection(), {"method": "GET"}, keep_alive=True).run_asgi(application)
        return [f"{each.message} {each.exc_info and each.exc_info[1]!r}" for each in caplog.records]

    for application in (returns, raises):
        expected = asyncio.run(run(uvicorns, application))
        assert expected
        assert asyncio.run(run(ours, application)) == expected


def test_an_exchange_that_is_over_holds_no_connection() -> None:
    """Neither waits for the collector."""

    async def application(_: Any, __: Any, send: Any) -> None:
        for message in ANSWERS["whole"]:
            await send(dict(message))

    async def run() -> tuple[RequestResponseCycle, weakref.ref[Connection]]:
        connection = Connection()
        exchange = ours(connection, {"method": "GET"}, keep_alive=True)
        await exchange.run_asgi(application)
        return exchange, weakref.ref(connection)

    collecting = gc.isenabled()
    gc.disable()
    try:
        _, connection = asyncio.run(run())
        assert connection() is None
    finally:
        if collecting:
            gc.enable()
