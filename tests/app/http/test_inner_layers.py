"""The innermost layer does what the two of Starlette and FastAPI behind it do."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from fastapi import FastAPI, HTTPException
from fastapi.middleware import Middleware
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from starlette.routing import Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.http.access_log import RequestLogMiddleware
from app.http.inner_layers import InnerLayers

FILES = "fastapi_middleware_astack"

Closed = list[str]
Endpoint = Callable[[Scope, Send, Closed], Awaitable[None]]


class Copying:
    """Hands on a copy of the scope, as the checkpoint does for a HEAD."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app({**scope}, receive, send)


async def begins(send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})


async def answers(_: Scope, send: Send, __: Closed) -> None:
    await begins(send)
    await send({"type": "http.response.body", "body": b"all"})


async def refuses(*_: object) -> None:
    raise HTTPException(418, "tea", headers={"X-Pot": "short"})


async def breaks(*_: object) -> None:
    raise KeyError("one that nobody handles")


async def is_cancelled(*_: object) -> None:
    raise asyncio.CancelledError


async def begins_and_refuses(_: Scope, send: Send, __: Closed) -> None:
    await begins(send)
    raise HTTPException(418)


async def begins_and_breaks(_: Scope, send: Send, __: Closed) -> None:
    await begins(send)
    raise KeyError("one that nobody handles")


def with_file(endpoint: Endpoint) -> Endpoint:
    async def opens(scope: Scope, send: Send, closed: Closed) -> None:
        async def close(name: str) -> None:
            closed.append(name)

        scope[FILES].push_async_callback(close, "the first")
        scope[FILES].push_async_callback(close, "the second")
        await endpoint(scope, send, closed)

    return opens


async def breaks_and_is_forgiven(scope: Scope, send: Send, closed: Closed) -> None:
    @asynccontextmanager
    async def forgiving() -> Any:
        with suppress(KeyError):
            yield
        closed.append("forgiven")

    await scope[FILES].enter_async_context(forgiving())
    await answers(scope, send, closed)
    raise KeyError("one that is forgiven")


async def breaks_when_it_closes(scope: Scope, _: Send, closed: Closed) -> None:
    async def close() -> None:
        closed.append("not quite")
        raise HTTPException(507)

    scope[FILES].push_async_callback(close)


ENDPOINTS: tuple[Endpoint, ...] = (
    answers,
    refuses,
    breaks,
    is_cancelled,
    begins_and_refuses,
    begins_and_breaks,
)


def asked(endpoint: Endpoint, *layers: Middleware) -> tuple[list[Message], str, Closed, set[str]]:
    """What is sent, raised and closed, and the names in the scope, when ``endpoint`` is asked."""
    closed: Closed = []
    sent: list[Message] = []
    names: set[str] = set()

    async def called(scope: Scope, receive: Receive, send: Send) -> None:
        names.update(scope)
        await endpoint(scope, send, closed)

    app = FastAPI(
        routes=[Mount("/", called)],
        middleware=[Middleware(RequestLogMiddleware), Middleware(Copying), *layers],
    )
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "query_string": b"",
        "headers": [(b"x-request-id", b"the-same")],
    }

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    async def ask() -> None:
        await app(scope, receive, send)

    raised = ""
    try:
        asyncio.run(ask())
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is to be the same
        raised = repr((error, error.__cause__))
    return sent, raised, closed, names


@pytest.mark.parametrize(
    "endpoint",
    [*ENDPOINTS, *map(with_file, ENDPOINTS), breaks_and_is_forgiven, breaks_when_it_closes],
    ids=[
        *(each.__name__ for each in ENDPOINTS),
        *(f"{each.__name__} with a file" for each in ENDPOINTS),
        "breaks_and_is_forgiven",
        "breaks_when_it_closes",
    ],
)
def test_everything_is_as_without_it(endpoint: Endpoint) -> None:
    """Sent, raised and closed, and left in the scope."""
    assert asked(endpoint, Middleware(InnerLayers)) == asked(endpoint)


def test_the_two_layers_behind_it_are_passed_by(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are not called while nothing is raised."""

    async def is_called(*_: object) -> None:
        raise AssertionError("a layer was called")

    monkeypatch.setattr(AsyncExitStackMiddleware, "__call__", is_called)
    assert asked(answers)[0][0]["status"] == 500
    sent, raised, _, _ = asked(answers, Middleware(InnerLayers))
    assert (len(sent), raised) == (2, "")


def test_a_layer_that_comes_behind_it_is_not_passed_by() -> None:
    """What an application puts innermost itself is called as ever."""
    passed: list[str] = []

    class Further:
        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            passed.append(scope["path"])
            await self.app(scope, receive, send)

    sent, _, _, _ = asked(refuses, Middleware(InnerLayers), Middleware(Further))
    assert (passed, sent[0]["status"]) == (["/"], 418)
