"""Waiting for the very thing that the next assertion rests on, on however slow a machine."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

LIMIT_S = 180.0  # only ends a test that would hang: nothing may depend on it
_LOOK_S = 0.02


def comes_true(condition: Callable[[], object]) -> bool:
    """Whether ``condition`` comes to hold, by what another thread or process does."""
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_LOOK_S)
    return True


async def until(condition: Callable[[], object]) -> None:
    """Waits for what another task or thread does; raises ``TimeoutError`` if it never comes to that."""
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("what the test waits for did not happen")
        await asyncio.sleep(0.002)


async def all_had_their_turn() -> None:
    """Lets every task do what it can do without something else happening: what is not done then waits for that."""
    for _ in range(100):
        await asyncio.sleep(0)


def written(path: Path) -> str:
    """What another thread or process has written to ``path`` so far: nothing, before it has made the file."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
