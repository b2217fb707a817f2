"""What a connection knows of itself: whether it is idle, by however many requests it was sent at once."""

import asyncio

import pytest
from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.server import ServerState

from app.server.listener import STATE, Listener
from app.server.protocol import Connection
from tests.support.waiting import LIMIT_S, until


@pytest.mark.parametrize("requests", [1, 2, 3, 5])
async def test_a_connection_is_idle_between_requests_and_at_no_other_time(requests: int) -> None:
    """Whoever is idle gives way to others, and would break off what is being answered."""
    listener, steps = Listener(), asyncio.Queue[str]()
    seen: list[tuple[str, bool]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append((scope["path"], bool(listener.idle)))
        await steps.get()
        seen.append((scope["path"], bool(listener.idle)))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    config = Config(app, lifespan="off", log_config=None)
    config.load()
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(config, state, {STATE: listener}), "127.0.0.1", 0
    )
    async with server, asyncio.timeout(LIMIT_S):
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        await until(lambda: listener.idle)
        writer.write(b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % number for number in range(requests)))
        for number in range(requests):
            await until(lambda: len(seen) > 2 * number)  # noqa: B023 - asked before the next
            steps.put_nowait("go on")
            await reader.readuntil(b"ok")
        await until(lambda: listener.idle)
        writer.close()
    assert seen == [(f"/{number}", False) for number in range(requests) for _ in range(2)]
