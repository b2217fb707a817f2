"""What a comparison of two documents found: cells that come out differently, and the links behind them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from rbac.callers import Caller, Endpoint
from rbac.decision import Decision
from rbac.policy import Policy
from rbac.space import Space


@dataclass(frozen=True, slots=True)
class Change:
    """One cell that comes out differently. ``witness``: not a known route, but an example of a class of
    requests, and ``stands_for`` the method and path of the rule whose requests these are. ``also``: for so many callers
    more it is the same, who have no change of their own for this endpoint (see :data:`rbac.diff.MOST_CELLS`).
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


@dataclass(frozen=True, slots=True)
class LinkChange:
    """A role link that carries something else than before, or that gives or takes something by being new or gone.

    ``granted`` and ``revoked`` count the changed cells of whoever is on its left, or for a link that stays
    of the role on its right.
    """

    user: str
    role: str
    change: Literal["added", "removed", "kept"]
    line: int
    granted: int
    revoked: int


@dataclass(frozen=True, slots=True)
class Diff:
    """Two documents compared. ``cells`` are about roles, ``people`` about those whom a document names.

    ``unsent`` are changes to what no HTTP request asks for, which :func:`rbac.diff_shown.shown` takes out of both;
    ``space`` holds the requests that were looked at.
    """

    old: str
    new: str
    cells: tuple[Change, ...]
    people: tuple[Change, ...]
    links: tuple[LinkChange, ...]
    notes: tuple[str, ...]
    unsent: tuple[Change, ...] = ()
    space: Space | None = field(default=None, compare=False, repr=False)

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


def link_changes(
    old: Policy, new: Policy, cells: Iterable[Change], people: Iterable[Change]
) -> Iterator[LinkChange]:
    """Role links that came, went, or carry something else, in the order of the documents."""
    counts: dict[str, list[int]] = {}
    for change in (*cells, *people):
        counts.setdefault(change.caller.name, [0, 0])[not change.granted] += 1
    before, after = (_links(policy) for policy in (old, new))
    for link, line in {**before, **after}.items():
        user, role = link[:2]
        state: Literal["added", "removed", "kept"] = "kept"
        if link not in before or link not in after:
            state = "added" if link in after else "removed"
        granted, revoked = counts.get(role if state == "kept" else user, (0, 0))
        if granted or revoked:
            yield LinkChange(user, role, state, line, granted, revoked)


def _links(policy: Policy) -> dict[tuple[str, ...], int]:
    document = policy.document
    rows = document.rows.get("g", ())
    return {tuple(row): line for row, line in zip(rows, document.lines.get("g", ()), strict=True)}
