"""A clock that stands still until a test moves it."""

import asyncio
import time

from app.auth.clock import Clock


class TestClock:
    """``clock`` is what the code under test gets. ``advance`` moves it, and wakes who slept long enough."""

    __test__ = False

    def __init__(self) -> None:
        self.elapsed = 0.0
        self._began = float(int(time.time()))
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []
        self.clock = Clock(self.now, lambda: self.elapsed, self._sleep)

    def now(self) -> float:
        """Seconds since 1970."""
        return self._began + self.elapsed

    def advance(self, seconds: float) -> None:
        """Lets ``seconds`` pass."""
        self.elapsed += seconds
        awake = [sleeper for sleeper in self._sleepers if sleeper[0] <= self.elapsed]
        self._sleepers = [sleeper for sleeper in self._sleepers if sleeper not in awake]
        for _, future in awake:
            if not future.done():
                future.set_result(None)

    async def _sleep(self, seconds: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.elapsed + seconds, future))
        await future

    @property
    def sleepers(self) -> int:
        """How many wait for time to pass."""
        return sum(not future.done() for _, future in self._sleepers)
