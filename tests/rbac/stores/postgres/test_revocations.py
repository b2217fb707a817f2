"""Revocations that replicas share: in force at once, only ever more, read as they were written, and never failing open."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rbac import PolicyError
from rbac.revocations.live import LiveRevocations
from rbac.revocations.reading import read_revocations
from rbac.revocations.row import KINDS, Kind, Revocation
from rbac.stores.cache import DocumentCache
from rbac.stores.postgres.address import StoreError
from rbac.stores.postgres.revocations import (
    Mark,
    PostgresRevocations,
    RevocationDesk,
    RevocationEntry,
    in_force,
    mark_of,
)
from rbac.stores.postgres.session import Session
from tests.support.forwarding import Forwarder, forwarder
from tests.support.growth import lines_run
from tests.support.postgres import OWNER, PUBLISHER, REVOKER, SERVICE, Cluster, Database
from tests.support.waiting import until

NOW = 1_700_000_000
DAY = 86_400
NOTHING = Mark(0, b"")
OLD = {"iat": NOW}
# What a superuser does who means harm, or an owner who meant well.
BEHIND_ITS_BACK = (
    "ALTER TABLE sekisho.revocations DISABLE TRIGGER ALL; {change};"
    "ALTER TABLE sekisho.revocations ENABLE ALWAYS TRIGGER only_grows, ENABLE ALWAYS TRIGGER sign, ENABLE TRIGGER tell"
)


def row(value: str, before: int = NOW, kind: Kind = "sub") -> Revocation:
    return Revocation(kind, "*" if kind == "everyone" else value, before, "left")


def revoke(
    database: Database, *rows: Revocation, role: str = REVOKER, name: str = "policy"
) -> list[RevocationEntry]:
    session = Session(database.address(role))
    try:
        return RevocationDesk(session, name).add(rows)
    finally:
        session.close()


def behind_its_back(database: Database, change: str) -> None:
    database.execute(BEHIND_ITS_BACK.format(change=change))


def read(database: Database, known: Mark = NOTHING) -> list[tuple[str, str, int, str]]:
    written = PostgresRevocations(database.address(SERVICE), known=known).read()
    return [(r.kind, r.value, r.before, r.reason) for r in read_revocations(written.content, written.name)]


def refusal(act: Callable[[], object]) -> str:
    with pytest.raises(PolicyError) as caught:
        act()
    return caught.value.problems[0].code


def trouble(live: LiveRevocations) -> str:
    return live.problems[0].code if live.problems else ""


class Replica:
    """Live revocations that follow a database through a forwarder that can be told to misbehave."""

    def __init__(self, database: Database, way: Forwarder, live: LiveRevocations) -> None:
        self.database, self.way, self.live = database, way, live

    async def revoke(self, value: str) -> None:
        await asyncio.to_thread(revoke, self.database, row(value))

    def away(self, *values: str) -> bool:
        return all(self.live.table.meets(value, OLD) for value in values)

    async def keeps(self, code: str, *values: str) -> None:
        """Comes to say ``code``, and has these away until then and after."""
        seen: list[bool] = []

        def says() -> bool:
            seen.append(self.away(*values))
            return trouble(self.live) == code

        await until(says)
        assert all(seen)
        assert self.away(*values)


@pytest.fixture
async def replica(database: Database) -> AsyncIterator[Replica]:
    revoke(database, row("bob"))
    with forwarder(database.cluster.port) as way:
        store = PostgresRevocations(database.address(SERVICE, port=way.port), poll_s=30)
        async with LiveRevocations(store) as live:
            yield Replica(database, way, live)


def test_rows_are_read_as_they_were_added(database: Database) -> None:
    assert read(database) == []
    added = revoke(database, row("bob"), row("", NOW + 1, "everyone"), row("c1", NOW + 2, "client"))
    assert [(entry.number, entry.revoked_by) for entry in added] == [(1, REVOKER), (2, REVOKER), (3, REVOKER)]
    assert read(database) == [
        ("sub", "bob", NOW, "left"),
        ("everyone", "*", NOW + 1, "left"),
        ("client", "c1", NOW + 2, "left"),
    ]
    revoke(database, row("ann"), name="orders")
    assert len(read(database)) == 3, "those of another document are its own"


def test_now_is_by_the_clock_of_the_database(database: Database) -> None:
    session = Session(database.address(REVOKER))
    entry = RevocationDesk(session, "policy").add([row("bob", 0)], now=True)[0]
    session.close()
    assert entry.before == int(entry.revoked_at.timestamp())


async def test_a_row_is_in_force_at_once_and_a_lost_notification_only_makes_it_late(
    database: Database,
) -> None:
    """With a look every half minute it is the notification that tells."""
    async with LiveRevocations(PostgresRevocations(database.address(SERVICE), poll_s=30)) as live:
        await asyncio.sleep(0.2)
        start = time.monotonic()
        await asyncio.to_thread(revoke, database, row("bob"))
        await until(lambda: live.table.meets("bob", OLD))
        assert time.monotonic() - start < 25
    async with LiveRevocations(PostgresRevocations(database.address(SERVICE), poll_s=0.2)) as live:
        lost = "ALTER TABLE sekisho.revocations DISABLE TRIGGER tell"
        await asyncio.to_thread(database.execute, lost)
        await asyncio.to_thread(revoke, database, row("ann"))
        await until(lambda: live.table.meets("ann", OLD))


def test_of_many_who_revoke_at_once_every_row_is_there_and_none_is_overtaken(database: Database) -> None:
    """A reader who goes on from the last number it saw would miss a row that is committed behind a later one."""
    store = PostgresRevocations(database.address(SERVICE))
    with ThreadPoolExecutor(8) as pool:
        adding = [pool.submit(revoke, database, row(f"p{n}"), row(f"q{n}")) for n in range(24)]
        while not all(one.done() for one in adding):
            store.read()
    values = {f"{letter}{n}" for letter in "pq" for n in range(24)}
    content = store.read().content
    assert {r.value for r in read_revocations(content, "x")} == values
    assert mark_of(content).number == 48
    assert content == PostgresRevocations(database.address(SERVICE)).read().content


@pytest.mark.parametrize("role", [OWNER, "postgres"])
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE sekisho.revocations SET before = 0",
        "UPDATE sekisho.revocations SET before = 0 WHERE false",
        "DELETE FROM sekisho.revocations",
        "TRUNCATE sekisho.revocations",
        "INSERT INTO sekisho.revocations SELECT * FROM sekisho.revocations ON CONFLICT (name, number) DO UPDATE SET before = 0",
        "SET session_replication_role = replica; DELETE FROM sekisho.revocations",
    ],
)
def test_nobody_takes_a_row_back(database: Database, role: str, change: str) -> None:
    revoke(database, row("bob"))
    with pytest.raises(psycopg.Error):
        database.execute(change, role)
    assert read(database) == [("sub", "bob", NOW, "left")]


@pytest.mark.parametrize(
    ("role", "query"),
    [
        (SERVICE, "INSERT INTO sekisho.revocations (name, kind, value, before, reason) VALUES ('policy', 'sub', 'x', 1, 'x')"),
        (PUBLISHER, "INSERT INTO sekisho.revocations (name, kind, value, before, reason) VALUES ('policy', 'sub', 'x', 1, 'x')"),
        *(
            (role, query)
            for role in (SERVICE, PUBLISHER, REVOKER)
            for query in (
                "UPDATE sekisho.revocations SET reason = 'x'",
                "DELETE FROM sekisho.revocations",
                "TRUNCATE sekisho.revocations",
                "ALTER TABLE sekisho.revocations DISABLE TRIGGER only_grows",
                "DROP TABLE sekisho.revocations",
            )
        ),
        (REVOKER, "INSERT INTO sekisho.revocations (name, kind, value, before, reason, revoked_by) VALUES ('policy', 'sub', 'x', 1, 'x', 'y')"),
        (REVOKER, "INSERT INTO sekisho.revocations (name, number, kind, value, before, reason) VALUES ('policy', 9, 'sub', 'x', 1, 'x')"),
        (REVOKER, "SELECT policy FROM sekisho.versions"),
        (REVOKER, "SELECT * FROM sekisho.replicas"),
    ],
)  # fmt: skip
def test_a_role_does_what_its_task_takes_and_no_more(database: Database, role: str, query: str) -> None:
    revoke(database, row("bob"))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        database.execute(query, role)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE sekisho.revocations SET before = 1 WHERE number = 2",
        "UPDATE sekisho.revocations SET value = 'eve' WHERE number = 2",
        "UPDATE sekisho.revocations SET revoked_by = 'eve' WHERE number = 2",
        "DELETE FROM sekisho.revocations WHERE number = 2",
        "UPDATE sekisho.revocations SET number = number + 10 WHERE number > 1",
    ],
)
async def test_rows_that_were_changed_behind_its_back_are_not_believed(
    database: Database, change: str, tmp_path: Path
) -> None:
    """A replica that starts refuses them, or starts on what it kept; one that runs keeps what it has."""
    revoke(database, row("bob"), row("ann"), row("eve"))
    cache = DocumentCache(tmp_path / "kept")
    LiveRevocations(PostgresRevocations(database.address(SERVICE)), cache=cache).load()
    async with LiveRevocations(PostgresRevocations(database.address(SERVICE), poll_s=0.2)) as running:
        await asyncio.to_thread(behind_its_back, database, change)
        await asyncio.to_thread(revoke, database, row("late"))
        assert refusal(lambda: read(database)) == "store-altered"
        started = LiveRevocations(PostgresRevocations(database.address(SERVICE)), cache=cache)
        started.load(or_last_good=True)
        assert started.last_good
        assert all(
            each.table.meets(name, OLD) for each in (running, started) for name in ("bob", "ann", "eve")
        )


def test_rows_that_are_gone_at_the_end_are_missed_by_whoever_knew_them(database: Database) -> None:
    """A failover to a copy that is behind, or an old backup: those in force stay, and nobody comes back."""
    revoke(database, row("bob"), row("ann"))
    known = mark_of(PostgresRevocations(database.address(SERVICE)).read().content)
    assert known.number == 2
    behind_its_back(database, "DELETE FROM sekisho.revocations WHERE number = 2")
    assert refusal(lambda: read(database, known)) == "store-behind"
    revoke(database, row("eve"))
    assert refusal(lambda: read(database, known)) == "store-forked"
    revoke(database, row("dan"))
    assert refusal(lambda: read(database, known)) == "store-forked"


@pytest.mark.parametrize("fault", ["silent", "cut", "refusing"])
async def test_whatever_the_network_does_those_in_force_stay_and_the_next_come(
    replica: Replica, fault: str
) -> None:
    replica.way.do(fault)
    await replica.revoke("ann")
    await replica.keeps("store-unreachable", "bob")
    replica.way.do("forward")
    await until(lambda: replica.away("bob", "ann") and not trouble(replica.live))


async def test_a_database_that_was_killed_and_came_back_is_caught_up_with(
    replica: Replica, postgres: Cluster
) -> None:
    await asyncio.to_thread(postgres.kill)
    await replica.keeps("store-unreachable", "bob")
    await asyncio.to_thread(postgres.start)
    await replica.revoke("ann")
    await until(lambda: replica.away("bob", "ann") and not trouble(replica.live))


def test_a_start_without_the_database_goes_by_what_was_kept_and_never_by_nobody(
    database: Database, tmp_path: Path
) -> None:
    revoke(database, row("bob"))
    cache = DocumentCache(tmp_path / "kept")
    LiveRevocations(PostgresRevocations(database.address(SERVICE)), cache=cache).load()
    with forwarder(database.cluster.port) as way:
        way.do("refusing")
        away = PostgresRevocations(database.address(SERVICE, port=way.port))
        started = LiveRevocations(away, cache=cache)
        started.load(or_last_good=True)
        assert started.table.meets("bob", OLD)
        alone = LiveRevocations(away, cache=DocumentCache(tmp_path / "none"))
        assert refusal(lambda: alone.load(or_last_good=True)) == "store-unreachable"


def test_without_the_table_or_the_right_it_is_said_what_to_do(postgres: Cluster) -> None:
    bare = postgres.database()
    assert refusal(lambda: read(bare)) == "store-not-set-up"
    database = postgres.database().migrated()
    database.execute(f"REVOKE SELECT ON sekisho.revocations FROM {SERVICE}")
    assert refusal(lambda: read(database)) == "store-not-set-up"


def test_rows_that_are_over_are_kept_and_not_in_force_and_later_ones_are_meant(database: Database) -> None:
    revoke(database, row("bob", NOW - 2), row("ann", NOW + 1))
    session = Session(database.address(REVOKER))
    desk = RevocationDesk(session, "policy")
    desk.over(NOW, "old")
    assert read(database) == [("sub", "ann", NOW + 1, "left")]
    desk.add([row("eve", NOW - 1)])
    assert [value for _, value, *_ in read(database)] == ["ann", "eve"]
    assert [entry.value for entry in in_force(desk.all())] == ["ann", "eve"]
    assert [entry.kind for entry in desk.all()] == ["sub", "sub", "over", "sub"]
    with pytest.raises(StoreError, match="refuses the row"):
        desk.over(int(time.time()) - DAY + 60, "too young")
    session.close()


# What a hand at a SQL prompt may try, and what a token's claims may be.
_TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


def test_no_row_that_the_table_takes_keeps_the_others_from_being_read(database: Database) -> None:
    """What is accepted is read as it was written; so no one row, which nobody can delete, blinds every replica for ever."""
    session = Session(database.address(REVOKER))
    desk = RevocationDesk(session, "policy")

    @settings(max_examples=150)
    @given(kind=st.sampled_from(KINDS), value=_TEXTS, reason=_TEXTS)
    @example(kind="sub", value="a,b", reason="x")
    @example(kind="sub", value="a\nb", reason="x")
    @example(kind="sub", value="*", reason="x")
    @example(kind="everyone", value="bob", reason="x")
    @example(kind="sub", value="é関所", reason="left, at last # really")
    @example(kind="sub", value="a", reason="x\u2028sub, b, 2026-01-01T00:00:00Z, y")
    @example(kind="sub", value="a", reason="x\u0085")
    @example(kind="sub", value="a", reason="\u3000")
    @example(kind="sub", value="\u00a0a", reason="x")
    @example(kind="sub", value="\u00ad", reason="x")
    @example(kind="sub", value="x" * 257, reason="x")
    def add(kind: Kind, value: str, reason: str) -> None:
        try:
            desk.add([Revocation(kind, value, NOW, reason)])
        except StoreError as error:
            assert "refuses the row" in str(error)  # noqa: PT017 - whatever is not refused is read below
        else:
            assert read(database)[-1] == (kind, value, NOW, reason)

    try:
        add()
        assert {("sub", "é関所", NOW, "left, at last # really")} <= set(read(database))
    finally:
        session.close()


def test_a_hundred_thousand_are_added_and_read_in_one_go(database: Database) -> None:
    rows: Sequence[Revocation] = [row(f"person-{n}", NOW + n) for n in range(20_000)]
    revoke(database, *rows)
    store = PostgresRevocations(database.address(SERVICE))
    store.read()
    revoke(database, row("late"))
    read: list[bytes] = []
    again = lines_run(lambda: read.append(store.read().content))
    assert read[0].count(b"\n") == len(rows) + 2
    other = PostgresRevocations(database.address(SERVICE))
    anew = lines_run(lambda: read.append(other.read().content))
    assert read[0] == read[1]
    assert again < anew / 5, "one more is read without the others"
