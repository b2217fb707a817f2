"""Heavy work beside a running event loop: in slices, without collector passes, and taken apart bit by bit."""

import gc
import heapq
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from types import FunctionType, MethodType
from typing import Any, TypeVar

Item = TypeVar("Item")

# A slice keeps other threads from Python for at most about this long; between two, they have this much for sure, and
# more while they need it. While nobody does, slices grow.
_SLICE_S = 0.0005
_LONGEST_SLICE_S = 0.002
_REST_S = 0.0005
_LATE_S = 0.0003
_LONGEST_REST_S = 0.0015
_TURN_S = 0.0005
# Objects that are freed in one go, and parts of something large, each of which may hold as many.
_BIT = 256
_PARTS = 16
# So many are sorted in one go.
_PIECE = 2_048
_SHARDS = 64
_EMPTIED = frozenset({dict, list, set})
_OURS = 2
# So many young objects are looked through within some milliseconds.
_FEW = 50_000
_PACKAGES = ("rbac.", "casbin.")
_FOLLOWED = frozenset({dict, list, tuple, set, frozenset, FunctionType, MethodType})
# What cannot be emptied: where one is large, all that it holds is a part, and goes after it.
_SEALED = frozenset({tuple, frozenset})
# Requests that were under way when a policy was replaced are answered by then.
_WAIT_S = 0.2

Pause = Callable[[], None]
"""Called every now and then in long work, so that a thread that shares its processor can let others run."""


class Pace:
    """Called in the middle of long work, as often as one likes: sleeps when a slice of time is used up.

    A thread that computes gives up Python's lock only after 5 ms (``sys.getswitchinterval``), and again for
    each of the lock's turns; a thread that sleeps gives it up at once. One that wakes late had to wait for the lock:
    others are busy, and so it sleeps on, for a few milliseconds at most. One that wakes in time works a little longer
    the next time: nobody was waiting.
    """

    __slots__ = ("_slice", "_until")

    def __init__(self) -> None:
        self._slice = _SLICE_S
        self._until = time.perf_counter() + _SLICE_S

    def __call__(self) -> None:
        began = time.perf_counter()
        if began < self._until:
            return
        slept = woken = began
        while woken < began + _LONGEST_REST_S:
            time.sleep(_REST_S)
            slept, woken = woken, time.perf_counter()
            if woken - slept < _REST_S + _LATE_S:
                break
        in_time = slept == began and woken - slept < _REST_S + _LATE_S
        self._slice = min(2 * self._slice, _LONGEST_SLICE_S) if in_time else _SLICE_S
        self._until = woken + self._slice


_work = threading.local()


def breathe() -> None:
    """In the middle of long work: a pause, if the thread works beside others (:func:`beside_others`) and is due one."""
    pace: Pause | None = getattr(_work, "pace", None)
    if pace is not None:
        pace()


def paced(items: Iterable[Item], every: int = 32) -> Iterable[Item]:
    """The same ``items``, with a :func:`breathe` after so many of them."""
    pace: Pause | None = getattr(_work, "pace", None)
    return items if pace is None else _paced(items, pace, every)


def _paced(items: Iterable[Item], pace: Pause, every: int) -> Iterator[Item]:
    for number, item in enumerate(items):
        if not number % every:
            pace()
        yield item


def in_order(items: Iterable[Any], key: Callable[[Any], Any] | None = None) -> list[Any]:
    """``sorted(items, key=key)``. In a thread that works beside others in pieces, which are merged: no other thread runs
    while Python sorts."""
    pace: Pause | None = getattr(_work, "pace", None)
    if pace is None:
        return sorted(items, key=key)
    left = iter(items)
    pieces = []
    while piece := sorted(islice(left, _PIECE), key=key):
        pieces.append(piece)
        pace()
    return pieces[0] if len(pieces) == 1 else list(_paced(heapq.merge(*pieces, key=key), pace, 32))


def take_apart(large: dict[Any, Any] | set[Any] | list[Any], pause: Pause = breathe) -> None:
    """Empties a large container bit by bit, for its last user: to let go of it would free all that it holds at once."""
    take = large.popitem if isinstance(large, dict) else large.pop
    while large:
        for _ in range(min(_BIT, len(large))):
            take()
        pause()


class _Rest:
    """How many blocks are under way in which nothing is collected, or that are beside others' work, and how the process
    was set before the first of them."""

    lock = threading.Lock()
    wanted = 0
    was_collecting = False
    keeps = False
    beside = 0
    interval = 0.0

    @classmethod
    def keeps_frozen(cls) -> bool:
        """Whether the process keeps what it has frozen. Once it does, nobody asks again: Python counts all of that one
        by one, which for 100,000 rules takes 20 ms, and no other thread runs meanwhile."""
        cls.keeps = cls.keeps or gc.get_freeze_count() > 0
        return cls.keeps

    @classmethod
    def hold(cls) -> None:
        """No cyclic garbage is collected from now on. Under the lock."""
        if cls.wanted == 0:
            cls.was_collecting = gc.isenabled()
            if cls.was_collecting and cls.keeps_frozen():
                gc.collect()  # over little: what is large is frozen
            gc.disable()
        cls.wanted += 1

    @classmethod
    def let_go(cls) -> None:
        """The other end of :meth:`hold`."""
        cls.wanted -= 1
        if cls.wanted == 0 and cls.was_collecting:
            _grow_old()
            gc.enable()


@contextmanager
def beside_others(pace: Pace | None = None) -> Iterator[None]:
    """For a block of heavy work in a thread of its own: the other threads of the process go on.

    With a ``pace``, the work pauses by it.

    A thread that computes gives up Python's lock ten times as soon when another asks for it. And no cyclic garbage
    is collected, nor, right after the block, what it made is looked through: the rows of 100,000 rules are objects
    that all live, and a pass over them stops every thread and finds nothing.
    """
    with _Rest.lock:
        _Rest.hold()
        if _Rest.beside == 0:
            _Rest.interval = sys.getswitchinterval()
            sys.setswitchinterval(min(_Rest.interval, _TURN_S))
        _Rest.beside += 1
    _work.pace = pace
    try:
        yield
    finally:
        _work.pace = None
        with _Rest.lock:
            _Rest.beside -= 1
            if _Rest.beside == 0:
                sys.setswitchinterval(_Rest.interval)
            _Rest.let_go()


def freeze() -> None:
    """Keeps what the process has now from the collector, which would walk it again and again, stop everybody meanwhile,
    and find nothing. What is made beside others later joins it, for good: ``gc.unfreeze`` undoes only what was kept so
    far."""
    with _Rest.lock:
        gc.collect()
        gc.freeze()
        _Rest.keeps = True


@contextmanager
def uncollected() -> Iterator[None]:
    """For a block of work that makes very many objects and no cycles: no cyclic garbage is collected meanwhile, which
    for 100,000 rules takes as long as the work itself, and finds nothing."""
    with _Rest.lock:
        _Rest.hold()
    try:
        yield
    finally:
        with _Rest.lock:
            _Rest.let_go()


def _grow_old() -> None:
    """Moves every young object to the oldest generation, unseen, at no cost: into the frozen ones and out again. In a
    process that keeps what it has frozen they stay there: what nobody reaches any more would, too, so that it is looked
    for first, unless there is very much to look through."""
    kept = _Rest.keeps_frozen()
    if kept and gc.get_count()[0] < _FEW:
        gc.collect()
    gc.freeze()
    if not kept:
        gc.unfreeze()


class Teardown:
    """The many small parts of something large that is about to be gone, to be freed bit by bit.

    The last one to let go of an index over 100,000 rows would free it all at once, and no other thread runs
    meanwhile. The parts are what ``owner`` holds in containers and in objects of this package and of Casbin.
    """

    def __init__(self, owner: Any, pause: Pause) -> None:
        """Holds all that ``owner`` holds, which can be let go of then."""
        self._owner = weakref.ref(owner)
        self._parts = _parts(owner, pause)

    def give_back(self, pause: Pause) -> None:
        """Frees the parts once the owner is gone. An owner that others still need frees them itself, later. Who lets go
        of much when it goes itself can :func:`breathe` meanwhile."""
        deadline = time.monotonic() + _WAIT_S
        while self._owner() is not None and time.monotonic() < deadline:
            time.sleep(0.01)
        before, _work.pace = getattr(_work, "pace", None), pause
        try:
            self._free(self._parts, pause)
        finally:
            _work.pace = before

    def _free(self, parts: deque[Any], pause: Pause) -> None:
        held: list[Any] = []
        while parts:
            for _ in range(min(_PARTS, len(parts))):
                part = parts.popleft()
                if type(part) in _EMPTIED and len(part) > _BIT:
                    # Nobody else's: this name, and the argument of the question.
                    if sys.getrefcount(part) == _OURS:
                        take_apart(part, pause)
                    else:
                        held.append(part)
                del part
            pause()
        # By now who held it beside the first may be gone, too.
        while held:
            part = held.pop()
            if sys.getrefcount(part) == _OURS:
                take_apart(part, pause)


def _parts(owner: Any, pause: Pause) -> deque[Any]:
    """What holds comes before what it holds, so that letting go of one frees no more than that one."""
    found: deque[Any] = deque()
    pending = deque(_held_by(owner, pause))
    # Many small sets: a set or a list that grows moves all that it holds, in one go.
    seen: list[set[int]] = [set() for _ in range(_SHARDS)]
    for one in pending:
        seen[id(one) // 64 % _SHARDS].add(id(one))
    while pending:
        part = pending.popleft()
        found.append(part)
        for other in _held_by(part, pause):
            shard = seen[id(other) // 64 % _SHARDS]
            if id(other) not in shard:
                shard.add(id(other))
                pending.append(other)
    for shard in seen:
        take_apart(shard, pause)
    return found


def _held_by(part: Any, pause: Pause) -> Iterator[Any]:
    """What ``part`` holds and is worth following: not modules and classes, which everything leads to."""
    sealed = False
    if isinstance(part, FunctionType):
        held = [cell.cell_contents for cell in part.__closure__ or ()]
    else:
        held = gc.get_referents(part)
    sealed = type(part) in _SEALED and len(held) > _BIT
    for number, one in enumerate(held):
        if not number % _BIT:
            pause()
        kind = type(one)
        if sealed or kind in _FOLLOWED or kind.__module__.startswith(_PACKAGES):
            yield one
