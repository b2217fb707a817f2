"""What follows a database stops when it is told to, whatever comes in at that moment."""

import asyncio

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
