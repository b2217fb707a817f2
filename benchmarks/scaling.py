"""``python -m benchmarks.scaling [--small]``: what one more replica, rule or publication costs, and what follows for many.

Everything measured is processor time or memory of this machine, of the service's own code on a real PostgreSQL; the rest is
arithmetic, and says so. Figures go to benchmarks/scaling.json, and both tables into docs/scaling.md.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import peers, workload
from benchmarks.scaling_tables import CONNECTIONS, Measured, written_into
from rbac.linting.lint import as_served
from rbac.policy_tests.run import hold
from rbac.reloading.judging import judged, lint_gate, parsed
from rbac.stores import Snapshot
from rbac.stores.file import FileStore
from rbac.stores.postgres.replicas import Running
from rbac.stores.postgres.revocations import PostgresRevocations
from rbac.stores.postgres.session import Session
from rbac.stores.postgres.store import PostgresStore
from rbac.stores.postgres.versions import Versions
from tests.support.issuer import Issuer
from tests.support.postgres import PUBLISHER, SERVICE, Database, cluster
from tests.support.service import serving
from tests.support.waiting import until

FIGURES = peers.HERE / "scaling.json"
PAGE = peers.ROOT / "docs" / "scaling.md"


@dataclass(frozen=True)
class Effort:
    """So many ``followers`` on one database for ``seconds``, that many ``publications``; swaps of documents of ``sizes``."""

    followers: int = 20
    seconds: float = 60.0
    publications: int = 20
    sizes: tuple[int, ...] = (1_000, 10_000, 100_000, 1_000_000)


SMALL = Effort(followers=8, seconds=6.0, publications=3, sizes=(1_000,))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, and writes both files anew."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    parser.add_argument(
        "--small", action="store_true", help="little of everything, and nothing is written: does it work?"
    )
    chosen = parser.parse_args(arguments)
    found = measured(SMALL if chosen.small else Effort())
    if chosen.small:
        print(written_into(PAGE.read_text(encoding="utf-8"), found))
        return 0
    FIGURES.write_text(json.dumps(asdict(found), indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(written_into(PAGE.read_text(encoding="utf-8"), found), encoding="utf-8")
    return 0


def measured(effort: Effort) -> Measured:
    """Everything that the tables need."""
    shipped = FileStore(
        peers.ROOT / "model.conf", peers.ROOT / "policy.csv", peers.ROOT / "policy_tests"
    ).read()
    with tempfile.TemporaryDirectory(prefix="scaling-") as scratch:
        swaps, sizes = {}, {}
        for rules, snapshot in [
            (0, shipped),
            *((size, _large(size, Path(scratch))) for size in effort.sizes),
        ]:
            swaps[rules], sizes[rules] = _swap_seconds(snapshot), len(snapshot.policy)
            print(f"a swap of {rules or 'the shipped'} rules: {swaps[rules]:.3f} s", file=sys.stderr)
        parent, worker = _service_memory(Path(scratch))
        with cluster() as made:
            database = made.database().migrated()
            follower, look, publication = asyncio.run(_followed(database, shipped, effort))
    return Measured(
        taken=f"{time.strftime('%Y-%m-%d', time.gmtime())}, load {os.getloadavg()[0]:.1f} of {os.cpu_count()} cores",
        swap_s={str(rules): round(seconds, 4) for rules, seconds in swaps.items()},
        document_bytes={str(rules): size for rules, size in sizes.items()},
        parent_mib=round(parent, 1),
        worker_mib=round(worker, 1),
        follower_mib=round(follower, 2),
        look_us=round(look * 1e6),
        publication_us=round(publication * 1e6),
    )


def _large(rules: int, scratch: Path) -> Snapshot:
    file = scratch / f"{rules}.csv"
    workload.write_policy(rules, file)
    return Snapshot(workload.MODEL.read_bytes(), file.read_bytes())


def _swap_seconds(snapshot: Snapshot) -> float:
    """Processor seconds that a worker spends on a document before it decides by it: read, compiled, linted, tested."""
    begin = time.process_time()
    policy = parsed(snapshot, None)
    judged(
        policy,
        snapshot,
        _lint,
        None if not snapshot.tests else lambda read, held: hold(read, held.tests, place="tests"),
    )
    return time.process_time() - begin


def _lint(policy: Any, snapshot: Snapshot) -> Any:
    return as_served(lint_gate(policy, snapshot))


def _service_memory(scratch: Path) -> tuple[float, float]:
    """MiB of the parent, and of each of two workers, that nobody else has: proportional shares of what is shared."""
    with (
        Issuer() as issuer,
        serving(issuer, scratch, WORKERS="2", DECISION_LOG="off", LOG_LEVEL="ERROR") as service,
    ):
        workers = _children(service.process.pid)
        shares = [_proportional_mib(pid) for pid in workers]
        return _proportional_mib(service.process.pid), max(shares)


def _children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _proportional_mib(pid: int) -> float:
    return _rollup(pid, "Pss")


def _rollup(pid: int, *names: str) -> float:
    lines = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    )
    return sum(int(lines[name].split()[0]) for name in names) / 1024


def _cpu_s(pids: Sequence[int]) -> float:
    """Processor seconds that these processes have had, to the nanosecond: ticks are too coarse for looks."""
    return sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in pids) / 1e9


async def _followed(database: Database, shipped: Snapshot, effort: Effort) -> tuple[float, float, float]:
    """Of the database, for one worker: MiB of memory, processor seconds of a look (at the document and at who was sent away,
    reports among them), and of one publication besides."""
    publisher = Session(database.address(PUBLISHER))
    versions = Versions(publisher, "policy")
    versions.publish(shipped, based_on=0, reason="scaling")
    followers = [_Follower(database) for _ in range(effort.followers)]
    tasks = [asyncio.create_task(each.follow()) for each in followers]
    await _all_run(followers, 1)
    asked = database.execute("SELECT pid FROM pg_stat_activity WHERE usename = 'gatekeeper'")
    backends = [int(str(pid)) for (pid,) in asked]
    wanted = effort.followers * CONNECTIONS
    assert len(backends) == wanted, f"{len(backends)} backends, and not {wanted}"
    begin, looks = _cpu_s(backends), sum(each.looks for each in followers)
    await asyncio.sleep(effort.seconds)
    looks = sum(each.looks for each in followers) - looks
    look = (_cpu_s(backends) - begin) / looks
    begin, since = _cpu_s(backends), time.monotonic()
    for number in range(2, effort.publications + 2):
        text = shipped.policy + f"# {number}\n".encode()
        content = Snapshot(shipped.model, text, shipped.tests)
        await asyncio.to_thread(versions.publish, content, based_on=number - 1, reason="scaling")
        await _all_run(followers, number)
    idle = look * effort.followers * (time.monotonic() - since) / 4.25  # looks that came anyway
    spent = max(0.0, _cpu_s(backends) - begin - idle)
    memory = sum(_rollup(pid, "Private_Clean", "Private_Dirty") for pid in backends) / effort.followers
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    publisher.close()
    return memory, look, spent / effort.followers / effort.publications


class _Follower:
    """What a worker does with the database, and nothing else of it: it follows the document, and who was sent away."""

    def __init__(self, database: Database) -> None:
        self.store = PostgresStore(database.address(SERVICE))
        self.store.running = lambda: Running(self.version, "0" * 12)
        self.revocations = PostgresRevocations(database.address(SERVICE))
        self.version = 0
        look = self.store._look  # noqa: SLF001 - counted
        self.looks = 0

        def counted() -> object:
            self.looks += 1
            return look()

        self.store._look = counted  # type: ignore[method-assign, assignment]  # noqa: SLF001 - counted

    async def follow(self) -> None:
        async with asyncio.TaskGroup() as both:
            both.create_task(self._document())
            both.create_task(self._revocations())

    async def _document(self) -> None:
        async for _ in self.store.changes():
            self.version = (await asyncio.to_thread(self.store.read)).version

    async def _revocations(self) -> None:
        async for _ in self.revocations.changes():
            await asyncio.to_thread(self.revocations.read)


async def _all_run(followers: Sequence[_Follower], version: int) -> None:
    await until(lambda: all(each.version == version for each in followers))


if __name__ == "__main__":
    sys.exit(main())
