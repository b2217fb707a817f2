"""Tells whether anything an enforcer's answers depend on has changed."""

import itertools
import threading
import types
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any


class ChangeLock:
    """A lock for whatever is done in one go, which one thread may take more than once. A copy is a lock of its own."""

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = threading.RLock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_raised: object) -> None:
        self._lock.release()

    def __deepcopy__(self, memo: dict[int, Any]) -> "ChangeLock":
        return ChangeLock()

    def __reduce__(self) -> tuple[type["ChangeLock"], tuple[()]]:
        return ChangeLock, ()


class ChangeCounter:
    """Counts the changes of one enforcer, so that a reader can tell with one comparison that nothing changed.

    A change that is under way on another thread does not show before it is complete.
    """

    def __init__(self) -> None:
        self._count = itertools.count(1)
        self.now = 0
        self.lock = threading.RLock()
        self._changing: dict[int, int] = {}
        self._turn = ChangeLock()

    def tick(self) -> None:
        """Say that something the answers depend on is different now."""
        self.now = next(self._count)  # never the same twice, whichever thread comes first

    @contextmanager
    def change(self) -> Iterator[None]:
        """Span a change of several steps, one thread at a time, and tick when it is over, however it ends."""
        thread = threading.get_ident()
        with self._turn:
            self._changing[thread] = self._changing.get(thread, 0) + 1
            try:
                yield
            finally:
                self._changing[thread] -= 1
                if not self._changing[thread]:
                    del self._changing[thread]
                self.tick()

    @property
    def changing_elsewhere(self) -> bool:
        """Whether another thread is in the middle of a change."""
        busy = self._changing
        return bool(busy) and threading.get_ident() not in busy

    def __deepcopy__(self, memo: dict[int, Any]) -> "ChangeCounter":
        # Casbin copies the model, and with it the role managers, before it reloads: all copies are of one enforcer.
        return self

    def __reduce__(self) -> tuple[type["ChangeCounter"], tuple[()]]:
        return ChangeCounter, ()


@types.coroutine
def by_steps(clock: ChangeCounter, changing: Coroutine[Any, Any, Any]) -> Generator[Any, Any, Any]:
    """What ``changing`` returns; all that it does between two waits is one change, and no thread waits with it."""
    step: Callable[[], Any] = partial(changing.send, None)
    while True:
        with clock.change():
            try:
                awaited = step()
            except StopIteration as done:
                return done.value
        try:
            step = partial(changing.send, (yield awaited))
        except GeneratorExit:
            with clock.change():
                changing.close()
            raise
        except BaseException as error:  # noqa: BLE001 - a cancelling, too, is for the coroutine to hear
            step = partial(changing.throw, error)
