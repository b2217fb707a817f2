"""What follows a database stops when it is told to, whatever comes in at that moment."""

import asyncio
import contextlib
import threading

import pytest

from rbac.stores.postgres.address import Address
from rbac.stores.postgres.following import Follower
from rbac.stores.postgres.session import Session
from tests.support.waiting import LIMIT_S, until


class Quiet(Follower):
    """Asks nobody, and finds the same each time."""

    def __init__(self) -> None:
        super().__init__(Session(Address.parse("postgresql://nobody@127.0.0.1:1/none")), poll_s=3600)
        self.looks = 0

    def _look(self) -> object:
        self.looks += 1
        return 1


@pytest.mark.parametrize("turns", range(8))
async def test_a_stop_that_comes_together_with_a_notification_is_not_lost(turns: int) -> None:
    follower = Quiet()

    async def follow() -> None:
        async for _ in follower.changes():
            pass

    task = asyncio.create_task(follow())
    await until(lambda: follower.looks)
    await asyncio.sleep(0.05)
    follower.tell()
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    _, running = await asyncio.wait({task}, timeout=LIMIT_S)
    assert not running


class Slow(Quiet):
    """Each look and each report goes on until somebody lets it."""

    def __init__(self, slow: str) -> None:
        super().__init__()
        self.slow, self.free, self.told = slow, threading.Event(), list[str]()

    def _look(self) -> object:
        self._tell("look")
        return super()._look()

    def _report(self) -> None:
        self._tell("report")

    def _leave(self) -> None:
        self.told.append("left")
        super()._leave()

    def _tell(self, what: str) -> None:
        self.told.append(f"begins to {what}")
        if what == self.slow:
            self.free.wait(LIMIT_S)
        self.told.append(f"ends to {what}")


@pytest.mark.parametrize("what", ["look", "report"])
async def test_who_stops_leaves_behind_what_its_thread_still_does(what: str) -> None:
    follower = Slow(what)

    async def follow() -> None:
        async with contextlib.aclosing(follower.changes()) as changes:
            async for _ in changes:
                pass

    task = asyncio.create_task(follow())
    await until(lambda: f"begins to {what}" in follower.told)
    task.cancel()
    await asyncio.sleep(0.05)
    assert follower.told[-1] == f"begins to {what}"
    follower.free.set()
    await asyncio.wait({task}, timeout=LIMIT_S)
    assert follower.told[-2:] == [f"ends to {what}", "left"]
