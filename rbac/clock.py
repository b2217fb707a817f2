"""Tells whether anything an enforcer's answers depend on has changed."""

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Turn:
    """A lock for whatever is done in one go, which one thread may take more than once. A copy is a lock of its own."""

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = threading.RLock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_raised: object) -> None:
        self._lock.release()

    def __deepcopy__(self, memo: dict[int, Any]) -> "Turn":
        return Turn()

    def __reduce__(self) -> tuple[type["Turn"], tuple[()]]:
        return Turn, ()


class Clock:
    """Counts the changes of one enforcer, so that a reader can tell with one comparison that nothing changed.

    A change that is under way on another thread does not show before it is complete.
    """

    def __init__(self) -> None:
        self._count = itertools.count(1)
        self.now = 0
        self.lock = threading.RLock()
        self._changing: dict[int, int] = {}
        self._turn = Turn()

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

    def __deepcopy__(self, memo: dict[int, Any]) -> "Clock":
        # Casbin copies the model, and with it the role managers, before it reloads: all copies are of one enforcer.
        return self

    def __reduce__(self) -> tuple[type["Clock"], tuple[()]]:
        return Clock, ()
