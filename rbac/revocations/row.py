"""One line of ``revocations.csv``: whose tokens, up to which moment, and why."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

Kind = Literal["sub", "session", "client", "everyone"]
KINDS: Final = ("sub", "session", "client", "everyone")
ALL: Final = "*"
"""The value of a row about everyone."""

COLUMNS: Final = "sub|session|client|everyone, value, before, reason"
EXAMPLE_TIME: Final = "2026-11-28T09:30:00Z"

# RFC 3339 in whole seconds, as `iat` counts them, and never without a time zone.
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:Z|[+-][0-9]{2}:[0-9]{2})")


@dataclass(frozen=True, slots=True)
class Revocation:
    """Tokens of ``kind`` and ``value`` that were issued at ``before`` (seconds since 1970) or earlier are refused.

    ``sub`` is a person, ``session`` a token's ``origin_jti`` or ``sid``, ``client`` what its ``client_id``, ``azp`` or
    ``aud`` names, ``everyone`` every token there is. ``line`` counts from 1; 0 for a row that is not written yet.
    """

    kind: Kind
    value: str
    before: int
    reason: str
    line: int = 0

    @property
    def text(self) -> str:
        """The line, without its end."""
        return f"{self.kind}, {self.value}, {written_time(self.before)}, {self.reason}"

    def to_json(self) -> dict[str, object]:
        """What the row says, as ``rbac revoke --format json`` shows it."""
        before = written_time(self.before)
        return {"kind": self.kind, "value": self.value, "before": before, "reason": self.reason}


def moment(written: str) -> int:
    """Seconds since 1970 of a time as RFC 3339 writes it, with ``Z`` or an offset. Raises ``ValueError``."""
    if not _TIME.fullmatch(written):
        raise ValueError("not a time with a time zone")
    return int(datetime.fromisoformat(written).timestamp())


def written_time(seconds: float) -> str:
    """The moment as a row has it, in UTC."""
    return f"{datetime.fromtimestamp(int(seconds), UTC).replace(tzinfo=None).isoformat()}Z"
