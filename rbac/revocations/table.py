"""Whom revocations meet: one look-up for each thing that a token may be called by, however many rows there are."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Self

from rbac.background import paced
from rbac.revocations.row import Revocation

_NEVER: Final = float("-inf")
_SESSIONS: Final = ("origin_jti", "sid")
_CLIENTS: Final = ("client_id", "azp", "aud")


class SentAway:
    """The rows in force, as a table that never changes: whoever reads it holds it.

    ``mark`` is its own alone, and holds none of its rows: whoever remembers what it said keeps no table in memory.
    """

    __slots__ = ("_clients", "_everyone", "_sessions", "_subs", "mark", "rows")

    def __init__(
        self,
        subs: Mapping[str, int],
        sessions: Mapping[str, int],
        clients: Mapping[str, int],
        everyone: float,
        rows: int,
    ) -> None:
        self._subs = subs
        self._sessions = sessions
        self._clients = clients
        self._everyone = everyone
        self.rows = rows
        self.mark: object = object()

    @classmethod
    def of(cls, rows: Iterable[Revocation]) -> Self:
        """What ``rows`` say together: of several about one and the same, the latest ``before`` counts."""
        kinds: dict[str, dict[str, int]] = {"sub": {}, "session": {}, "client": {}, "everyone": {}}
        number = 0
        for row in paced(rows, every=256):
            number += 1
            values = kinds[row.kind]
            if values.get(row.value, _NEVER) < row.before:
                values[row.value] = row.before
        everyone = max(kinds["everyone"].values(), default=_NEVER)
        return cls(kinds["sub"], kinds["session"], kinds["client"], everyone, number)

    def meets(self, sub: str, claims: Mapping[str, Any]) -> bool:
        """Whether the token of ``claims``, which names ``sub``, was issued at or before a moment that a row names.

        INVARIANT: both moments are compared as they are written. The clock of this machine plays no part, and where a
        token does not say when it was issued, every row about it meets it.
        """
        before: float = self._subs.get(sub, self._everyone)
        before = max(before, self._everyone)
        for rows, names in ((self._sessions, _SESSIONS), (self._clients, _CLIENTS)):
            if rows:
                for name in names:
                    named = claims.get(name)
                    if named is not None and (latest := _latest(rows, named)) > before:
                        before = latest
        if before == _NEVER:
            return False
        issued: Any = claims.get("iat")
        return type(issued) not in {int, float} or not issued > before


def _latest(rows: Mapping[str, int], named: Any) -> float:
    """The latest moment among ``rows`` about what a claim names: a text, or in `aud` several."""
    if type(named) is str:
        return rows.get(named, _NEVER)
    if isinstance(named, list):
        return max((rows.get(each, _NEVER) for each in named if isinstance(each, str)), default=_NEVER)
    return _NEVER


NOBODY: Final = SentAway({}, {}, {}, _NEVER, 0)
