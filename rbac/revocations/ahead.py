"""Revocations of a moment that is still to come: until then they refuse whoever signs in anew, too."""

import time
from collections.abc import Iterable
from typing import Final

from rbac.errors import Problem
from rbac.revocations.row import Revocation, written_time

SKEW_S: Final = 60
"""Seconds that the clock by which a row was written may be ahead of the one by which it is read."""

MEANS: Final = "nobody whom it meets comes back before, not even with a new token"
INSTEAD: Final = "write the moment of now; to keep somebody out, deny them everything in the policy"


def is_ahead(before: float) -> bool:
    """Whether a moment (seconds since 1970) is yet to come, by the clock of this machine and more than clocks differ."""
    return before > time.time() + SKEW_S


def ahead(rows: Iterable[Revocation], name: str) -> list[Problem]:
    """A warning for each row of the revocations called ``name`` whose moment is yet to come."""
    return [
        Problem(name, row.line, 1, "revocation-ahead", "warning", _message(row), INSTEAD)
        for row in rows
        if is_ahead(row.before)
    ]


def _message(row: Revocation) -> str:
    return f"`{written_time(row.before)}` is yet to come: {MEANS}"
