"""The tables are made once, by one at a time, all of them or none."""

import threading

import psycopg
import pytest

from rbac.stores.postgres import migrations
from rbac.stores.postgres.migrations import Migration, MigrationError, migrate, pending
from rbac.stores.postgres.session import Session
from tests.support.postgres import OWNER, PUBLISHER, SERVICE, Cluster


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
