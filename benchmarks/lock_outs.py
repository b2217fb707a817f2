"""From a saved line to its being in force, with many people locked out: watched, linted against the routes, and tested."""

import asyncio
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import peers
from rbac import LivePolicy, Policy
from rbac.policy_tests.run import hold
from rbac.policy_tests.verdict import Verdict
from rbac.reloading.judging import lint_gate
from rbac.routes import KnownRoutes, load_routes
from rbac.stores import Snapshot


@dataclass(frozen=True)
class Effort:
    """How many people are locked out, and how many edits are timed for each."""

    people: tuple[int, ...] = (100, 1_000, 10_000)
    rounds: int = 5


QUICK = Effort(rounds=2)
TINY = Effort(people=(10,), rounds=1)


def run(scratch: Path, effort: Effort, say: Callable[[str], None]) -> dict[str, Any]:
    """``{people: {seconds, tests}}``: the median of the seconds from the save of one more lock-out to its decisions."""
    routes = load_routes("app.main:app")
    results: dict[str, Any] = {}
    for people in effort.people:
        directory = scratch / f"lock-outs-{people}"
        shutil.copytree(peers.ROOT / "policy_tests", directory / "policy_tests")
        shutil.copy(peers.ROOT / "model.conf", directory)
        results[str(people)] = asyncio.run(_measure(directory, people, effort.rounds, routes))
        say(f"lock-outs: {people:,}: in force after {results[str(people)]['seconds']:.2f} s")
    return results


async def _measure(directory: Path, people: int, rounds: int, routes: KnownRoutes) -> dict[str, Any]:
    policy = directory / "policy.csv"
    rules = (peers.ROOT / "policy.csv").read_text(encoding="utf-8")
    policy.write_text(rules + "".join(map(_lock_out, range(people))), encoding="utf-8")
    loop, in_force = asyncio.get_running_loop(), asyncio.Event()

    def told(_: Policy) -> None:
        loop.call_soon_threadsafe(in_force.set)

    live = LivePolicy.files(
        directory / "model.conf",
        policy,
        directory / "policy_tests",
        gate=partial(lint_gate, routes=routes),
        tests_gate=partial(_tests_gate, routes),
        on_swap=told,
    )
    seconds = []
    async with live:
        for turn in range(rounds):
            draft = policy.with_suffix(".draft")
            draft.write_text(policy.read_text(encoding="utf-8") + _lock_out(people + turn), encoding="utf-8")
            in_force.clear()
            began = time.perf_counter()
            draft.replace(policy)
            await in_force.wait()
            seconds.append(time.perf_counter() - began)
    return {"seconds": median(seconds), "tests": 0 if live.tested is None else live.tested.tests}


def _lock_out(number: int) -> str:
    """A lock-out, and the role that the person had."""
    person = f"{number:08x}-1111-4222-8333-{number:012x}"
    return f"p, {person}, /*, *, deny\ng, {person}, user\n" if number % 2 else f"p, {person}, /*, *, deny\n"


def _tests_gate(routes: KnownRoutes, policy: Policy, snapshot: Snapshot) -> Verdict:
    return hold(policy, snapshot.tests, routes)
