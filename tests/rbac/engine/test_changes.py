"""A change shows when it is complete, to whoever did not make it; and a coroutine's change is one a step."""

import copy
import pickle
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from rbac.engine.changes import ChangeCounter, ChangeLock, by_steps


def elsewhere(ask: Callable[[], Any]) -> Any:
    """What another thread is told."""
    told: list[Any] = []
    thread = threading.Thread(target=lambda: told.append(ask()))
    thread.start()
    thread.join()
    return told[0]


def test_each_tick_is_another() -> None:
    clock = ChangeCounter()
    assert clock.now == 0
    seen = [clock.now]
    for _ in range(3):
        clock.tick()
        seen.append(clock.now)
    assert seen == sorted(set(seen))


def test_a_change_is_under_way_for_others_until_the_outermost_ends() -> None:
    clock = ChangeCounter()
    ticks = []
    assert not elsewhere(lambda: clock.changing_elsewhere)
    with clock.change():
        before = clock.now
        with clock.change():
            assert elsewhere(lambda: clock.changing_elsewhere)
        ticks.append(clock.now - before)
        assert elsewhere(lambda: clock.changing_elsewhere)
        assert not clock.changing_elsewhere
    ticks.append(clock.now - before)
    assert ticks == [1, 2]
    assert not elsewhere(lambda: clock.changing_elsewhere)


def test_a_change_that_fails_shows_all_the_same() -> None:
    clock = ChangeCounter()

    def fail() -> None:
        with clock.change():
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert clock.now == 1
    assert not elsewhere(lambda: clock.changing_elsewhere)

    def next_one() -> int:
        with clock.change():
            return clock.now

    assert elsewhere(next_one) == 1  # nobody is kept from it


def test_one_thread_changes_at_a_time() -> None:
    clock = ChangeCounter()
    order: list[str] = []
    waiting = threading.Event()

    def other() -> None:
        waiting.set()
        with clock.change():
            order.append("second")

    with clock.change():
        thread = threading.Thread(target=other)
        thread.start()
        waiting.wait()
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda lock: pickle.loads(pickle.dumps(lock))])
def test_a_copy_of_a_lock_is_a_lock_of_its_own(copied: Callable[[ChangeLock], ChangeLock]) -> None:
    lock = ChangeLock()
    with lock:
        twin = copied(lock)
        with lock, twin:  # the same thread may take it again
            assert type(twin) is ChangeLock

        def take_and_give_back() -> bool:
            with twin:
                return True

        assert elsewhere(take_and_give_back)


def test_copies_of_an_enforcer_count_as_one_and_one_that_is_stored_begins_anew() -> None:
    clock = ChangeCounter()
    clock.tick()
    assert copy.deepcopy(clock) is clock
    stored = pickle.loads(pickle.dumps(clock))
    assert (type(stored), stored.now) == (ChangeCounter, 0)


# --- coroutines


class Waits:
    """What a coroutine waits for: hands out a name, and is given an answer or an error."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __await__(self) -> Any:
        return (yield self.name)


def stepping(changing: Coroutine[Any, Any, Any]) -> tuple[ChangeCounter, Coroutine[Any, Any, Any]]:
    clock = ChangeCounter()

    async def outer() -> Any:
        return await by_steps(clock, changing)

    return clock, outer()


def test_all_between_two_waits_is_one_change() -> None:
    seen: list[bool] = []

    async def changing() -> str:
        seen.append(elsewhere(lambda: clock.changing_elsewhere))
        first = await Waits("a")
        seen.append(elsewhere(lambda: clock.changing_elsewhere))
        return f"{first} {await Waits('b')}"

    clock, running = stepping(changing())
    assert running.send(None) == "a"
    assert (clock.now, elsewhere(lambda: clock.changing_elsewhere)) == (1, False)
    assert running.send("one") == "b"
    assert (clock.now, elsewhere(lambda: clock.changing_elsewhere)) == (2, False)
    with pytest.raises(StopIteration) as done:
        running.send("two")
    assert (done.value.value, clock.now, seen) == ("one two", 3, [True, True])


def test_what_is_raised_while_it_waits_is_for_it_to_hear() -> None:
    async def changing() -> str:
        try:
            await Waits("a")
        except KeyboardInterrupt:
            return f"heard {await Waits('b')}"
        return "never"

    clock, running = stepping(changing())
    running.send(None)
    assert running.throw(KeyboardInterrupt()) == "b"
    assert clock.now == 2
    with pytest.raises(StopIteration) as done:
        running.send("it")
    assert done.value.value == "heard it"


def test_what_it_raises_itself_ends_the_change() -> None:
    async def changing() -> None:
        await Waits("a")
        raise ZeroDivisionError

    clock, running = stepping(changing())
    running.send(None)
    with pytest.raises(ZeroDivisionError):
        running.send(None)
    assert (clock.now, elsewhere(lambda: clock.changing_elsewhere)) == (2, False)


def test_one_that_is_closed_is_closed_within_a_change() -> None:
    seen: list[bool] = []

    async def changing() -> None:
        try:
            await Waits("a")
        finally:
            seen.append(elsewhere(lambda: clock.changing_elsewhere))

    clock, running = stepping(changing())
    running.send(None)
    running.close()
    assert (seen, clock.now) == ([True], 2)
