"""What the layer of CORS says of a request without an origin is what Starlette's own says of it."""

import asyncio
from typing import Any

import pytest
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from app.http.vary import varying


@pytest.mark.parametrize(
    "own",
    [
        (),
        (("vary", "Accept-Language"),),
        (("vary", "Origin"),),
        (("vary", "Accept"), ("x-other", "1"), ("Vary", "Cookie"), ("etag", '"1"')),
    ],
)
@pytest.mark.parametrize("origins", [("https://a.example",), ("*",)])
def test_an_answer_without_an_origin_says_what_starlettes_layer_says(
    own: tuple[tuple[str, str], ...], origins: tuple[str, ...]
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        response = PlainTextResponse("body")
        response.raw_headers += [(name.lower().encode(), value.encode()) for name, value in own]
        await response(scope, receive, send)

    async def quick(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_varying(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = varying(message["headers"])
            await send(message)

        await app(scope, receive, send_varying)

    assert answer(quick) == answer(CORSMiddleware(app, allow_origins=origins))


def answer(app: Any) -> list[Message]:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(dict(message))

    asyncio.run(app({"type": "http", "method": "GET", "path": "/", "headers": []}, receive, send))
    return sent
