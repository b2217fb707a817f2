"""What each replica runs: a row that the replica itself keeps, by the database's clock."""

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg import Error
from psycopg.rows import TupleRow

from rbac.stores.postgres.address import StoreError
from rbac.stores.postgres.session import Session

REPORT_S: Final = 15.0
"""Seconds after which a replica says again what it runs."""

SILENT_S: Final = 3 * REPORT_S
"""Seconds without a report after which a replica is taken to be gone, or cut off."""

# Rows of replicas that ended without a word are kept so long for people to see.
_FORGET: Final = "1 day"
_LONGEST: Final = 500

_REPORT: Final = b"""INSERT INTO sekisho.replicas (name, replica, version, revision, trouble, since)
    VALUES (%s, %s, %s, %s, %s, clock_timestamp())
    ON CONFLICT (name, replica) DO UPDATE SET version = excluded.version, revision = excluded.revision,
        trouble = excluded.trouble, reported_at = clock_timestamp(),
        since = CASE WHEN replicas.version = excluded.version AND replicas.revision = excluded.revision
                THEN replicas.since ELSE excluded.since END"""
_PRUNE: Final = b"DELETE FROM sekisho.replicas WHERE role = session_user AND reported_at < clock_timestamp() - %s::interval"
_LEAVE: Final = b"DELETE FROM sekisho.replicas WHERE name = %s AND replica = %s"
_LIST: Final = b"""SELECT replica, version, revision, trouble, since, reported_at,
        extract(epoch FROM clock_timestamp() - reported_at)::float8
    FROM sekisho.replicas WHERE name = %s ORDER BY version, replica"""


@dataclass(frozen=True, slots=True)
class Running:
    """What a replica decides by: the version (0 for none of the store's), its revision, and what troubles it, or ""."""

    version: int
    revision: str
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Replica:
    """A report: what a replica runs ``since`` when, and how many seconds ago it said so."""

    replica: str
    version: int
    revision: str
    trouble: str
    since: datetime
    reported_at: datetime
    age_s: float

    @property
    def silent(self) -> bool:
        """Whether it has not reported for so long that it is gone, or cut off from the database."""
        return self.age_s > SILENT_S

    def to_json(self, newest: int) -> dict[str, Any]:
        """As ``rbac status --format json`` shows it, where ``newest`` is the newest version."""
        return {
            "replica": self.replica,
            "version": self.version,
            "revision": self.revision,
            "behind": newest - self.version,
            "trouble": self.trouble or None,
            "silent": self.silent,
            "since": self.since.isoformat(),
            "reported_at": self.reported_at.isoformat(),
        }


class Replicas:
    """The reports about the document called ``name``. Raises :class:`StoreError`."""

    def __init__(self, session: Session, name: str) -> None:
        self._session = session
        self._name = name
        self._here = f"{socket.gethostname()}:{os.getpid()}"[:200]
        self._pruned = False

    def report(self, running: Running) -> None:
        """Writes what this process runs."""
        if not self._pruned:
            self._ask(_PRUNE, (_FORGET,))
            self._pruned = True
        row = (self._name, self._here, running.version, running.revision, running.trouble[:_LONGEST])
        self._ask(_REPORT, row)

    def leave(self) -> None:
        """Takes this process's report back."""
        self._ask(_LEAVE, (self._name, self._here))

    def all(self) -> Sequence[Replica]:
        """Every report, those that are furthest behind first."""
        return [Replica(*row) for row in self._ask(_LIST, (self._name,))]

    def _ask(self, query: bytes, parameters: tuple[object, ...]) -> list[TupleRow]:
        try:
            return self._session.execute(query, parameters)
        except Error as error:
            raise StoreError(f"{self._session.address}: {self._session.address.reason(error)}") from None
