"""What was published: each version with what it holds, who published it, when and why."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, ClassVar, Final

from psycopg import Error
from psycopg.errors import (
    CheckViolation,
    ForeignKeyViolation,
    InsufficientPrivilege,
    InvalidSchemaName,
    UndefinedColumn,
    UndefinedTable,
    UniqueViolation,
)

from rbac.document.document import revision
from rbac.stores.postgres.address import StoreError
from rbac.stores.postgres.migrations import vet
from rbac.stores.postgres.session import Session, UnreachableError
from rbac.stores.store import Snapshot

# For a document of some megabytes over a slow line.
CONTENT_S: Final = 20.0
# What fell silent while it stored a version is asked so often, after so long each time, whether it did.
_LOOKS: Final = 4
_LOOK_S: Final = 0.5


class NoVersionError(StoreError):
    """Nothing was published under this name, or not so many versions."""

    code: ClassVar[str] = "store_version_missing"


class AlteredError(StoreError):
    """A stored version is not what was published: somebody changed the row."""

    code: ClassVar[str] = "store_altered"


class OutdatedError(StoreError):
    """Somebody else published first."""

    code: ClassVar[str] = "store_outdated"


class UnknownOutcomeError(UnreachableError):
    """The database fell silent while it stored a version, and nobody can say whether it did."""

    code: ClassVar[str] = "store_outcome_unknown"


class NotSetUpError(StoreError):
    """The tables are missing or another version's, or this role may not use them."""

    code: ClassVar[str] = "store_not_set_up"


@dataclass(frozen=True, slots=True)
class Version:
    """One version without what it holds. ``based_on`` is 0 for the first; ``restores`` names the version that a
    rollback brought back, else 0. ``author`` is the role that had signed in to the database, ``requested_by`` for whom
    it published as it says, or ""."""

    number: int
    revision: str
    digest: bytes
    based_on: int
    restores: int
    author: str
    reason: str
    published_at: datetime
    requested_by: str

    @property
    def signed(self) -> str:
        """Who published it, and for whom."""
        return f"{self.author} for {self.requested_by}" if self.requested_by else self.author

    @property
    def why(self) -> str:
        """The reason on one line."""
        return " ".join(self.reason.split())

    def to_json(self) -> dict[str, Any]:
        """As ``rbac history --format json`` shows it."""
        return {
            "version": self.number,
            "revision": self.revision,
            "author": self.author,
            "requested_by": self.requested_by or None,
            "published_at": self.published_at.isoformat(),
            "reason": self.reason,
            "based_on": self.based_on or None,
            "restores": self.restores or None,
        }


_ABOUT: Final = (
    "version, revision, digest, coalesce(based_on, 0), coalesce(restores, 0), author, reason, published_at, "
    "requested_by"
)
_ABOUT_WIDTH: Final = len(fields(Version))
_HELD: Final = "model, policy, routes, model_name, policy_name, tests_name, test_names, test_contents"
_HEAD: Final = """SELECT version, digest, xmin::text FROM sekisho.versions WHERE name = %s ORDER BY version DESC LIMIT 1"""
_INSERT: Final = """INSERT INTO sekisho.versions
    (name, version, based_on, restores, revision, digest, reason, model, policy, routes, model_name, policy_name,
     tests_name, test_names, test_contents{columns})
    VALUES (%(name)s, %(version)s, %(based_on)s, %(restores)s, %(revision)s, %(digest)s, %(reason)s, %(model)s,
            %(policy)s, %(routes)s, %(model_name)s, %(policy_name)s, %(tests_name)s, %(test_names)s::text[],
            %(test_contents)s::bytea[]{values})"""
# A role that may not say for whom it publishes does not name the column.
_ADD: Final = _INSERT.format(columns="", values="")
_ADD_FOR: Final = _INSERT.format(columns=", requested_by", values=", %(requested_by)s")


@dataclass(frozen=True, slots=True)
class Head:
    """Which version is the newest, and the mark of its row, which is another once somebody changes the row."""

    number: int
    digest: bytes
    mark: str


def ask(session: Session, query: str, parameters: Any, **how: float) -> list[Any]:
    """The rows that ``query`` answers. Raises :class:`StoreError` and its leaves, and where a row is there already what the
    driver raises."""
    try:
        vet(session)
        return session.execute(query.encode(), parameters, **how)
    except (InvalidSchemaName, UndefinedTable, UndefinedColumn):
        raise NotSetUpError(
            f"{session.address}: no store yet, or an older one; `rbac migrate` sets it up"
        ) from None
    except InsufficientPrivilege as error:
        reason = session.address.reason(error)
        raise NotSetUpError(f"{session.address}: {reason}; `rbac migrate` grants what a role needs") from None
    except (UniqueViolation, ForeignKeyViolation):
        raise
    except CheckViolation as error:
        constraint = error.diag.constraint_name or ""
        raise StoreError(f"{session.address}: the database refuses the row ({constraint})") from None
    except Error as error:
        raise StoreError(f"{session.address}: {session.address.reason(error)}") from None


class Versions:
    """The versions of the document called ``name``. Raises :class:`StoreError` and its leaves."""

    def __init__(self, session: Session, name: str) -> None:
        self.session = session
        self.name = name

    def head(self) -> Head | None:
        """The newest version; ``None`` when nothing was published yet. Cheap: no content is read."""
        rows = self._ask(_HEAD, (self.name,))
        return Head(*rows[0]) if rows else None

    def may_publish(self) -> bool:
        """Whether the role that is signed in may add a version, or change one."""
        query = """SELECT has_any_column_privilege('sekisho.versions', 'INSERT')
            OR has_any_column_privilege('sekisho.versions', 'UPDATE')"""
        return bool(self._ask(query, ())[0][0])

    def history(self, limit: int | None = None, *, before: int | None = None) -> list[Version]:
        """Versions from the newest on, or from the one before number ``before``."""
        query = f"""SELECT {_ABOUT} FROM sekisho.versions WHERE name = %s AND version < coalesce(%s::bigint, version + 1)
            ORDER BY version DESC LIMIT %s"""  # noqa: S608 constants
        return [Version(*row) for row in self._ask(query, (self.name, before, limit))]

    def version(self, number: int) -> Version:
        """What is known of version ``number``."""
        query = f"SELECT {_ABOUT} FROM sekisho.versions WHERE name = %s AND version = %s"  # noqa: S608 constants
        rows = self._ask(query, (self.name, number))
        if not rows:
            raise self._missing(number)
        return Version(*rows[0])

    def content(self, number: int) -> Snapshot:
        """What version ``number`` holds, byte for byte. Raises :class:`AlteredError` where its digest is another."""
        return self._held(number)[1]

    def policies(self, newest: int) -> Iterator[tuple[Version, bytes]]:
        """Each version from ``newest`` down to the first, with its rules. Raises :class:`AlteredError` as well."""
        for number in range(newest, 0, -1):
            version, snapshot = self._held(number)
            yield version, snapshot.policy

    def _held(self, number: int) -> tuple[Version, Snapshot]:
        query = f"SELECT {_ABOUT}, {_HELD} FROM sekisho.versions WHERE name = %s AND version = %s"  # noqa: S608 constants
        rows = self._ask(query, (self.name, number), seconds=CONTENT_S)
        if not rows:
            raise self._missing(number)
        version = Version(*rows[0][:_ABOUT_WIDTH])
        snapshot = _snapshot(number, rows[0][_ABOUT_WIDTH:])
        if snapshot.digest != version.digest or revision(snapshot.model, snapshot.policy) != version.revision:
            raise AlteredError(
                f"version {number} of `{self.name}` is not what was published: its digest is another"
            )
        return version, snapshot

    def publish(
        self, snapshot: Snapshot, *, based_on: int, reason: str, restores: int = 0, requested_by: str = ""
    ) -> Version:
        """Stores ``snapshot`` as the version after ``based_on``, and tells every replica: all of it, or nothing.

        ``requested_by`` says for whom, where the role may say so. Raises :class:`OutdatedError` when ``based_on`` is not
        the newest version any more.
        """
        number = based_on + 1
        row = {
            "name": self.name,
            "version": number,
            "based_on": based_on or None,
            "restores": restores or None,
            "revision": revision(snapshot.model, snapshot.policy),
            "digest": snapshot.digest,
            "reason": reason,
            "model": snapshot.model,
            "policy": snapshot.policy,
            "routes": snapshot.routes,
            "model_name": snapshot.model_name,
            "policy_name": snapshot.policy_name,
            "tests_name": snapshot.tests_name,
            "test_names": list(snapshot.tests),
            "test_contents": list(snapshot.tests.values()),
            "requested_by": requested_by,
        }
        try:
            self._ask(_ADD_FOR if requested_by else _ADD, row, seconds=CONTENT_S)
        except (UniqueViolation, ForeignKeyViolation):
            raise self._outdated(based_on) from None
        except UnreachableError as silence:
            return self._after_silence(silence, number, snapshot, reason)
        return self.version(number)

    def _outdated(self, based_on: int) -> OutdatedError:
        head = self.head()
        return OutdatedError(
            f"version {based_on} of `{self.name}` is not the newest: that is {head.number if head else 'none'}"
        )

    def _after_silence(
        self, silence: UnreachableError, number: int, snapshot: Snapshot, reason: str
    ) -> Version:
        """The version, if the database did store it before it fell silent."""
        query = (
            f"SELECT {_ABOUT}, author = session_user FROM sekisho.versions WHERE name = %s AND version = %s"  # noqa: S608 constants
        )
        for look in range(_LOOKS):
            if look:
                time.sleep(_LOOK_S)
            try:
                rows = self._ask(query, (self.name, number))
            except UnreachableError:
                continue
            if rows:
                *about, own = rows[0]
                there = Version(*about)
                if (own, there.digest, there.reason) == (True, snapshot.digest, reason):
                    return there
                raise self._outdated(number - 1) from None
        raise UnknownOutcomeError(
            f"{silence}; whether version {number} was stored before is not known: `rbac history` says"
        ) from None

    def _ask(self, query: str, parameters: Any, **how: float) -> list[Any]:
        return ask(self.session, query, parameters, **how)

    def _missing(self, number: int) -> NoVersionError:
        head = self.head()
        newest = "nothing was published yet" if head is None else f"the newest is {head.number}"
        return NoVersionError(f"there is no version {number} of `{self.name}`: {newest}")


def _snapshot(number: int, held: Sequence[Any]) -> Snapshot:
    model, policy, routes, model_name, policy_name, tests_name, test_names, test_contents = held
    return Snapshot(
        model=model,
        policy=policy,
        tests=dict(zip(test_names, test_contents, strict=True)),
        model_name=model_name,
        policy_name=policy_name,
        tests_name=tests_name,
        routes=routes,
        version=number,
    )
