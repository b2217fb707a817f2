"""Behind a guard, whoever was sent away is nobody: at the next request, and on every connection that is open."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, WebSocket
from fastapi.responses import StreamingResponse
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from rbac import PolicyError
from rbac.guard import Guard, Principal
from rbac.guard.http.asgi import Message
from rbac.revocations.row import written_time
from tests.support.guarded import as_, client_of, guard_in, shop
from tests.support.waiting import LIMIT_S, all_had_their_turn, comes_true, until

NOW = 1_800_000_000
ISSUED = {"old": NOW, "new": NOW + 1}


def identify(token: str) -> Principal:
    """`uma-old` and `uma-new` are tokens of one user, before and after the moment in question."""
    name, _, age = token.partition("-")
    claims = {"sid": f"{name}s", "aud": "app"} | ({"iat": ISSUED[age]} if age else {})
    return Principal(sub=name, roles=("user",), claims=claims)


def row(kind: str, value: str, before: int = NOW) -> str:
    return f"{kind}, {value}, {written_time(before)}, gone\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "revocations.csv"
    path.write_text("# nobody\n")
    return path


@pytest.fixture
def guard(tmp_path: Path, file: Path) -> Guard:
    return guard_in(tmp_path, identify=identify, revocations=file)


def swap(guard: Guard, file: Path, text: str) -> None:
    file.write_text(text)
    assert guard.checkpoint.recognition.revocations is not None
    guard.checkpoint.recognition.revocations.reload()


ROWS = [row("sub", "uma"), row("session", "umas"), row("client", "app"), row("everyone", "*")]


@pytest.mark.parametrize("line", ROWS)
def test_an_older_token_is_401_and_a_newer_one_goes_on(guard: Guard, file: Path, line: str) -> None:
    app = shop()
    app.add_middleware(guard.middleware)
    with client_of(app) as client:
        assert client.get("/orders", headers=as_("uma-old")).status_code == 200
        swap(guard, file, line)
        refused = client.get("/orders", headers=as_("uma-old"))
        assert refused.status_code == 401
        assert 'error="invalid_token"' in refused.headers["www-authenticate"]
        assert "the token was revoked" in refused.headers["www-authenticate"]
        assert client.get("/public", headers=as_("uma-old")).status_code == 401
        assert client.get("/orders", headers=as_("uma")).status_code == 401, (
            "it does not say when it was issued"
        )
        assert client.get("/orders", headers=as_("uma-new")).status_code == 200
        assert client.get("/public").status_code == 200
        swap(guard, file, "")
        assert client.get("/orders", headers=as_("uma-old")).status_code == 200


def test_others_go_on(guard: Guard, file: Path) -> None:
    app = shop()
    app.add_middleware(guard.middleware)
    with client_of(app) as client:
        swap(guard, file, row("sub", "uma") + row("session", "xs") + row("client", "other"))
        assert client.get("/orders", headers=as_("ann-old")).status_code == 200


@pytest.mark.parametrize("content", ["sub, uma\n", None])
def test_a_guard_does_not_start_on_revocations_that_cannot_be_read(
    guard: Guard, file: Path, content: str | None
) -> None:
    file.unlink() if content is None else file.write_text(content)
    with pytest.raises(PolicyError):
        guard.load()


def live_app(ended: list[str], may_end: asyncio.Event | None = None, **options: Any) -> FastAPI:
    app = FastAPI(openapi_url=None, **options)

    async def drops() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"drop\n"
                await asyncio.sleep(0.01)
        finally:
            ended.append("stream")

    async def silence() -> AsyncIterator[bytes]:
        try:
            await asyncio.sleep(60)
            yield b""
        finally:
            ended.append("silence")

    @app.get("/orders")
    async def stream() -> StreamingResponse:
        return StreamingResponse(drops())

    @app.get("/orders/silent")
    async def silent() -> StreamingResponse:
        return StreamingResponse(silence())

    @app.get("/orders/slow")
    async def slow() -> str:
        assert may_end is not None
        ended.append("begins")
        await may_end.wait()
        ended.append("slow")
        return "done"

    @app.websocket("/live")
    async def live(websocket: WebSocket) -> None:
        await websocket.accept()
        try:
            with suppress(WebSocketDisconnect):
                while True:
                    await websocket.send_text(await websocket.receive_text())
        finally:
            ended.append("socket")

    return app


async def asked(
    app: Any, path: str, token: str, *, version: str = "2.3", enough: asyncio.Event | None = None
) -> tuple[list[Message], bool]:
    """What is sent for a GET until the application returns or ``enough`` is set, and whether it returned."""
    sent: list[Message] = []
    unread = [b""]

    async def receive() -> Message:
        if unread:
            unread.clear()
            return {"type": "http.request", "body": b"", "more_body": False}
        nothing: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        return await nothing

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": version},
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "http_version": "1.1",
        "scheme": "http",
        "server": ("x", 80),
        "headers": [(b"authorization", f"Bearer {token}".encode())],
    }
    task = asyncio.ensure_future(app(scope, receive, send))
    over = asyncio.ensure_future((enough or asyncio.Event()).wait())
    done, _ = await asyncio.wait({task, over}, timeout=LIMIT_S, return_when=asyncio.FIRST_COMPLETED)
    over.cancel()
    if task not in done:
        task.cancel()
        await asyncio.wait({task})
    else:
        task.result()
    return sent, task in done


async def passed_on(request: Any, call_next: Any) -> Any:
    return await call_next(request)


@pytest.mark.parametrize("version", ["2.3", "2.4"])
@pytest.mark.parametrize("layered", [False, True])
@pytest.mark.parametrize(("path", "what"), [("/orders", "stream"), ("/orders/silent", "silence")])
async def test_a_stream_is_cut_whichever_task_it_sends_from(
    guard: Guard, file: Path, path: str, what: str, layered: bool, version: str
) -> None:
    ended: list[str] = []
    app = live_app(ended)
    if layered:
        app.add_middleware(BaseHTTPMiddleware, dispatch=passed_on)
    guarded = guard.middleware(app)
    await guard.open()
    asking = asyncio.ensure_future(asked(guarded, path, "uma-old", version=version))
    enough = asyncio.Event()
    other = asyncio.ensure_future(asked(guarded, path, "uma-new", version=version, enough=enough))
    connections = guard.checkpoint.connections
    assert connections is not None
    await until(lambda: len(connections.open) == 2)
    await asyncio.to_thread(swap, guard, file, row("sub", "uma"))
    sent, returned = await asking
    assert returned
    assert sent[0]["status"] == 200
    assert sent[-1].get("more_body", True), "a stream that is cut does not look whole"
    # Cut in the middle of a piece, the generator is closed by the loop a moment later.
    await until(lambda: ended == [what])
    await all_had_their_turn()
    assert len(connections.open) == 1
    enough.set()
    _, other_returned = await other
    assert not other_returned
    assert connections.ended == 1
    assert not connections.open
    await guard.close()


async def test_work_that_has_answered_nothing_yet_is_not_broken_off(guard: Guard, file: Path) -> None:
    ended: list[str] = []
    await guard.open()
    may_end = asyncio.Event()
    app = guard.middleware(live_app(ended, may_end))
    asking = asyncio.ensure_future(asked(app, "/orders/slow", "uma-old"))
    await until(lambda: ended)
    await asyncio.to_thread(swap, guard, file, row("sub", "uma"))
    await all_had_their_turn()
    may_end.set()
    sent, returned = await asking
    assert returned
    assert (sent[0]["status"], ended) == (200, ["begins", "slow"])
    await guard.close()


def test_a_websocket_is_closed_with_the_code_for_it_and_that_of_another_is_not(
    guard: Guard, file: Path
) -> None:
    ended: list[str] = []
    app = live_app(ended)
    app.add_middleware(guard.middleware)
    with (
        TestClient(app) as client,
        client.websocket_connect("/live", headers=as_("uma-old")) as old,
        client.websocket_connect("/live", headers=as_("uma-new")) as new,
    ):
        old.send_text("here")
        assert old.receive_text() == "here"
        swap(guard, file, row("sub", "uma"))
        with pytest.raises(WebSocketDisconnect) as closed:
            old.receive_text()
        assert (closed.value.code, closed.value.reason) == (1008, "revoked")
        assert comes_true(lambda: ended == ["socket"])
        new.send_text("still here")
        assert new.receive_text() == "still here"
        with pytest.raises(WebSocketDisconnect), client.websocket_connect("/live", headers=as_("uma-old")):
            pass


async def test_somebody_sent_away_between_the_look_up_and_the_first_bytes_gets_none(
    guard: Guard, file: Path
) -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await asyncio.to_thread(file.write_text, row("sub", "uma"))
        live = guard.checkpoint.recognition.revocations
        assert live is not None
        on_swap, live.on_swap = live.on_swap, None  # the swap was looked through before this one was there
        live.reload()
        live.on_swap = on_swap
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"secret", "more_body": True})
        raise AssertionError("it went on")

    sent, returned = await asked(guard.middleware(app), "/orders", "uma-old")
    assert returned
    assert [message["type"] for message in sent] == ["http.response.start"]
    await guard.close()


async def test_a_cancelling_of_somebody_elses_gets_through(guard: Guard) -> None:
    ended: list[str] = []
    enough = asyncio.Event()
    app = guard.middleware(live_app(ended))
    task = asyncio.ensure_future(asked(app, "/orders", "uma-old", enough=enough))
    connections = guard.checkpoint.connections
    assert connections is not None
    await until(lambda: connections.open)
    enough.set()
    _, returned = await task
    assert not returned
    assert ended == ["stream"]
    await guard.close()
