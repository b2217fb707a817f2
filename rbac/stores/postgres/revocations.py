"""Who was sent away, as rows that replicas share: read whole, checked row by row, and never back."""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, NamedTuple

from rbac.revocations.file import Written
from rbac.revocations.row import ALL, Revocation, written_time
from rbac.stores.postgres.address import Address, StoreError
from rbac.stores.postgres.following import POLL_S, Follower
from rbac.stores.postgres.session import Session
from rbac.stores.postgres.store import BehindError, ForkedError, problem_of
from rbac.stores.postgres.versions import CONTENT_S, AlteredError, ask

log = logging.getLogger("rbac.stores.postgres")

OVER: Final = "over"
"""The kind of a row that says which rows before it are done."""

_HEAD: Final = """SELECT number, digest, xmin::text FROM sekisho.revocations WHERE name = %s ORDER BY number DESC LIMIT 1"""
_ROWS: Final = """SELECT number, kind, value, before, revoked_by, reason, digest FROM sekisho.revocations
    WHERE name = %s AND number > %s ORDER BY number"""
_LIST: Final = """SELECT number, kind, value, before, reason, revoked_by, revoked_at FROM sekisho.revocations
    WHERE name = %s ORDER BY number"""
_ADD: Final = """INSERT INTO sekisho.revocations (name, kind, value, before, reason)
    SELECT %s, kind, value, before, reason
    FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::text[]) WITH ORDINALITY AS t (kind, value, before, reason, place)
    ORDER BY place RETURNING number, kind, value, before, reason, revoked_by, revoked_at"""
_MAY_ADD: Final = "SELECT has_any_column_privilege('sekisho.revocations', 'INSERT, UPDATE')"
_HINTS: Final = {
    "store_altered": "bring the rows of `sekisho.revocations` back as they were, from a backup; those in force stay",
    "store_behind": "point POLICY_STORE at the database that has them; those in force stay",
    "store_forked": "point POLICY_STORE at the database that was in force; those in force stay",
}
_FIRST_LINE: Final = re.compile(rb"# sekisho\.revocations: ([0-9]+) rows, ([0-9a-f]*)\n")


class Mark(NamedTuple):
    """How many rows there are, and the digest of them all."""

    number: int
    digest: bytes


_NONE: Final = Mark(0, b"")


@dataclass(frozen=True, slots=True)
class RevocationEntry:
    """A row with its number, and who added it when, by the database's clock. Of kind ``over`` it takes others back."""

    number: int
    kind: str
    value: str
    before: int
    reason: str
    revoked_by: str
    revoked_at: datetime

    def to_json(self) -> dict[str, object]:
        """The row as ``rbac revocations --format json`` lists those of a database."""
        shape = {"kind": self.kind, "value": self.value, "before": written_time(self.before)}
        by = {"by": self.revoked_by, "at": self.revoked_at.isoformat()}
        return {**shape, "reason": self.reason, "number": self.number, **by}


def mark_of(content: bytes) -> Mark:
    """How far the rows went of which ``content`` was made by :meth:`PostgresRevocations.read`."""
    found = _FIRST_LINE.match(content)
    return _NONE if found is None else Mark(int(found[1]), bytes.fromhex(found[2].decode()))


class PostgresRevocations(Follower):
    """The revocations that belong to the document called ``name``: a :class:`rbac.revocations.file.RevocationStore`.

    Rows only grow: fewer than were read here, or than ``known``, which were in force before this process began, are an
    error, and so are others under the same numbers, or a row that is not what was written.
    """

    def __init__(
        self, address: Address, name: str = "policy", *, known: Mark = _NONE, poll_s: float = POLL_S
    ) -> None:
        super().__init__(Session(address), poll_s)
        self.name = name
        self._known = known
        self._held = _NONE
        self._lines: list[tuple[int, bytes]] = []
        self._rights_known = False

    def read(self) -> Written:
        """The rows that are in force. Raises :class:`rbac.PolicyError` where they cannot be had, or not be trusted."""
        place = f"pg:{self.name}/revocations"
        with self._in_turn(lambda error: problem_of(place, error, _HINTS.get(error.code))):
            self._catch_up()
            first = f"# sekisho.revocations: {self._held.number} rows, {self._held.digest.hex()}\n".encode()
            content = b"".join((first, *(line for _, line in self._lines)))
            return Written(content, place, self._held.number)

    def _look(self) -> object:
        try:
            found = ask(self._session, _HEAD, (self.name,))
            self._tell_of_rights()
        except StoreError as error:
            return str(error)
        return found[0] if found else _NONE

    def _catch_up(self) -> None:
        """Reads the rows that came since the last time. Changes nothing where something is wrong with them."""
        held, lines = self._held, list(self._lines)
        passed = held.number >= self._known.number
        found = ask(self._session, _HEAD, (self.name,))
        newest = Mark(*found[0][:2]) if found else _NONE
        least = max(held, self._known)
        if newest.number < least.number:
            raise BehindError(
                f"{newest.number} revocations are there, and {least.number} were in force already"
            )
        for row in ask(self._session, _ROWS, (self.name, held.number), seconds=CONTENT_S):
            held = _next(held, row, lines)
            if held.number == self._known.number and not passed:
                passed = True
                if held.digest != self._known.digest:
                    raise ForkedError(
                        f"the first {held.number} revocations there are not those in force already"
                    )
        if held.number < newest.number or (held.number == newest.number and held.digest != newest.digest):
            raise AlteredError(f"after revocation {held.number} rows are missing, or are others")
        self._held, self._lines = held, lines

    def _tell_of_rights(self) -> None:
        """Says once that this role may do more than a replica needs."""
        if not self._rights_known and ask(self._session, _MAY_ADD, ())[0][0]:
            log.warning(
                "the role that reads revocations may also add some: `rbac migrate --service` gives less"
            )
        self._rights_known = True


class RevocationDesk:
    """What people do with the revocations that belong to the document called ``name``. Raises :class:`StoreError`."""

    def __init__(self, session: Session, name: str) -> None:
        self._session = session
        self.name = name

    def add(self, rows: Sequence[Revocation], *, now: bool = False) -> list[RevocationEntry]:
        """Adds ``rows``, all or none, as whoever is signed in. With ``now`` their moment is that of the database's clock."""
        return self._add([(row.kind, row.value, None if now else row.before, row.reason) for row in rows])

    def over(self, until: int, reason: str) -> RevocationEntry:
        """Says that no token lives any more that was issued at ``until`` (seconds since 1970) or earlier."""
        return self._add([(OVER, ALL, until, reason)])[0]

    def all(self) -> list[RevocationEntry]:
        """Every row there ever was, in order."""
        return [RevocationEntry(*row) for row in ask(self._session, _LIST, (self.name,), seconds=CONTENT_S)]

    def _add(self, rows: Sequence[tuple[str, str, int | None, str]]) -> list[RevocationEntry]:
        columns: list[list[Any]] = [list(column) for column in zip(*rows, strict=True)]
        return [
            RevocationEntry(*row)
            for row in ask(self._session, _ADD, (self.name, *columns), seconds=CONTENT_S)
        ]


def in_force(entries: Sequence[RevocationEntry]) -> list[RevocationEntry]:
    """Those of ``entries`` that no later one took back."""
    left: list[RevocationEntry] = []
    for entry in entries:
        if entry.kind == OVER:
            left = [other for other in left if other.before > entry.before]
        else:
            left.append(entry)
    return left


def _next(held: Mark, row: Sequence[Any], lines: list[tuple[int, bytes]]) -> Mark:
    """How far the rows go with ``row``, whose line is put behind ``lines``. Raises :class:`AlteredError`."""
    number, kind, value, before, revoked_by, reason, digest = row
    said = "\n".join(map(str, (number, kind, value, before, revoked_by, reason)))
    if number != held.number + 1 or digest != sha256(held.digest + said.encode()).digest():
        raise AlteredError(f"revocation {number} is not what was written, or one before it")
    if kind == OVER:
        lines[:] = [line for line in lines if line[0] > before]
    else:
        lines.append((before, f"{kind}, {value}, {written_time(before)}, {reason}\n".encode()))
    return Mark(number, digest)
