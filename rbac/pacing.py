"""Heavy work beside a running event loop: in slices, without collector passes, and taken apart bit by bit."""

import gc
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

# A slice keeps other threads from Python for at most about this long; between two, they have this much for
# sure.
_SLICE_S = 0.001
_REST_S = 0.0005


class Pace:
    """Called in the middle of long work, as often as one likes: sleeps when a slice of time is used up.

    A thread that computes gives up Python's lock only after 5 ms (``sys.getswitchinterval``), and again for
    each of the lock's turns; a thread that sleeps gives it up at once.
    """

    __slots__ = ("_until",)

    def __init__(self) -> None:
        self._until = time.perf_counter() + _SLICE_S

    def __call__(self) -> None:
        if time.perf_counter() >= self._until:
            time.sleep(_REST_S)
            self._until = time.perf_counter() + _SLICE_S


class _Rest:
    """How many blocks want the collector to rest, and whether it was running before the first of them."""

    lock = threading.Lock()
    wanted = 0
    was_running = False


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """No cyclic garbage collection in the whole process while the block runs, nor, right after it, of what it
    made.

    The rows of 100,000 rules are a million objects, all of which live: passes over them stop every thread and
    find nothing.
    """
    with _Rest.lock:
        if _Rest.wanted == 0:
            _Rest.was_running = gc.isenabled()
            gc.disable()
        _Rest.wanted += 1
    try:
        yield
    finally:
        with _Rest.lock:
            _Rest.wanted -= 1
            if _Rest.wanted == 0 and _Rest.was_running:
                _grow_old()
                gc.enable()


def _grow_old() -> None:
    """Moves every young object to the oldest generation, unseen, at no cost: into the frozen ones and out
    again."""
    if gc.get_freeze_count() == 0:
        gc.freeze()
        gc.unfreeze()
