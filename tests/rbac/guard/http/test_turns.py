"""Long work takes turns: however many requests do it, one piece is done between two looks at all the others."""

import asyncio
import threading
import time

import pytest

from rbac import Policy
from rbac.guard.http.turns import OncePerPolicy, Turns
from tests.support.documents import MODEL, POLICY
from tests.support.waiting import LIMIT_S, all_had_their_turn, until

PIECE_S = 0.002


async def work(turns: Turns, pieces: int, done: list[str], name: str) -> None:
    with turns.begin() as turn:
        for _ in range(pieces):
            if turn.over:
                await turn.pass_on()
            time.sleep(PIECE_S)  # noqa: ASYNC251 - what holds the event loop is what is meant
            done.append(name)


async def test_others_wait_for_one_turn_however_many_work() -> None:
    turns, done = Turns(), list[str]()
    working = [asyncio.create_task(work(turns, 50, done, str(number))) for number in range(20)]
    await asyncio.sleep(0)  # everybody has taken what is free
    await asyncio.sleep(0)
    for _ in range(50):
        before = len(done)
        await asyncio.sleep(0)
        assert len(done) - before <= 5  # pieces: one turn of 5 ms, and the piece that ended it
    await asyncio.gather(*working)
    assert len(done) == 1_000


async def test_the_turns_go_round() -> None:
    turns, done = Turns(), list[str]()
    await asyncio.gather(*(work(turns, 60, done, name) for name in "abc"))
    assert {"a", "b", "c"} == set(done[:40])


async def test_who_gives_up_holds_nobody_up() -> None:
    turns, done = Turns(), list[str]()
    gone = asyncio.create_task(work(turns, 10_000, done, "gone"))
    waiting = asyncio.create_task(work(turns, 10_000, done, "waiting"))
    await until(lambda: {"gone", "waiting"} <= {*done})
    gone.cancel()
    waiting.cancel()
    await asyncio.wait({gone, waiting})
    await asyncio.wait_for(work(turns, 50, done, "next"), LIMIT_S)
    assert done[-50:] == ["next"] * 50


async def test_what_follows_from_a_policy_is_worked_out_once_and_beside_the_event_loop() -> None:
    known: OncePerPolicy[int] = OncePerPolicy()
    policy = Policy.parse(MODEL, POLICY)
    threads: list[str] = []
    may_end = threading.Event()

    def count() -> int:
        threads.append(threading.current_thread().name)
        may_end.wait(LIMIT_S)
        return len(threads)

    impatient = asyncio.create_task(known.of(policy, count))
    await until(lambda: threads)
    impatient.cancel()
    asking = [asyncio.create_task(known.of(policy, count)) for _ in range(20)]
    await all_had_their_turn()
    assert not any(task.done() for task in asking)
    may_end.set()
    assert await asyncio.gather(*asking) == [1] * 20
    assert await known.of(policy, count) == 1
    assert threads != [threading.main_thread().name]
    assert await known.of(Policy.parse(MODEL, POLICY), count) == 2


async def test_work_that_fails_is_tried_again() -> None:
    known: OncePerPolicy[int] = OncePerPolicy()
    policy = Policy.parse(MODEL, POLICY)
    with pytest.raises(ZeroDivisionError):
        await known.of(policy, lambda: 1 // 0)
    assert await known.of(policy, lambda: 7) == 7
