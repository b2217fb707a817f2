"""Connections that outlive their decision: watched from the beginning of their answer, and cut off when their caller is sent
away."""

import asyncio
import logging
from types import SimpleNamespace
from typing import Any, Final

import pytest

from rbac.guard.http.asgi import Message
from rbac.guard.http.connections import POLICY_VIOLATION, Connections, OpenConnection
from rbac.revocations.table import NOBODY, SentAway
from tests.support.waiting import LIMIT_S

ALICE: Final[Any] = SimpleNamespace(sub="alice", claims={"iat": 1})
BOB: Final[Any] = SimpleNamespace(sub="bob", claims={"iat": 1})
ALICE_IS_GONE: Final = SentAway({"alice": 2}, {}, {}, float("-inf"), 1)
START: Final[Message] = {"type": "http.response.start"}
MORE: Final[Message] = {"type": "http.response.body", "body": b"x", "more_body": True}
LAST: Final[Message] = {"type": "http.response.body", "body": b"x"}


class Wire:
    """Everyone who is connected, whoever is sent away now, and what was sent."""

    def __init__(self) -> None:
        self.table = NOBODY
        self.sent: list[Message] = []
        self.everyone = Connections(lambda: self.table)

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    def opened(self, who: Any = ALICE, *, websocket: bool = False) -> OpenConnection:
        return OpenConnection(self.everyone, who, self.send, websocket=websocket)

    def send_alice_away(self) -> None:
        self.table = ALICE_IS_GONE
        self.everyone.revoke(self.table)


async def test_an_answer_is_watched_from_its_beginning_and_sent_as_it_is() -> None:
    wire = Wire()
    connection = wire.opened()
    assert wire.everyone.open == set()
    for message in (START, MORE, LAST):
        await connection.send(message)
        assert wire.everyone.open == {connection}
    assert wire.sent == [START, MORE, LAST]
    assert (connection.revoked, wire.everyone.ended) == (False, 0)


async def test_a_websocket_is_watched_from_before_its_application_runs() -> None:
    wire = Wire()
    connection = wire.opened(websocket=True)
    connection.begin()
    assert wire.everyone.open == {connection}
    wire.table = ALICE_IS_GONE
    with pytest.raises(asyncio.CancelledError):
        wire.opened(websocket=True).begin()
    wire.opened(BOB, websocket=True).begin()


async def test_a_stream_of_whoever_was_let_in_before_they_were_sent_away_ends_with_its_next_part() -> None:
    wire = Wire()
    connection, other = wire.opened(), wire.opened(BOB)
    await connection.send(START)
    wire.table = ALICE_IS_GONE
    await connection.send(LAST)  # what has begun and ends with it is let finish
    await other.send(MORE)
    for message in (MORE, LAST, START):
        with pytest.raises(asyncio.CancelledError):
            await connection.send(message)
    assert wire.sent == [START, LAST, MORE]
    assert await connection.end()
    assert wire.everyone.ended == 1


@pytest.mark.parametrize(("websocket", "closed"), [(True, True), (False, False)])
async def test_only_those_of_whoever_is_sent_away_are_cut_off_and_a_websocket_is_told(
    websocket: bool, closed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    wire, ended = Wire(), []

    async def serving(who: Any) -> None:
        connection = wire.opened(who, websocket=websocket)
        wire.everyone.open.add(connection)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if not await connection.end():
                raise
            ended.append(who.sub)

    tasks = [asyncio.create_task(serving(who)) for who in (ALICE, BOB)]
    await asyncio.sleep(0)
    wire.send_alice_away()
    wire.send_alice_away()  # twice, and they are cut off once
    await asyncio.wait(tasks[:1], timeout=LIMIT_S)
    assert caplog.messages == ["closing 1 connection of callers who were sent away"] * 2
    assert (ended, wire.everyone.ended) == (["alice"], 1)
    said = {"type": "websocket.close", "code": POLICY_VIOLATION, "reason": "revoked"}
    assert wire.sent == ([said] if closed else [])
    tasks[1].cancel()
    with pytest.raises(asyncio.CancelledError):
        await tasks[1]


async def test_what_has_ended_by_itself_is_not_cancelled_behind_its_end() -> None:
    wire = Wire()

    async def serving() -> str:
        connection = wire.opened()
        wire.everyone.open.add(connection)
        wire.send_alice_away()
        wire.everyone.open.discard(connection)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return "ended"

    assert await asyncio.create_task(serving()) == "ended"


async def test_a_websocket_that_its_application_has_closed_is_not_closed_again() -> None:
    wire = Wire()
    connection = wire.opened(websocket=True)
    await connection.send({"type": "websocket.close", "code": 1000})
    connection.revoked = True
    assert await connection.end()
    assert [message["code"] for message in wire.sent] == [1000]


async def test_a_cancellation_that_is_not_for_its_caller_is_somebody_elses() -> None:
    wire = Wire()

    async def serving(revoked: bool) -> bool:
        connection = wire.opened()
        connection.revoked = revoked
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()  # a stop of the service, besides
            try:
                await asyncio.sleep(0)
            except asyncio.CancelledError:
                return await connection.end()
        return True

    for revoked in (False, True):
        task = asyncio.create_task(serving(revoked))
        await asyncio.sleep(0)
        task.cancel()
        assert await task is False
    assert wire.everyone.ended == 0


async def test_a_part_that_another_task_sends_ends_the_one_that_the_application_runs_in() -> None:
    wire = Wire()

    async def serving() -> bool:
        connection = wire.opened()
        await connection.send(START)
        wire.table = ALICE_IS_GONE
        sending = asyncio.create_task(connection_sends(connection))
        try:
            await asyncio.wait({sending})
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            return await connection.end()
        return False

    async def connection_sends(connection: OpenConnection) -> None:
        await connection.send(MORE)

    assert await asyncio.create_task(serving())
