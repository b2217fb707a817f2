"""The values that travel: a rule, a decision about a request, and why it came out so."""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

Reason = Literal["allowed_by_rule", "denied_by_rule", "denied_by_default", "allowed_by_default"]

Words = tuple[Any, ...]
"""The words of a request in the model's order. To Casbin they may be anything."""


class Rule(NamedTuple):
    """One line of a policy document: ``p, user, /user, GET, allow`` or ``g, admin, user``.

    ``line`` counts from 1 in the policy file; ``fields`` are the columns behind the type, stripped, as Casbin reads them.
    """

    ptype: str
    fields: tuple[str, ...]
    line: int

    @property
    def text(self) -> str:
        """The rule as a policy file spells it, one space behind every comma."""
        return ", ".join((self.ptype, *self.fields))

    def to_json(self) -> dict[str, Any]:
        """The rule as every answer shows it."""
        return {"line": self.line, "text": self.text}


class Decision(NamedTuple):
    """The answer to one request.

    ``rule`` is the deciding rule, ``None`` when no rule decided; ``reason`` is a stable code; ``revision`` names the
    document (12 hex digits).
    """

    allowed: bool
    rule: Rule | None
    reason: Reason
    revision: str

    @property
    def line(self) -> int | None:
        """The line of the deciding rule."""
        return self.rule.line if self.rule else None


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A rule that would have decided if one word of the request were another. ``missing`` says which, readably."""

    rule: Rule
    missing: str

    def to_json(self) -> dict[str, Any]:
        """The rule, and what is missing."""
        return {**self.rule.to_json(), "missing": self.missing}


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a request is answered as it is.

    ``role_path`` leads from the caller to the role of the deciding rule (``("bob", "user")``), empty when no rule decided;
    ``nearest`` holds at most five rules that one changed word would have met, best first, and only on a default deny.
    """

    decision: Decision
    role_path: tuple[str, ...]
    nearest: tuple[NearMiss, ...]

    def to_json(self) -> dict[str, Any]:
        """The explanation as ``rbac explain --format json`` shows it."""
        return {
            "allowed": self.decision.allowed,
            "reason": self.decision.reason,
            "rule": self.decision.rule and self.decision.rule.to_json(),
            "role_path": list(self.role_path),
            "nearest": [near.to_json() for near in self.nearest],
            "revision": self.decision.revision,
        }
