"""What is published stays: every version comes back as it went in, and of two publishers one is told no."""

import threading
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest

from rbac.stores import Snapshot
from rbac.stores.postgres.address import StoreError
from rbac.stores.postgres.session import Session
from rbac.stores.postgres.versions import (
    AlteredError,
    NotSetUpError,
    NoVersionError,
    OutdatedError,
    Versions,
)
from tests.support.postgres import CONSOLE, OWNER, PUBLISHER, SERVICE, Cluster, Database

SNAPSHOT = Snapshot(
    b"model \xff\x00",
    b"p, a\r\n",
    {"policy_tests/a.yaml": b"\x00tests", "b.yml": b""},
    routes=b"[]",
    version=1,
)


@pytest.fixture
def alice(database: Database) -> Iterator[Versions]:
    session = Session(database.address(PUBLISHER))
    yield Versions(session, "policy")
    session.close()


def test_a_version_comes_back_as_it_went_in(alice: Versions) -> None:
    assert alice.head() is None
    published = alice.publish(SNAPSHOT, based_on=0, reason="the first")
    assert (published.number, published.based_on, published.author) == (1, 0, PUBLISHER)
    assert published.reason == "the first"
    assert alice.content(1) == SNAPSHOT
    without = replace(SNAPSHOT, routes=None, tests={}, version=2)
    alice.publish(without, based_on=1, reason="back", restores=1)
    assert alice.content(2) == without
    assert [(each.number, each.restores) for each in alice.history()] == [(2, 1), (1, 0)]
    assert [each.number for each in alice.history(1)] == [2]
    with pytest.raises(NoVersionError, match="no version 3"):
        alice.content(3)


def test_only_a_role_that_publishes_for_others_may_say_for_whom(alice: Versions, database: Database) -> None:
    session = Session(database.address(CONSOLE))
    console = Versions(session, "policy")
    made = console.publish(SNAPSHOT, based_on=0, reason="one", requested_by="7f3c")
    assert (made.author, made.requested_by, made.signed) == (CONSOLE, "7f3c", f"{CONSOLE} for 7f3c")
    session.close()
    with pytest.raises(NotSetUpError, match="permission denied"):
        alice.publish(SNAPSHOT, based_on=1, reason="two", requested_by="7f3c")
    alone = alice.publish(SNAPSHOT, based_on=1, reason="two")
    assert (alone.author, alone.requested_by, alone.signed) == (PUBLISHER, "", PUBLISHER)
    assert [each.number for each in alice.history(before=2)] == [1]


def test_several_documents_live_in_one_database_by_name(alice: Versions) -> None:
    other = Versions(alice.session, "orders")
    alice.publish(SNAPSHOT, based_on=0, reason="one")
    other.publish(replace(SNAPSHOT, policy=b"other"), based_on=0, reason="two")
    assert other.content(1).policy == b"other"
    assert alice.content(1).policy == SNAPSHOT.policy
    with pytest.raises(StoreError, match="refuses the row"):
        Versions(alice.session, "Not A Name").publish(SNAPSHOT, based_on=0, reason="x")


@pytest.mark.parametrize("based_on", [0, 2, 7])
def test_a_version_that_is_not_based_on_the_newest_is_not_published(alice: Versions, based_on: int) -> None:
    alice.publish(SNAPSHOT, based_on=0, reason="one")
    with pytest.raises(OutdatedError, match="is not the newest: that is 1"):
        alice.publish(SNAPSHOT, based_on=based_on, reason="late")
    assert [each.number for each in alice.history()] == [1]


def test_of_two_publishers_at_once_one_wins_each_time_and_none_is_lost(database: Database) -> None:
    """200 rounds: every attempt is a version with its author's reason, or was told no."""
    won: list[str] = []
    lost: list[str] = []
    together = threading.Barrier(2)

    def race(who: str) -> None:
        session = Session(database.address(PUBLISHER))
        versions = Versions(session, "policy")
        for number in range(200):
            together.wait()
            reason = f"{who} {number}"
            try:
                versions.publish(replace(SNAPSHOT, policy=reason.encode()), based_on=number, reason=reason)
                won.append(reason)
            except OutdatedError:
                lost.append(reason)
            together.wait()
        session.close()

    threads = [threading.Thread(target=race, args=(who,)) for who in ("alice", "bob")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    session = Session(database.address(SERVICE))
    stored = Versions(session, "policy").history()
    assert [each.number for each in stored] == list(range(200, 0, -1))
    assert {each.reason for each in stored} == set(won)
    assert len(won) == len(lost) == 200
    session.close()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE sekisho.versions SET policy = 'p, everyone, /*, *, allow'",
        "UPDATE sekisho.versions SET policy = '' WHERE false",
        "DELETE FROM sekisho.versions",
        "TRUNCATE sekisho.versions CASCADE",
        "INSERT INTO sekisho.versions SELECT * FROM sekisho.versions ON CONFLICT (name, version) DO UPDATE SET reason = 'x'",
    ],
)
@pytest.mark.parametrize("role", [OWNER, "postgres"])
def test_the_rows_refuse_every_change_also_by_their_owner(
    alice: Versions, database: Database, change: str, role: str
) -> None:
    alice.publish(SNAPSHOT, based_on=0, reason="one")
    with pytest.raises(psycopg.errors.RestrictViolation, match="only grows"):
        database.execute(change, role)
    with pytest.raises(psycopg.errors.RestrictViolation, match="only grows"):
        database.execute(f"SET session_replication_role = replica; {change}", "postgres")
    assert alice.content(1) == SNAPSHOT


def test_the_author_is_who_signed_in_whatever_the_row_says(alice: Versions, database: Database) -> None:
    alice.publish(SNAPSHOT, based_on=0, reason="one")
    columns = "name, version, based_on, restores, revision, digest, author, reason, published_at, model, policy, routes, model_name, policy_name, tests_name, test_names, test_contents"
    forged = columns.replace("version, based_on", "version + 1, version").replace("author", "'mallory'")
    copy = f"INSERT INTO sekisho.versions ({columns}) SELECT {forged} FROM sekisho.versions"
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        database.execute(copy, PUBLISHER)
    database.execute(copy, OWNER)
    assert alice.version(2).author == OWNER


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        (SERVICE, "INSERT INTO sekisho.versions (name) VALUES ('x')"),
        (SERVICE, "UPDATE sekisho.versions SET reason = 'x'"),
        (SERVICE, "DELETE FROM sekisho.versions"),
        (SERVICE, "TRUNCATE sekisho.versions"),
        (SERVICE, "TRUNCATE sekisho.replicas"),
        (SERVICE, "ALTER TABLE sekisho.versions DISABLE TRIGGER ALL"),
        (SERVICE, "CREATE TABLE sekisho.mine ()"),
        (SERVICE, "DELETE FROM sekisho.migrations"),
        (PUBLISHER, "UPDATE sekisho.versions SET reason = 'x'"),
        (PUBLISHER, "DELETE FROM sekisho.versions"),
        (PUBLISHER, "TRUNCATE sekisho.versions"),
        (PUBLISHER, "DROP TABLE sekisho.versions"),
        (PUBLISHER, "ALTER TABLE sekisho.versions DISABLE TRIGGER only_grows"),
        (PUBLISHER, "INSERT INTO sekisho.replicas (name) VALUES ('x')"),
        (PUBLISHER, "DELETE FROM sekisho.replicas"),
        (
            PUBLISHER,
            "CREATE OR REPLACE FUNCTION sekisho.refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        ),
        (PUBLISHER, "INSERT INTO sekisho.migrations (number, name, digest) VALUES (99, 'x', 'x')"),
    ],
)
def test_a_role_may_do_what_its_task_takes_and_no_more(database: Database, role: str, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        database.execute(statement, role)


def test_the_service_reads_and_cannot_publish(alice: Versions, database: Database) -> None:
    alice.publish(SNAPSHOT, based_on=0, reason="one")
    session = Session(database.address(SERVICE))
    service = Versions(session, "policy")
    assert service.content(1) == SNAPSHOT
    with pytest.raises(NotSetUpError, match="permission denied"):
        service.publish(SNAPSHOT, based_on=1, reason="mine")
    session.close()


def test_a_row_that_a_superuser_changed_all_the_same_is_refused(alice: Versions, database: Database) -> None:
    alice.publish(SNAPSHOT, based_on=0, reason="one")
    for column, value in (
        ("policy", "'p, everyone, /*, *, allow'"),
        ("routes", "NULL"),
        ("test_names", "'{a,b}'"),
    ):
        database.execute(
            "ALTER TABLE sekisho.versions DISABLE TRIGGER only_grows;"
            f"UPDATE sekisho.versions SET {column} = {value};"
            "ALTER TABLE sekisho.versions ENABLE ALWAYS TRIGGER only_grows"
        )
        with pytest.raises(AlteredError, match="not what was published"):
            alice.content(1)


def test_where_nothing_is_set_up_it_says_how(postgres: Cluster) -> None:
    session = Session(postgres.database().address(SERVICE))
    with pytest.raises(NotSetUpError, match="rbac migrate"):
        Versions(session, "policy").head()
    session.close()
