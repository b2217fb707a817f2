"""What a comparison of two documents found: cells that come out differently, and the links behind them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from rbac.comparison.comparison import Comparison
from rbac.decision import Decision
from rbac.space.callers import Caller, Endpoint

_FOLDED: Final = (
    "so much changes that some callers stand for all for whom an endpoint changes alike: how many people there are, what"
    " each of them gains and loses, which roles, and what role links carry are told of these alone, and may be more"
)
"""What is to be said of a difference that is folded: its endpoints are all told, its callers are not."""
_EXAMPLE: Final = (
    "nothing changes for any caller as they come, a role or a person alone; the one change that is told is an example,"
    " and who else it concerns, such as others who bring that role besides one that a link gives them, is not"
)
"""What is to be said of a difference that shows for no caller as they come."""
_PLACEHOLDER: Final = re.compile(r"(?<=/)(:[^/]+|\{[^/]*\})")


@dataclass(frozen=True, slots=True)
class Change:
    """One cell that comes out differently. ``witness``: not a known route, but an example of a class of
    requests, and ``stands_for`` the method and path of the rule whose requests these are. ``also``: for so many callers
    more it is the same, who have no change of their own for this endpoint (see :data:`rbac.diff.diff.MOST_CELLS`).
    """

    caller: Caller
    endpoint: Endpoint
    old: Decision
    new: Decision
    stands_for: str = ""
    also: int = 0

    @property
    def granted(self) -> bool:
        """Whether the change is for more access."""
        return self.new.allowed

    @property
    def cell(self) -> tuple[str, tuple[str, ...], bool]:
        """The endpoint, the values of the caller's words besides, such as a domain, and which way it changes."""
        return self.endpoint.label, tuple(self.caller.besides.values()), self.granted

    @property
    def witness(self) -> bool:
        """Whether the endpoint is not a known route but an example of the requests that change alike."""
        return not self.endpoint.known

    @property
    def line(self) -> int | None:
        """The line of the rule that allows: in the new document for a grant, in the old one for what is
        revoked."""
        rule = (self.new if self.granted else self.old).rule
        return rule.line if rule else None

    @property
    def denied_by(self) -> int | None:
        """The line of the deny that matters: in the new document for what is revoked, in the old one for a
        grant."""
        denying = self.old if self.granted else self.new
        return denying.rule.line if denying.rule and denying.reason == "denied_by_rule" else None

    @property
    def literal(self) -> str | None:
        """What looks like a placeholder in a path, and is none: the path is itself."""
        if not self.witness and not self.endpoint.template:
            return None
        found = _PLACEHOLDER.search(self.endpoint.obj)
        return None if found is None else found[0]

    @property
    def is_pattern(self) -> bool:
        """Whether an example stands for more than itself."""
        return self.literal is None and self.stands_for not in {"", self.endpoint.label}

    def to_json(self) -> dict[str, Any]:
        """The cell of a role. Off the known routes it has ``witness``, and says what it is an example of: ``stands_for`` is
        the method and path of the rule, ``literal`` what looks like a placeholder and is none. ``also``: for so many callers
        more it is the same, and none of them has a cell of its own. A path of a known route that changes otherwise than the
        route has its ``template``; ``but_not`` are paths of a route of which the cell is not true."""
        besides = {**self.caller.besides, **self.endpoint.besides}
        optional: Mapping[str, Any] = {
            "denied_by": self.denied_by,
            "also": self.also or None,
            "with": besides or None,
            "witness": self.witness or None,
            "stands_for": self.stands_for if self.is_pattern else None,
            "literal": self.literal,
        }
        return {
            "role": self.caller.label,
            "act": self.endpoint.act,
            "obj": self.endpoint.obj,
            "rule": self.line,
            **{key: value for key, value in optional.items() if value is not None},
            **self.endpoint.of_template,
        }

    def person_to_json(self) -> dict[str, Any]:
        """The same of a person."""
        cell = self.to_json()
        del cell["role"]
        return {"sub": self.caller.name, "caller": self.caller.label, "granted": self.granted, **cell}


@dataclass(frozen=True, slots=True)
class LinkChange:
    """A role link that carries something else than before, or that gives or takes something by being new or gone.

    ``granted`` and ``revoked`` count the endpoints that change for whoever is on its left, or for a link that stays
    for the role on its right, each once, and where links have a domain, those in the ``domain`` of this one.
    """

    user: str
    role: str
    change: Literal["added", "removed", "kept"]
    line: int
    granted: int
    revoked: int
    domain: str = ""

    def to_json(self) -> dict[str, Any]:
        """The link, what became of it, and how many endpoints go with it."""
        return {
            "user": self.user,
            "role": self.role,
            **({"domain": self.domain} if self.domain else {}),
            "change": self.change,
            "line": self.line,
            "granted": self.granted,
            "revoked": self.revoked,
        }


@dataclass(frozen=True, slots=True)
class Diff:
    """Two documents compared. ``cells`` are about roles, ``people`` about those whom a document names.

    ``unsent`` are changes to what no HTTP request asks for, which :func:`rbac.diff.shown.shown` takes out of both.
    ``folded``: more cells change than :data:`rbac.diff.diff.MOST_CELLS`, and some callers stand for all who are alike, so
    that what is counted for people and role links is at least so much. ``example``: nothing changes for any caller as they
    come, and the one change told is an example. ``comparison`` is what was found out about the two, where their matchers
    have a formula.
    """

    old: str
    new: str
    cells: tuple[Change, ...]
    people: tuple[Change, ...]
    links: tuple[LinkChange, ...]
    notes: tuple[str, ...]
    unsent: tuple[Change, ...] = ()
    folded: bool = False
    example: bool = False
    comparison: Comparison | None = field(default=None, compare=False, repr=False)

    @property
    def equivalent(self) -> bool:
        """Whether nobody's access changes, to what nobody asks for either."""
        return not self.cells and not self.people and not self.unsent

    @property
    def granted(self) -> tuple[Change, ...]:
        """The cells of roles that are open now and were closed."""
        return tuple(change for change in self.cells if change.granted)

    @property
    def revoked(self) -> tuple[Change, ...]:
        """The cells of roles that are closed now and were open."""
        return tuple(change for change in self.cells if not change.granted)

    @property
    def asides(self) -> tuple[str, ...]:
        """What is told in part, though nothing that changes is missing, in sentences."""
        return (*([_FOLDED] if self.folded else []), *([_EXAMPLE] if self.example else []))

    def to_json(self) -> dict[str, Any]:
        """``{old, new, granted, revoked, equivalent}``, and besides ``people``, ``links``, ``complete``, ``notes``.

        ``folded`` is there where some callers stand for others, and says what is told in part then; ``example`` where no
        caller as they come is concerned, and one who is stands for the others.
        """
        return {
            "old": self.old,
            "new": self.new,
            "granted": [change.to_json() for change in self.granted],
            "revoked": [change.to_json() for change in self.revoked],
            "equivalent": self.equivalent,
            "people": [change.person_to_json() for change in self.people],
            "links": [link.to_json() for link in self.links],
            "unsent": len(self.unsent),
            "complete": not self.notes,
            "notes": list(self.notes),
            **({"folded": _FOLDED} if self.folded else {}),
            **({"example": _EXAMPLE} if self.example else {}),
        }


def each_once(changes: Iterable[Change]) -> tuple[Change, ...]:
    """One caller's changes, each endpoint once."""
    found: dict[tuple[str, tuple[str, ...], bool], Change] = {}
    for change in changes:
        found.setdefault(change.cell, change)
    return tuple(found.values())
