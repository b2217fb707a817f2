"""Heavy work beside a running event loop: in slices, without collector passes, and taken apart bit by bit."""

import gc
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FunctionType, MethodType
from typing import Any

# A slice keeps other threads from Python for at most about this long; between two, they have this much for
# sure.
_SLICE_S = 0.001
_REST_S = 0.0005
_TURN_S = 0.0005
# Objects that are freed in one go.
_BIT = 256
_FOLLOWED = frozenset({dict, list, tuple, set, FunctionType, MethodType})
# Requests that were under way when a policy was replaced are answered by then.
_WAIT_S = 0.2


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
    """How many blocks are beside others' work, and how the process was set before the first of them."""

    lock = threading.Lock()
    wanted = 0
    was_collecting = False
    interval = 0.0


@contextmanager
def beside_others() -> Iterator[None]:
    """For a block of heavy work in a thread of its own: the other threads of the process go on.

    A thread that computes gives up Python's lock ten times as soon when another asks for it. And no cyclic garbage
    is collected, nor, right after the block, what it made is looked through: the rows of 100,000 rules are objects
    that all live, and a pass over them stops every thread and finds nothing.
    """
    with _Rest.lock:
        if _Rest.wanted == 0:
            _Rest.was_collecting, _Rest.interval = gc.isenabled(), sys.getswitchinterval()
            gc.disable()
            sys.setswitchinterval(min(_Rest.interval, _TURN_S))
        _Rest.wanted += 1
    try:
        yield
    finally:
        with _Rest.lock:
            _Rest.wanted -= 1
            if _Rest.wanted == 0:
                sys.setswitchinterval(_Rest.interval)
                if _Rest.was_collecting:
                    _grow_old()
                    gc.enable()


def _grow_old() -> None:
    """Moves every young object to the oldest generation, unseen, at no cost: into the frozen ones and out
    again."""
    if gc.get_freeze_count() == 0:
        gc.freeze()
        gc.unfreeze()


class Remains:
    """The many small parts of something large that is about to be gone, to be freed bit by bit.

    The last one to let go of an index over 100,000 rows would free it all at once, and no other thread runs
    meanwhile. The parts are what ``owner`` holds in containers and in objects of this package.
    """

    def __init__(self, owner: Any, pause: Callable[[], None]) -> None:
        """Holds all that ``owner`` holds, which can be let go of then."""
        self._owner = weakref.ref(owner)
        self._parts = _parts(owner, pause)

    def give_back(self, pause: Callable[[], None]) -> None:
        """Frees the parts once the owner is gone. An owner that others still need frees them itself, later."""
        deadline = time.monotonic() + _WAIT_S
        while self._owner() is not None and time.monotonic() < deadline:
            time.sleep(0.01)
        # What holds comes before what it holds, so that letting go of one frees no more than that one.
        self._parts.reverse()
        while self._parts:
            del self._parts[-_BIT:]
            pause()


def _parts(owner: Any, pause: Callable[[], None]) -> list[Any]:
    found, seen, start = list(_held_by(owner)), set[int](), 0
    seen.update(map(id, found))
    while start < len(found):
        end = min(start + _BIT, len(found))
        for part in found[start:end]:
            for other in _held_by(part):
                if id(other) not in seen:
                    seen.add(id(other))
                    found.append(other)
        start = end
        pause()
    return found


def _held_by(part: Any) -> Iterator[Any]:
    """What ``part`` holds and is worth following: not modules and classes, which everything leads to."""
    if isinstance(part, FunctionType):
        held = [cell.cell_contents for cell in part.__closure__ or ()]
    else:
        held = gc.get_referents(part)
    for one in held:
        kind = type(one)
        if kind in _FOLLOWED or kind.__module__.startswith("rbac."):
            yield one
