"""Work that takes long, a few milliseconds at a time and one request after the other, so that all others are answered."""

import asyncio
from collections import deque
from collections.abc import Callable
from time import perf_counter_ns
from types import TracebackType
from typing import Generic, Self, TypeVar
from weakref import WeakKeyDictionary

from rbac import Policy

_FREE_NS = 1_000_000  # what everybody may take at once
_TURN_NS = 5_000_000

T = TypeVar("T")


class Turns:
    """Hands out turns. However many requests work, at most one of them does in each round of the event loop."""

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._taken = False

    def begin(self) -> "Turn":
        """The turns of one request, from now on; use it in a ``with``."""
        return Turn(self)

    async def take(self) -> None:
        """Waits for a turn, which :meth:`give_back` ends."""
        loop = asyncio.get_running_loop()
        mine = loop.create_future()
        self._waiting.append(mine)
        if not self._taken:
            self._taken = True
            loop.call_soon(self._hand_on)
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():  # it came in the same moment
                self.give_back()
            raise

    def give_back(self) -> None:
        """Ends a turn. Whoever waits longest has the next, in the next round."""
        asyncio.get_running_loop().call_soon(self._hand_on)

    def _hand_on(self) -> None:
        while self._waiting:
            next_one = self._waiting.popleft()
            if not next_one.done():  # else its request was given up
                next_one.set_result(None)
                return
        self._taken = False


class Turn:
    """Ask :attr:`over` between two steps, and :meth:`pass_on` when it is: then all others come first.

    It is over when ``perf_counter_ns()`` is beyond :attr:`until`.
    """

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._held = False
        self.until = perf_counter_ns() + _FREE_NS

    @property
    def over(self) -> bool:
        """Whether it is somebody else's turn."""
        return perf_counter_ns() > self.until

    async def pass_on(self) -> None:
        """Waits for the next turn: at least one round of the event loop."""
        self._release()
        await self._turns.take()
        self._held = True
        self.until = perf_counter_ns() + _TURN_NS

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._release()

    def _release(self) -> None:
        if self._held:
            self._held = False
            self._turns.give_back()


class OncePerPolicy(Generic[T]):
    """What follows from a policy, worked out once for each policy, in a thread beside the event loop."""

    def __init__(self) -> None:
        self._known: WeakKeyDictionary[Policy, T] = WeakKeyDictionary()
        self._under_way: WeakKeyDictionary[Policy, asyncio.Future[T]] = WeakKeyDictionary()

    async def of(self, policy: Policy, work: Callable[[], T]) -> T:
        """What ``work`` makes of ``policy``, or made of it before."""
        if policy in self._known:
            return self._known[policy]
        under_way = self._under_way.get(policy)
        if under_way is None:
            under_way = asyncio.ensure_future(asyncio.to_thread(work))
            self._under_way[policy] = under_way
        try:
            # Who gives up does not end it for the others.
            self._known[policy] = await asyncio.shield(under_way)
        finally:
            if under_way.done():
                self._under_way.pop(policy, None)
        return self._known[policy]
