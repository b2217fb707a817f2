"""A clock that stands still until a test moves it."""

import asyncio
import time

from rbac.guard.identity.clock import Clock
from tests.support.waiting import until


class TestClock:
    """``clock`` is what the code under test gets. ``passes`` moves it, and wakes who slept long enough.

    Who is awake while time passes reckons its next sleep from afterwards, and sleeps through what was meant to wake it.
    So time passes only while all who live by this clock sleep: ``passes`` waits for that, and ``advance`` refuses.
    """

    __test__ = False

    def __init__(self) -> None:
        self.elapsed = 0.0
        self._began = float(int(time.time()))
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []
        self._living: set[asyncio.Task[object]] = set()
        self.clock = Clock(self.now, lambda: self.elapsed, self._sleep)

    def now(self) -> float:
        """Seconds since 1970."""
        return self._began + self.elapsed

    async def passes(self, seconds: float) -> None:
        """Lets ``seconds`` pass, once all who live by this clock sleep."""
        await until(lambda: not self._awake)
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Lets ``seconds`` pass now. Raises ``RuntimeError`` if somebody who lives by this clock is awake."""
        if self._awake:
            raise RuntimeError("time would pass unseen by who is awake: await passes()")
        self.elapsed += seconds
        awake = [sleeper for sleeper in self._sleepers if sleeper[0] <= self.elapsed]
        self._sleepers = [sleeper for sleeper in self._sleepers if sleeper not in awake]
        for _, future in awake:
            if not future.done():
                future.set_result(None)

    async def _sleep(self, seconds: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.elapsed + seconds, future))
        task = asyncio.current_task()
        assert task is not None
        self._living.add(task)
        await future

    @property
    def sleepers(self) -> int:
        """How many wait for time to pass."""
        return sum(not future.done() for _, future in self._sleepers)

    @property
    def _awake(self) -> bool:
        living = sum(not task.done() for task in self._living)
        return living > self.sleepers
