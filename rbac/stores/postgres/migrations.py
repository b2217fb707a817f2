"""The tables, made step by step by numbered SQL: once each, in order, by one at a time, all or none of them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from typing import ClassVar, Final

from psycopg import Error, sql
from psycopg.errors import (
    DuplicateColumn,
    DuplicateFunction,
    DuplicateObject,
    DuplicateTable,
    InsufficientPrivilege,
)

from rbac.stores.postgres.address import StoreError
from rbac.stores.postgres.session import Session

MIGRATE_S: Final = 120.0
# One number for every program that sets up this schema in a database: only they take this lock.
_LOCK: Final = 0x73656B6973686F

_TABLE: Final = b"""CREATE TABLE sekisho.migrations (number integer PRIMARY KEY, name text NOT NULL, digest text NOT NULL,
    applied_by text NOT NULL DEFAULT session_user, applied_at timestamptz NOT NULL DEFAULT clock_timestamp())"""
_PUBLISHED: Final = sql.SQL(
    "name, version, based_on, restores, revision, digest, reason, model, policy, routes, model_name, policy_name, "
    "tests_name, test_names, test_contents"
)
_THERE_ALREADY: Final = (DuplicateTable, DuplicateColumn, DuplicateFunction, DuplicateObject)
_LOST: Final = (
    ", so nobody can tell which steps were made: bring `sekisho.migrations` back from a backup, or begin anew "
    "beside what is there (`ALTER SCHEMA sekisho RENAME TO sekisho_old`)"
)
# What a task takes, and no more.
SERVICE: Final = (
    "GRANT USAGE ON SCHEMA sekisho TO {role}",
    "GRANT SELECT ON sekisho.versions, sekisho.revocations, sekisho.migrations TO {role}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON sekisho.replicas TO {role}",
)
PUBLISHER: Final = (
    "GRANT USAGE ON SCHEMA sekisho TO {role}",
    "GRANT SELECT ON sekisho.versions, sekisho.revocations, sekisho.migrations, sekisho.replicas TO {role}",
    "GRANT INSERT ({published}) ON sekisho.versions TO {role}",
)
CONSOLE: Final = (*PUBLISHER, "GRANT INSERT (requested_by) ON sekisho.versions TO {role}")
REVOKER: Final = (
    "GRANT USAGE ON SCHEMA sekisho TO {role}",
    "GRANT SELECT ON sekisho.revocations, sekisho.migrations TO {role}",
    "GRANT INSERT (name, kind, value, before, reason) ON sekisho.revocations TO {role}",
)


class MigrationError(StoreError):
    """The tables cannot be brought to where this program wants them."""

    code: ClassVar[str] = "store_migration_refused"


class NewerError(StoreError):
    """The tables are those of a newer version: what their rows mean is not known here."""

    code: ClassVar[str] = "store_newer"


@dataclass(frozen=True, slots=True)
class Migration:
    """One step: its number, its name and its SQL."""

    number: int
    name: str
    text: str

    @property
    def digest(self) -> str:
        """SHA-256 of the SQL, in hex."""
        return sha256(self.text.encode()).hexdigest()


def migrations() -> tuple[Migration, ...]:
    """Every step that this program knows, in order."""
    return tuple(sorted(_steps(), key=lambda step: step.number))


def _steps() -> Iterator[Migration]:
    for file in files("rbac.stores.postgres").joinpath("sql").iterdir():
        if file.name.endswith(".sql"):
            number, _, name = file.name.removesuffix(".sql").partition("_")
            yield Migration(int(number), name, file.read_text(encoding="utf-8"))


def vet(session: Session) -> None:
    """Sees, once for each connection, that no step was made that this program does not know.

    Raises :class:`NewerError`, and psycopg's errors where nobody can see it.
    """
    if session.vetted():
        return
    ((made,),) = session.execute("SELECT coalesce(max(number), 0) FROM sekisho.migrations")
    known = max(step.number for step in migrations())
    if made > known:
        raise NewerError(f"{session.address}: {_newer(made)}; this program knows {known} of them")
    session.vet()


def _newer(number: int) -> str:
    return f"the tables are those of a newer version: step {number} is not known here"


def pending(session: Session) -> tuple[Migration, ...]:
    """The steps that are still to be made. Raises :class:`MigrationError` when those that were made are others."""
    try:
        made = _made(session)
    except Error as error:
        raise _refused(session, error) from None
    return _left(made)


def migrate(
    session: Session,
    *,
    service: Iterable[str] = (),
    publisher: Iterable[str] = (),
    console: Iterable[str] = (),
    revoker: Iterable[str] = (),
) -> tuple[Migration, ...]:
    """Makes the steps that are left, and lets the roles do what they need; which steps those were.

    Whoever comes second waits, and finds nothing left. Raises :class:`StoreError`, and has done nothing then.
    """
    try:
        with session.transaction(seconds=MIGRATE_S):
            session.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
            left = _left(_made(session))
            if left and left[0].number == 1:
                session.execute(b"CREATE SCHEMA IF NOT EXISTS sekisho")
                session.execute(_TABLE)
            for step in left:
                session.execute(step.text.encode())
                row = (step.number, step.name, step.digest)
                session.execute(
                    "INSERT INTO sekisho.migrations (number, name, digest) VALUES (%s, %s, %s)", row
                )
            tasks = ((service, SERVICE), (publisher, PUBLISHER), (console, CONSOLE), (revoker, REVOKER))
            for roles, grants in tasks:
                for role in roles:
                    for grant in grants:
                        text = sql.SQL(grant).format(role=sql.Identifier(role), published=_PUBLISHED)
                        session.execute(text)
            return left
    except Error as error:
        raise _refused(session, error) from None


def _made(session: Session) -> dict[int, str]:
    if session.execute("SELECT to_regclass('sekisho.migrations')::text")[0][0] is not None:
        made: dict[int, str] = dict(session.execute("SELECT number, digest FROM sekisho.migrations"))
        lost = next((number for number in range(1, max(made, default=1)) if number not in made), None)
        if lost is None and made:
            return made
        said = (
            "`sekisho.migrations` is empty"
            if lost is None
            else f"`sekisho.migrations` has no row of step {lost}"
        )
        raise MigrationError(f"{session.address}: {said}{_LOST}")
    tables = session.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'sekisho' ORDER BY tablename"
    )
    if tables:
        said = f"`sekisho.{tables[0][0]}` is there and `sekisho.migrations` is not"
        raise MigrationError(f"{session.address}: {said}{_LOST}")
    return {}


def _left(made: dict[int, str]) -> tuple[Migration, ...]:
    known = migrations()
    for number, digest in sorted(made.items()):
        step = next((step for step in known if step.number == number), None)
        if step is None:
            raise MigrationError(_newer(number))
        if step.digest != digest:
            raise MigrationError(f"step {number} was made with other SQL than this version's")
    return tuple(step for step in known if step.number not in made)


def _refused(session: Session, error: Error) -> MigrationError:
    hint = ""
    if isinstance(error, InsufficientPrivilege):
        hint = "; tables are made by the owner of the database, or who may CREATE in it"
    elif isinstance(error, _THERE_ALREADY):
        hint = _LOST
    return MigrationError(f"{session.address}: {session.address.reason(error)}{hint}")
