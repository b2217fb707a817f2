"""Whatever happens to the database, a replica decides by its last good document, says so, and heals without help."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from rbac import LivePolicy, PolicyError
from rbac.stores import Snapshot
from rbac.stores.cache import DocumentCache
from rbac.stores.postgres.replicas import Running
from rbac.stores.postgres.session import Session
from rbac.stores.postgres.store import PostgresStore
from rbac.stores.postgres.versions import Versions
from tests.support.documents import MODEL
from tests.support.forwarding import Forwarder, forwarder
from tests.support.postgres import OWNER, PASSWORD, PUBLISHER, SERVICE, Cluster, Database
from tests.support.waiting import until

KEEP = (
    "ALTER TABLE sekisho.versions DISABLE TRIGGER only_grows; {change};"
    "ALTER TABLE sekisho.versions ENABLE ALWAYS TRIGGER only_grows"
)


def document(number: int) -> Snapshot:
    """Opens `/vN` alone."""
    return Snapshot(MODEL, f"p, everyone, /v{number}, GET, allow\n".encode())


def publish(database: Database, number: int, content: Snapshot | None = None) -> None:
    session = Session(database.address(PUBLISHER))
    Versions(session, "policy").publish(content or document(number), based_on=number - 1, reason="a test")
    session.close()


def opens(live: LivePolicy, number: int) -> bool:
    """Whether the live document is version ``number``, and no other."""
    open_now = [
        n for n in range(1, 9) if live.policy.decide(sub="", roles=[], obj=f"/v{n}", act="GET").allowed
    ]
    return open_now == [number] and live.version == number


def reports(database: Database) -> list[tuple[object, ...]]:
    """The rows in which replicas say what they run."""
    return database.execute("SELECT replica FROM sekisho.replicas")


def trouble(live: LivePolicy) -> str:
    return live.problems[0].code if live.problems else ""


class Replica:
    """A live policy that follows a database through a forwarder that can be told to misbehave."""

    def __init__(self, database: Database, way: Forwarder, live: LivePolicy) -> None:
        self.database = database
        self.way = way
        self.live = live

    async def decides_by(self, number: int) -> None:
        await until(lambda: opens(self.live, number) and not trouble(self.live))

    async def keeps(self, number: int, code: str) -> None:
        """Comes to say ``code``, and decides by ``number`` until then and after."""
        seen: list[bool] = []

        def says() -> bool:
            seen.append(opens(self.live, number))
            return trouble(self.live) == code

        await until(says)
        await asyncio.sleep(0.3)
        assert all(seen)
        assert opens(self.live, number)

    async def run(self, action: Callable[[], object]) -> None:
        await asyncio.to_thread(action)


@pytest.fixture
async def replica(database: Database) -> AsyncIterator[Replica]:
    publish(database, 1)
    with forwarder(database.cluster.port) as way:
        store = PostgresStore(database.address(SERVICE, port=way.port), poll_s=2)
        async with LivePolicy(store) as live:
            yield Replica(database, way, live)


async def test_a_database_that_was_killed_and_came_back_is_caught_up_with_first(
    replica: Replica, postgres: Cluster
) -> None:
    await replica.run(postgres.kill)
    await replica.keeps(1, "store-unreachable")
    await replica.run(postgres.start)
    publish(replica.database, 2)
    await replica.decides_by(2)


async def test_a_database_that_is_frozen_is_waited_for_and_holds_up_nobody(
    replica: Replica, postgres: Cluster
) -> None:
    with postgres.frozen():
        await replica.keeps(1, "store-unreachable")
    await replica.run(lambda: publish(replica.database, 2))
    await replica.decides_by(2)


@pytest.mark.parametrize("fault", ["silent", "cut", "refusing", "slow"])
async def test_whatever_the_network_does_the_last_good_document_decides(replica: Replica, fault: str) -> None:
    """Half-open: nothing comes through and nothing is closed. Slow: each piece takes longer than an answer may."""
    replica.way.do(fault)
    await replica.run(lambda: publish(replica.database, 2))
    await replica.keeps(1, "store-unreachable")
    replica.way.do("forward")
    await replica.decides_by(2)


async def test_an_answer_that_breaks_off_in_the_middle_is_no_document(replica: Replica) -> None:
    big = replace(document(2), tests={"policy_tests/big.yaml": b"#" * 3_000_000})
    replica.way.cut_after(200_000)
    await replica.run(lambda: publish(replica.database, 2, big))
    await replica.keeps(1, "store-unreachable")
    replica.way.do("forward")
    await replica.decides_by(2)


async def test_a_notification_that_is_lost_costs_a_poll(replica: Replica) -> None:
    replica.database.execute("ALTER TABLE sekisho.versions DISABLE TRIGGER tell", OWNER)
    await replica.run(lambda: publish(replica.database, 2))
    await replica.decides_by(2)


async def test_a_publication_that_never_committed_is_none(replica: Replica) -> None:
    columns = "name, version, based_on, revision, digest, author, reason, published_at, model, policy, model_name, policy_name, tests_name, test_names, test_contents"
    chosen = columns.replace("version, based_on", "version + 1, version")
    with psycopg.connect(replica.database.url(OWNER), password=PASSWORD) as connection:
        connection.execute(
            f"INSERT INTO sekisho.versions ({columns}) SELECT {chosen} FROM sekisho.versions".encode()
        )
        await asyncio.sleep(0.2)
        connection.rollback()
    await asyncio.sleep(2.5)
    assert opens(replica.live, 1)
    publish(replica.database, 2)
    await replica.decides_by(2)


async def test_a_row_that_was_changed_is_refused_until_a_version_is_published(replica: Replica) -> None:
    change = "UPDATE sekisho.versions SET policy = 'p, everyone, /v7, GET, allow'"
    replica.database.execute(KEEP.format(change=change))
    await replica.keeps(1, "store-altered")
    await replica.run(lambda: publish(replica.database, 2))
    await replica.decides_by(2)


async def test_a_row_whose_digest_was_changed_with_it_is_refused_where_it_was_in_force(
    replica: Replica,
) -> None:
    forged = document(7)
    change = f"UPDATE sekisho.versions SET policy = '{forged.policy.decode()}', digest = '\\x{forged.digest.hex()}'"
    replica.database.execute(KEEP.format(change=change))
    await replica.keeps(1, "store-forked")
    await replica.run(lambda: publish(replica.database, 2))
    await replica.decides_by(2)


@pytest.mark.parametrize(
    ("fault", "heal"),
    [
        ("ALTER ROLE {role} CONNECTION LIMIT 0", "ALTER ROLE {role} CONNECTION LIMIT -1"),
        ("ALTER ROLE {role} PASSWORD 'another'", "ALTER ROLE {role} PASSWORD '{password}'"),
        ("ALTER ROLE {role} NOLOGIN", "ALTER ROLE {role} LOGIN"),
    ],
    ids=["connection limit", "password", "login"],
)
async def test_a_replica_that_is_let_in_no_more_goes_on(replica: Replica, fault: str, heal: str) -> None:
    names = {"role": SERVICE, "password": PASSWORD}
    hang_up = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'"
    replica.database.execute(fault.format(**names))
    try:
        # A connection that was let in just before is not in the list of them at once.
        await until(
            lambda: replica.database.execute(hang_up.format(**names)) == [] and bool(trouble(replica.live))
        )
        await replica.keeps(1, "store-unreachable")
    finally:
        replica.database.execute(heal.format(**names))
    publish(replica.database, 2)
    await replica.decides_by(2)


async def test_a_right_that_was_taken_away_is_said_and_heals(replica: Replica) -> None:
    replica.database.execute(f"REVOKE SELECT ON sekisho.versions FROM {SERVICE}")
    await replica.keeps(1, "store-not-set-up")
    replica.database.execute(f"GRANT SELECT ON sekisho.versions TO {SERVICE}")
    publish(replica.database, 2)
    await replica.decides_by(2)


async def test_a_failover_to_a_copy_that_is_behind_never_goes_back_silently(
    replica: Replica, postgres: Cluster
) -> None:
    publish(replica.database, 2)
    publish(replica.database, 3)
    await replica.decides_by(3)
    copy = postgres.database().migrated()
    publish(copy, 1)
    publish(copy, 2)
    postgres.execute(
        f"ALTER DATABASE {replica.database.name} ALLOW_CONNECTIONS false;"
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{replica.database.name}'"
    )
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as admin:
        admin.execute(
            f"ALTER DATABASE {replica.database.name} RENAME TO old_{replica.database.name}".encode()
        )
        admin.execute(f"ALTER DATABASE {copy.name} RENAME TO {replica.database.name}".encode())
    await replica.keeps(3, "store-behind")
    # What is published there as version 3 is another one: it is refused, too, and the one after it is followed.
    publish(replica.database, 3, document(7))
    await replica.keeps(3, "store-forked")
    publish(replica.database, 4)
    await replica.decides_by(4)


def test_a_start_knows_what_was_in_force_before_it(database: Database) -> None:
    publish(database, 1)
    with pytest.raises(PolicyError, match="not going back"):
        PostgresStore(database.address(SERVICE), known=replace(document(2), version=2)).read()
    with pytest.raises(PolicyError, match="is not the version 1"):
        PostgresStore(database.address(SERVICE), known=replace(document(2), version=1)).read()
    known = replace(document(1), version=1)
    assert PostgresStore(database.address(SERVICE), known=known).read() == known


async def test_a_replica_that_starts_without_the_database_uses_the_kept_document(
    replica: Replica, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache = DocumentCache(tmp_path / "policy")
    cache.write(replace(document(1), version=1))
    replica.way.do("refusing")
    address = replica.database.address(SERVICE, port=replica.way.port)
    live = LivePolicy(PostgresStore(address, poll_s=2), cache=cache)
    live.load(or_last_good=True)
    assert live.last_good
    assert "starting on the last good one" in caplog.text
    async with live:
        replica.way.do("forward")
        await until(lambda: not live.problems and not live.last_good)
        publish(replica.database, 2)
        await until(lambda: opens(live, 2))
    assert cache.read().version == 2


async def test_a_clock_that_is_stepped_changes_nothing(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.time", lambda: 0.0)
    publish(replica.database, 2)
    await replica.decides_by(2)


async def test_a_cache_that_cannot_be_written_stops_no_swap(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    publish(database, 1)
    cache = DocumentCache(Path("/dev/full/policy"))
    async with LivePolicy(PostgresStore(database.address(SERVICE)), cache=cache) as live:
        publish(database, 2)
        await until(lambda: opens(live, 2))
    assert "cannot be kept" in caplog.text


async def test_the_event_loop_never_waits_for_whoever_waits_for_the_database(database: Database) -> None:
    """A reading that takes as long as a frozen database lets it holds up no request."""
    publish(database, 1)
    store = PostgresStore(database.address(SERVICE), poll_s=0.05)
    released, reading = threading.Event(), threading.Event()
    in_time: list[bool] = []

    def read_slowly() -> None:
        with store._session._lock:
            reading.set()
            in_time.append(released.wait(10))

    async with LivePolicy(store):
        for _ in range(20):  # wherever the watch is when it begins
            released.clear()
            reading.clear()
            thread = threading.Thread(target=read_slowly)
            thread.start()
            await until(reading.is_set)
            await asyncio.sleep(0.07)
            released.set()
            await asyncio.to_thread(thread.join)
    store._session.close()
    assert all(in_time)


async def test_who_stops_while_the_database_is_frozen_is_not_held_up(
    replica: Replica, postgres: Cluster
) -> None:
    with postgres.frozen():
        store = PostgresStore(replica.database.address(SERVICE, port=replica.way.port))
        changes = store.changes()
        async with asyncio.timeout(20):
            async with contextlib.aclosing(changes):
                await anext(changes)


async def test_a_replica_that_cannot_say_what_it_runs_is_told_so_once_and_follows_all_the_same(
    replica: Replica, caplog: pytest.LogCaptureFixture
) -> None:
    replica.database.execute(f"REVOKE ALL ON sekisho.replicas FROM {SERVICE}")
    store = PostgresStore(replica.database.address(SERVICE), poll_s=0.2)
    async with LivePolicy(store) as live:
        number = 0

        def running() -> Running:
            nonlocal number
            number += 1  # another thing each time it is asked
            return Running(number, live.policy.revision)

        store.running = running
        await until(lambda: number > 3)
        publish(replica.database, 2)
        await until(lambda: opens(live, 2))
    assert caplog.text.count("cannot be reported") == 1


@pytest.mark.parametrize("delivered", [True, False])
async def test_who_stops_in_order_takes_back_a_report_whose_answer_never_came(
    replica: Replica, delivered: bool
) -> None:
    store = PostgresStore(replica.database.address(SERVICE, port=replica.way.port), poll_s=3600)
    asked: list[float] = []

    def running() -> Running:
        asked.append(1)
        return Running(1, "a revision")

    store.running = running
    replica.way.cut_at(b"INSERT INTO sekisho.replicas", delivered=delivered)
    async with contextlib.aclosing(store.changes()) as changes:
        await anext(changes)
        following = asyncio.ensure_future(anext(changes))
        await until(lambda: asked and bool(reports(replica.database)) == delivered)
        following.cancel()
        await asyncio.wait({following})
    assert not reports(replica.database)


async def test_who_follows_again_reports_again(replica: Replica) -> None:
    store = PostgresStore(replica.database.address(SERVICE), poll_s=3600)
    store.running = lambda: Running(1, "a revision")
    for _ in range(2):
        async with contextlib.aclosing(store.changes()) as changes:
            await anext(changes)
            following = asyncio.ensure_future(anext(changes))
            await until(lambda: reports(replica.database))
            following.cancel()
            await asyncio.wait({following})
        assert not reports(replica.database)


async def test_a_role_that_may_do_more_than_read_is_told_once(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    publish(database, 1)
    for role, told in ((SERVICE, 0), (PUBLISHER, 1), (OWNER, 1)):
        caplog.clear()
        async with LivePolicy(PostgresStore(database.address(role), poll_s=0.1)):
            await asyncio.sleep(0.5)
        assert caplog.text.count("may also publish") == told
