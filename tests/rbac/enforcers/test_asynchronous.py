"""What an enforcer whose adapter is waited for answers meanwhile, and to other threads."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from casbin.async_enforcer import AsyncEnforcer

from rbac import IndexedAsyncEnforcer
from rbac.engine.changes import ChangeCounter, by_steps
from tests.support.drop_in_adapters import AsyncTable
from tests.support.drop_in_steps import MODELS

ROWS = [("p", ["admin", "/x", "GET"]), ("g", ["bob", "admin"])]
BOTH = (AsyncEnforcer, IndexedAsyncEnforcer)


async def loaded(kind: Any, folder: Path) -> Any:
    model = folder / "model.conf"
    model.write_text(MODELS["roles"])
    table = AsyncTable()
    table.begin(ROWS)
    enforcer = kind(str(model), table)
    await enforcer.load_policy()
    return enforcer


CHANGES: dict[str, Callable[[Any], Any]] = {
    "add_policy": lambda e: e.add_policy("new", "/x", "GET"),
    "remove_policy": lambda e: e.remove_policy("admin", "/x", "GET"),
    "update_policy": lambda e: e.update_policy(["admin", "/x", "GET"], ["new", "/x", "GET"]),
    "add_grouping_policy": lambda e: e.add_grouping_policy("new", "admin"),
    "remove_grouping_policy": lambda e: e.remove_grouping_policy("bob", "admin"),
    "load_policy": lambda e: e.load_policy(),
    "delete_role": lambda e: e.delete_role("admin"),
}


async def seen_meanwhile(kind: Any, change: str, folder: Path) -> list[list[bool]]:
    """The answers in each round of the loop while the change is under way, and afterwards."""
    enforcer = await loaded(kind, folder)
    enforcer.enforce("bob", "/x", "GET")
    task = asyncio.ensure_future(CHANGES[change](enforcer))
    seen = []
    while not task.done():
        seen.append([enforcer.enforce(name, "/x", "GET") for name in ("bob", "new", "admin")])
        await asyncio.sleep(0)
    seen.append([enforcer.enforce(name, "/x", "GET") for name in ("bob", "new", "admin")])
    return seen


@pytest.mark.parametrize("change", CHANGES)
def test_what_shows_while_it_waits_is_what_casbin_shows(change: str, tmp_path: Path) -> None:
    stock, ours = (asyncio.run(seen_meanwhile(kind, change, tmp_path)) for kind in BOTH)
    assert stock == ours
    assert len(ours) > 2


def test_a_cancelled_change_ends_where_casbins_does(tmp_path: Path) -> None:
    async def cancelled(kind: Any) -> list[Any]:
        enforcer = await loaded(kind, tmp_path)
        enforcer.enforce("bob", "/x", "GET")
        task = asyncio.ensure_future(enforcer.remove_policy("admin", "/x", "GET"))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return [enforcer.enforce("bob", "/x", "GET"), enforcer.get_policy(), enforcer.adapter.stored()]

    assert asyncio.run(cancelled(BOTH[0])) == asyncio.run(cancelled(BOTH[1]))


def test_another_thread_never_sees_the_middle_of_a_reload(tmp_path: Path) -> None:
    """Casbin clears the role links before it makes them anew."""
    over = threading.Event()
    denied = []

    async def reloading() -> None:
        enforcer = await loaded(IndexedAsyncEnforcer, tmp_path)
        links = enforcer.get_role_manager()
        clear = links.clear

        def clear_slowly() -> None:
            clear()
            over.wait(0.01)

        links.clear = clear_slowly
        assert enforcer.enforce("bob", "/x", "GET")

        def asking() -> None:
            while not over.is_set():
                denied.append(not enforcer.enforce("bob", "/x", "GET"))

        thread = threading.Thread(target=asking)
        thread.start()
        try:
            loads = 0
            while loads < 20 or len(denied) <= 20:
                await enforcer.load_policy()
                loads += 1
                assert thread.is_alive()
        finally:
            over.set()
            await asyncio.to_thread(thread.join)

    asyncio.run(reloading())
    assert not any(denied)


def test_no_thread_waits_for_a_change_that_waits(tmp_path: Path) -> None:
    """The loop of another thread may change the policy while one waits for its adapter."""

    async def waiting() -> bool:
        enforcer = await loaded(IndexedAsyncEnforcer, tmp_path)
        release = asyncio.Event()
        add = enforcer.adapter.add_policy

        async def slowly(*arguments: Any) -> None:
            if "slow" in arguments[2]:
                await release.wait()
            await add(*arguments)

        enforcer.adapter.add_policy = slowly
        slow = asyncio.ensure_future(enforcer.add_policy("slow", "/x", "GET"))
        await asyncio.sleep(0)
        await asyncio.wait_for(
            asyncio.to_thread(lambda: asyncio.run(enforcer.add_policy("quick", "/x", "GET"))), timeout=30
        )
        quick = enforcer.enforce("quick", "/x", "GET") and not enforcer.enforce("slow", "/x", "GET")
        release.set()
        await slow
        return quick and bool(enforcer.enforce("slow", "/x", "GET"))

    assert asyncio.run(waiting())


def test_it_finds_rules_through_the_index(tmp_path: Path) -> None:
    async def looked_at() -> tuple[bool, int]:
        enforcer = await loaded(IndexedAsyncEnforcer, tmp_path)
        await enforcer.add_policies([[f"s{n}", f"/{n}", "GET"] for n in range(1000)])
        return enforcer.indexed, enforcer.candidates("s7", "/7", "GET")

    indexed, looked_at_rules = asyncio.run(looked_at())
    assert indexed
    assert looked_at_rules < 5


def test_a_coroutine_that_is_closed_is_closed_within() -> None:
    ended = []

    async def changing() -> None:
        try:
            await asyncio.sleep(0)
        finally:
            ended.append(True)

    clock = ChangeCounter()

    async def outer() -> None:
        await by_steps(clock, changing())

    running = outer()
    running.send(None)
    running.close()
    assert ended == [True]
    assert not clock.changing_elsewhere
