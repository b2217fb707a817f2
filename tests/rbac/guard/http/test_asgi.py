"""An answer in plain messages, to a request and to a handshake, and headers as they were sent."""

from collections import deque
from typing import Any

import pytest

from rbac.guard.http.asgi import Message, Receive, Response, Scope, Send, called, header, header_bytes, refuse

ANSWER = Response(403, [(b"content-type", b"text/plain")], b"no")


class Wire:
    """What a server sends an application, and hears of it."""

    def __init__(self, *messages: Message) -> None:
        self.messages = deque(messages)
        self.told: list[Message] = []

    async def receive(self) -> Message:
        return self.messages.popleft()

    async def send(self, message: Message) -> None:
        self.told.append(message)


def answered(prefix: str) -> list[dict[str, Any]]:
    return [
        {
            "type": f"{prefix}http.response.start",
            "status": 403,
            "headers": [(b"content-type", b"text/plain")],
        },
        {"type": f"{prefix}http.response.body", "body": b"no"},
    ]


@pytest.mark.parametrize(
    ("scope", "told", "left"),
    [
        ({"type": "http"}, answered(""), 1),
        ({"type": "websocket", "extensions": {"websocket.http.response": {}}}, answered("websocket."), 0),
        (
            {"type": "websocket", "extensions": {"another": {}}},
            [{"type": "websocket.close", "code": 1008}],
            0,
        ),
        ({"type": "websocket"}, [{"type": "websocket.close", "code": 1008}], 0),
    ],
)
async def test_a_refusal_is_an_answer_where_the_server_can_send_one(
    scope: Scope, told: list[dict[str, Any]], left: int
) -> None:
    wire = Wire({"type": "first"})
    await refuse(ANSWER, scope, wire.receive, wire.send)
    assert (wire.told, len(wire.messages)) == (told, left)


async def test_whoever_changes_the_headers_of_an_answer_changes_that_one_alone() -> None:
    wire = Wire()
    await ANSWER({"type": "http"}, wire.receive, wire.send)
    wire.told[0]["headers"].append((b"x", b"y"))
    assert ANSWER.raw_headers == [(b"content-type", b"text/plain")]


def test_the_first_header_of_a_name_counts() -> None:
    scope = {"headers": [(b"a", b"1"), (b"b", "é".encode("latin-1")), (b"a", b"2"), (b"c", b"")]}
    assert (header_bytes(scope, b"a"), header(scope, b"a")) == (b"1", "1")
    assert (header_bytes(scope, b"b"), header(scope, b"b")) == (b"\xe9", "é")
    assert (header_bytes(scope, b"c"), header(scope, b"c")) == (b"", "")
    assert (header_bytes(scope, b"d"), header(scope, b"d")) == (None, "")
    assert (header_bytes({}, b"a"), header({}, b"a")) == (None, "")


async def layer(scope: Scope, receive: Receive, send: Send) -> None:
    """A function."""


class Layer:
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An object."""

    async def method(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A method."""


def test_what_is_called_of_an_object_is_its_method() -> None:
    an_object = Layer()
    assert called(layer) is layer
    assert called(an_object.method) == an_object.method
    assert called(an_object) == an_object.__call__
