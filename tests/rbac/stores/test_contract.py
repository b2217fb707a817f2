"""What every store promises, whatever it keeps its document in: one suite that all of them pass."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Protocol

import pytest

from rbac import LivePolicy, PolicyError
from rbac.stores import Snapshot, Store
from rbac.stores.adapter import AdapterStore
from rbac.stores.file import FileStore
from tests.support.documents import MODEL
from tests.support.drop_in_adapters import Table
from tests.support.waiting import LIMIT_S, until

FIRST = Snapshot(
    MODEL, b"p, everyone, /a, GET, allow\r\n# \xe9\xff\x00\n", {"policy_tests/a.yaml": b"tests: []\n"}
)
SECOND = replace(FIRST, policy=b"p, everyone, /b, GET, allow\n", tests={})
SOUND = b"p, everyone, /a, GET, allow\n"


class Place(Protocol):
    """A store, and how somebody writes what it reads. What does not keep bytes keeps the rules that they spell."""

    keeps_bytes: bool

    @property
    def store(self) -> Store: ...

    def put(self, snapshot: Snapshot) -> None: ...


class Files:
    """Model, policy and tests in a directory."""

    keeps_bytes = True

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.store: FileStore | AdapterStore = FileStore(
            directory / "model.conf", directory / "policy.csv", directory / "policy_tests"
        )

    def put(self, snapshot: Snapshot) -> None:
        for name in snapshot.tests.keys() | {str(path) for path in self.directory.glob("policy_tests/*")}:
            file = self.directory / "policy_tests" / Path(name).name
            file.parent.mkdir(exist_ok=True)
            if name in snapshot.tests:
                file.write_bytes(snapshot.tests[name])
            else:
                file.unlink()
        (self.directory / "model.conf").write_bytes(snapshot.model)
        (self.directory / "policy.csv").write_bytes(snapshot.policy)


class Rows(Files):
    """Rules by a Casbin adapter; the model and the tests in the same directory."""

    keeps_bytes = False

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._table = Table()
        tests = directory / "policy_tests"
        self.store = self._rules = AdapterStore(directory / "model.conf", self._table, tests, poll_s=None)

    def put(self, snapshot: Snapshot) -> None:
        super().put(snapshot)
        rows = [line.split(", ") for line in spoken(snapshot.policy).decode().splitlines()]
        self._table.begin((ptype, words) for ptype, *words in rows)
        self._rules.changed()


class Memory:
    """The least that a store can be."""

    keeps_bytes = True

    def __init__(self) -> None:
        self._held: Snapshot | None = None
        self._number = 0

    @property
    def store(self) -> Store:
        return self

    def put(self, snapshot: Snapshot) -> None:
        self._held = snapshot
        self._number += 1

    def read(self) -> Snapshot:
        if self._held is None:
            raise PolicyError([])
        return self._held

    async def changes(self) -> AsyncGenerator[None, None]:
        seen = -1
        while True:
            await asyncio.sleep(0.01)
            if self._number != seen:
                seen = self._number
                yield


class Published:
    """Versions in PostgreSQL."""

    keeps_bytes = True

    def __init__(self, request: pytest.FixtureRequest) -> None:
        from rbac.stores.postgres.session import Session
        from rbac.stores.postgres.store import PostgresStore
        from rbac.stores.postgres.versions import Versions
        from tests.support.postgres import PUBLISHER, SERVICE, Database

        database: Database = request.getfixturevalue("database")
        self.store = PostgresStore(database.address(SERVICE), poll_s=60 * LIMIT_S)
        self._versions = Versions(Session(database.address(PUBLISHER)), "policy")

    def put(self, snapshot: Snapshot) -> None:
        head = self._versions.head()
        self._versions.publish(snapshot, based_on=head.number if head else 0, reason="a test")

    def close(self) -> None:
        self._versions.session.close()


@pytest.fixture(params=["files", "rows", "memory", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "postgres":
        published = Published(request)
        yield published
        published.close()
    else:
        made: dict[str, Callable[[], Place]] = {
            "files": partial(Files, tmp_path),
            "rows": partial(Rows, tmp_path),
            "memory": Memory,
        }
        yield made[request.param]()


def held(place: Place, snapshot: Snapshot) -> tuple[object, ...]:
    """What the bytes are; a store may know where they lie by names of its own."""
    policy = snapshot.policy if place.keeps_bytes else spoken(snapshot.policy)
    return snapshot.model, policy, list(snapshot.tests.values())


def spoken(policy: bytes) -> bytes:
    """The rules alone, without comments and with plain ends of lines."""
    return b"".join(line + b"\n" for line in policy.splitlines() if not line.startswith(b"#"))


def test_what_was_put_comes_back_byte_for_byte(place: Place) -> None:
    for snapshot in (FIRST, SECOND, FIRST):
        place.put(snapshot)
        assert held(place, place.store.read()) == held(place, snapshot)


def test_where_nothing_is_a_reading_is_refused(place: Place) -> None:
    with pytest.raises(PolicyError):
        place.store.read()


def test_what_did_not_change_is_read_as_equal_from_any_thread(place: Place) -> None:
    place.put(FIRST)
    read: list[Snapshot] = [place.store.read()]
    for _ in range(2):
        thread = threading.Thread(target=lambda: read.append(place.store.read()))
        thread.start()
        thread.join()
    assert read[0] == read[1] == read[2]


async def test_a_change_is_told_once_it_listens_and_after_each(place: Place) -> None:
    place.put(FIRST)
    async with contextlib.aclosing(place.store.changes()) as changes, asyncio.timeout(LIMIT_S):
        await anext(changes)
        for snapshot in (SECOND, FIRST, SECOND):
            # A store may tell too often: what counts is that it tells after the change.
            await asyncio.to_thread(place.put, snapshot)
            while held(place, await asyncio.to_thread(place.store.read)) != held(place, snapshot):
                await anext(changes)
            told = asyncio.ensure_future(anext(changes))
            await asyncio.wait({told}, timeout=0.5)
            if not told.done():
                told.cancel()
                await asyncio.wait({told})
                break


async def test_a_live_policy_follows_it(place: Place) -> None:
    place.put(replace(FIRST, policy=SOUND))
    async with LivePolicy(place.store) as live:
        assert live.policy.decide(sub="", roles=[], obj="/a", act="GET").allowed
        await asyncio.to_thread(place.put, SECOND)
        await until(lambda: live.policy.decide(sub="", roles=[], obj="/b", act="GET").allowed)
        await asyncio.to_thread(place.put, replace(FIRST, policy=SOUND))
        await until(lambda: live.policy.decide(sub="", roles=[], obj="/a", act="GET").allowed)


async def test_whoever_watches_can_stop_at_any_moment(place: Place) -> None:
    place.put(FIRST)

    async def watch() -> None:
        async with contextlib.aclosing(place.store.changes()) as changes:
            async for _ in changes:
                pass

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0.05)
    watching.cancel()
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(LIMIT_S):
            await watching
