"""The tables are made once, by one at a time, all of them or none."""

import threading
from collections.abc import Callable

import psycopg
import pytest

from rbac import PolicyError
from rbac.revocations.row import Revocation
from rbac.stores import Snapshot
from rbac.stores.postgres import migrations
from rbac.stores.postgres.migrations import Migration, MigrationError, NewerError, migrate, pending
from rbac.stores.postgres.revocations import PostgresRevocations, RevocationDesk
from rbac.stores.postgres.session import Session
from rbac.stores.postgres.store import PostgresStore
from rbac.stores.postgres.versions import Versions
from tests.support.postgres import OWNER, PUBLISHER, REVOKER, SERVICE, Cluster, Database


def test_the_steps_are_numbered_without_a_gap() -> None:
    known = migrations.migrations()
    assert [step.number for step in known] == list(range(1, len(known) + 1))


def test_a_second_time_nothing_is_left_to_do(postgres: Cluster) -> None:
    session = Session(postgres.database().address(OWNER))
    assert [step.number for step in pending(session)] == [step.number for step in migrations.migrations()]
    assert migrate(session, service=[SERVICE]) == migrations.migrations()
    assert pending(session) == ()
    assert migrate(session, service=[SERVICE], publisher=[PUBLISHER]) == ()
    session.close()


def test_of_many_at_once_one_makes_them_and_the_others_wait(postgres: Cluster) -> None:
    database = postgres.database()
    made: list[int] = []

    def run() -> None:
        session = Session(database.address(OWNER))
        made.append(len(migrate(session, service=[SERVICE])))
        session.close()

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == [0, 0, 0, 0, 0, len(migrations.migrations())]


def test_a_step_that_fails_leaves_nothing_of_any_behind(
    postgres: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = postgres.database()
    known = migrations.migrations()
    broken = (*known, Migration(len(known) + 1, "broken", "CREATE TABLE sekisho.half (); SELECT 1/0"))
    monkeypatch.setattr(migrations, "migrations", lambda: broken)
    session = Session(database.address(OWNER))
    with pytest.raises(MigrationError, match="division by zero"):
        migrate(session)
    assert database.execute("SELECT count(*) FROM pg_namespace WHERE nspname = 'sekisho'") == [(0,)]
    monkeypatch.setattr(migrations, "migrations", lambda: known)
    assert migrate(session) == known
    session.close()


def test_tables_of_a_newer_version_and_a_step_of_other_sql_are_left_alone(
    postgres: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Session(postgres.database().address(OWNER))
    known = migrations.migrations()
    migrate(session)
    monkeypatch.setattr(migrations, "migrations", lambda: known[:-1])
    with pytest.raises(MigrationError, match="newer version"):
        migrate(session)
    edited = (*known[:-1], Migration(known[-1].number, known[-1].name, "SELECT 1"))
    monkeypatch.setattr(migrations, "migrations", lambda: edited)
    with pytest.raises(MigrationError, match="other SQL"):
        pending(session)
    session.close()


def test_a_role_is_a_name_and_never_sql(postgres: Cluster) -> None:
    database = postgres.database()
    session = Session(database.address(OWNER))
    with pytest.raises(MigrationError, match="does not exist"):
        migrate(session, service=['x"; DROP SCHEMA sekisho; --'])
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        database.execute("CREATE SCHEMA sekisho", SERVICE)
    session.close()


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        ("DROP TABLE sekisho.migrations", "`sekisho.replicas` is there and `sekisho.migrations` is not"),
        ("DELETE FROM sekisho.migrations", "`sekisho.migrations` is empty"),
        ("DELETE FROM sekisho.migrations WHERE number = 1", "has no row of step 1"),
        ("DELETE FROM sekisho.migrations WHERE number = 2", "has no row of step 2"),
        ("DELETE FROM sekisho.migrations WHERE number > 3", "already exists"),
        ("DELETE FROM sekisho.migrations WHERE number > 2", "already exists"),
        ("DELETE FROM sekisho.migrations WHERE number > 1", "already exists"),
    ],
)
def test_tables_of_which_nobody_knows_how_they_were_made_are_left_alone_with_what_to_do(
    postgres: Cluster, loss: str, said: str
) -> None:
    database = postgres.database().migrated()
    database.execute(loss)
    session = Session(database.address(OWNER))
    with pytest.raises(MigrationError, match=said) as refused:
        migrate(session)
    assert "bring `sekisho.migrations` back from a backup" in str(refused.value)
    if "already" not in said:
        with pytest.raises(MigrationError, match=said):
            pending(session)
    database.execute("ALTER SCHEMA sekisho RENAME TO sekisho_old")
    assert migrate(session) == migrations.migrations(), "what the sentence proposes helps"
    session.close()


def newer(database: Database) -> None:
    """As a release to come leaves the tables behind."""
    database.execute(
        "INSERT INTO sekisho.migrations (number, name, digest) SELECT max(number) + 1, 'x', 'x' FROM sekisho.migrations"
    )


def test_whatever_reads_or_writes_refuses_tables_that_are_newer_than_itself(postgres: Cluster) -> None:
    database = postgres.database().migrated()
    newer(database)
    row = Revocation("sub", "x", 0, "a test")
    asks: dict[str, tuple[str, Callable[[Session], object]]] = {
        "head": (SERVICE, lambda session: Versions(session, "policy").head()),
        "history": (SERVICE, lambda session: Versions(session, "policy").history()),
        "content": (PUBLISHER, lambda session: Versions(session, "policy").content(1)),
        "publish": (
            PUBLISHER,
            lambda session: Versions(session, "policy").publish(Snapshot(b"", b""), based_on=0, reason="x"),
        ),
        "revocations": (REVOKER, lambda session: RevocationDesk(session, "policy").all()),
        "revoke": (REVOKER, lambda session: RevocationDesk(session, "policy").add([row])),
    }
    for what, (role, ask) in asks.items():
        session = Session(database.address(role))
        with pytest.raises(NewerError, match="newer version"):
            ask(session)
        session.close()
        assert database.execute("SELECT count(*) FROM sekisho.versions") == [(0,)], what
    for store in (PostgresStore(database.address(SERVICE)), PostgresRevocations(database.address(SERVICE))):
        with pytest.raises(PolicyError) as refused:
            store.read()
        assert [(problem.code, bool(problem.hint)) for problem in refused.value.problems] == [
            ("store-newer", True)
        ]


def test_what_is_connected_while_the_tables_become_newer_reads_on_until_it_connects_again(
    postgres: Cluster,
) -> None:
    database = postgres.database().migrated()
    session = Session(database.address(SERVICE))
    versions = Versions(session, "policy")
    assert versions.head() is None
    newer(database)
    assert versions.head() is None
    session.close()
    with pytest.raises(NewerError):
        versions.head()
    session.close()
