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


# --- one step at a time, by a clock that stands still


class Stepping:
    """What ``perf_counter_ns`` says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100
        monkeypatch.setattr("rbac.guard.http.turns.perf_counter_ns", lambda: self.now)


async def test_a_millisecond_is_free_and_a_turn_takes_five(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Stepping(monkeypatch)
    with Turns().begin() as turn:
        for length in (1_000_000, 5_000_000, 5_000_000):
            began = clock.now
            clock.now = began + length
            over = [turn.over]
            clock.now += 1
            assert [*over, turn.over] == [False, True]
            await turn.pass_on()


async def taken(turns: Turns, name: str, told: list[str]) -> None:
    await turns.take()
    told.append(name)


async def test_turns_are_had_in_the_order_of_the_asking_and_one_by_one() -> None:
    turns, told = Turns(), list[str]()
    asking = [asyncio.create_task(taken(turns, name, told)) for name in "abc"]
    for had in ("a", "ab", "abc"):
        await all_had_their_turn()
        assert "".join(told) == had
        turns.give_back()
    await asyncio.gather(*asking)
    await all_had_their_turn()
    await asyncio.wait_for(taken(turns, "d", told), LIMIT_S)  # nobody holds one any more
    assert told[-1] == "d"


async def test_a_turn_that_is_given_to_somebody_who_just_left_goes_to_the_next() -> None:
    turns, told = Turns(), list[str]()
    leaving, next_one, last = (asyncio.create_task(taken(turns, name, told)) for name in "abc")
    await asyncio.sleep(0)  # all have asked
    await asyncio.sleep(0)  # the first was given its turn, and has not woken up
    leaving.cancel()
    await all_had_their_turn()
    assert (leaving.cancelled(), told) == (True, ["b"])
    last.cancel()  # whose turn it is not yet
    await all_had_their_turn()
    turns.give_back()
    await next_one
    await asyncio.wait_for(taken(turns, "d", told), LIMIT_S)
    assert told == ["b", "d"]


@pytest.mark.parametrize("passes_on", [0, 1, 2])
async def test_work_that_ends_gives_back_the_turn_that_it_has(passes_on: int) -> None:
    turns, told = Turns(), list[str]()

    async def fails() -> None:
        with turns.begin() as turn:
            for _ in range(passes_on):
                await turn.pass_on()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fails()
    await asyncio.wait_for(taken(turns, "next", told), LIMIT_S)
    others = asyncio.create_task(taken(turns, "last", told))
    await all_had_their_turn()
    assert told == ["next"]  # which has it now, alone
    turns.give_back()
    await others


async def test_work_is_not_begun_twice_nor_kept_once_it_failed() -> None:
    known: OncePerPolicy[int] = OncePerPolicy()
    policy = Policy.parse(MODEL, POLICY)
    begun: list[int] = []
    may_end = threading.Event()

    def work() -> int:
        begun.append(len(begun))
        may_end.wait(LIMIT_S)
        return 1 // begun[-1]

    first, second = (asyncio.create_task(known.of(policy, work)) for _ in "12")
    await until(lambda: begun)
    may_end.set()
    for task in (first, second):
        with pytest.raises(ZeroDivisionError):
            await task
    assert await known.of(policy, work) == 1
    assert await known.of(policy, work) == 1
    assert begun == [0, 1]
