"""A diff as JSON, and as the rows that people read: what is dangerous first, one row for what one rule does."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from rbac.diff.differences import Change, Diff, LinkChange
from rbac.diff.headline import headline, headline_parts
from rbac.diff.overview import Overview
from rbac.diff.sentences import called, deciding, reason, standing
from rbac.review.matrix import danger


@dataclass(frozen=True, slots=True)
class ListedChange:
    """What changes alike for the same callers, and why it deserves a look (``""``: it does not)."""

    changes: tuple[Change, ...]
    danger: str
    rank: int

    @property
    def granted(self) -> bool:
        """Whether the change is for more access."""
        return self.changes[0].granted

    @property
    def callers(self) -> tuple[str, ...]:
        """The callers: names, or words for those who have none."""
        more = [f"up to {self.more} callers more"] if self.more else []
        return (*dict.fromkeys(called(change.caller) for change in self.changes), *more)

    @property
    def more(self) -> int:
        """How many callers there may be besides those that are told."""
        return max(change.also for change in self.changes)

    @property
    def endpoints(self) -> tuple[Change, ...]:
        """One change for each endpoint, in their order."""
        found: dict[str, Change] = {}
        for change in self.changes:
            found.setdefault(change.endpoint.label, change)
        return tuple(found.values())

    @property
    def why(self) -> tuple[str, ...]:
        """The rules that decide, with their lines, each once."""
        return tuple(dict.fromkeys(map(reason, self.changes)))

    def parts(self, most: int) -> dict[str, Any]:
        """The same for whoever has other words: at most so many callers, endpoints and reasons."""
        callers = {(one.caller.kind, called(one.caller)): None for one in self.changes}
        reasons = dict.fromkeys(tuple(deciding(change)) for change in self.changes)
        return {
            "callers": [{"kind": kind, "name": name} for kind, name in islice(callers, most)],
            "more": self.more,
            "endpoints": [
                dict(zip(("key", "of"), standing(one), strict=True)) for one in self.endpoints[:most]
            ],
            "why": [[one.to_json() for one in each] for each in islice(reasons, most)],
        }


def entries(changes: Iterable[Change]) -> list[ListedChange]:
    """The changes, those alike put together, the dangerous ones first."""
    cells: dict[tuple[Any, ...], list[Change]] = {}
    for change in changes:
        key = (change.granted, change.endpoint.label, change.endpoint.but_not, change.line, change.denied_by)
        cells.setdefault(key, []).append(change)
    together: dict[tuple[Any, ...], list[Change]] = {}
    for group in cells.values():
        callers = tuple(change.caller.label for change in group)
        first = group[0]
        alike = (first.granted, callers, first.denied_by, *_danger(group))
        together.setdefault(alike, []).extend(group)
    found = [ListedChange(tuple(group), *alike[-2:]) for alike, group in together.items()]
    return sorted(found, key=lambda entry: entry.rank)


def _danger(changes: Sequence[Change]) -> tuple[str, int]:
    """Why a change is dangerous, and how much: 0 is worst."""
    change = changes[0]
    if not change.granted:
        return "", 6
    kinds = {change.caller.kind for change in changes}
    return danger(kinds, change.new.rule, change.endpoint.obj, undone_deny=change.denied_by is not None)


def role_links(diff: Diff, overview: Overview) -> list[LinkChange]:
    """The links between roles, those of people being told with the people.

    A link that stays is told where its role has something new that not every valid token has.
    """
    people = {one.person for one in overview.memberships} | {row.person for row in overview.people}
    common = {change.cell for change in diff.cells if change.caller.kind in {"nobody", "token"}}
    own = {change.caller.name for change in diff.cells if change.cell not in common}
    return [
        link for link in diff.links if link.user not in people and (link.change != "kept" or link.role in own)
    ]


def to_json(diff: Diff, overview: Overview | None = None) -> dict[str, Any]:
    """The shape of :meth:`Diff.to_json <rbac.diff.differences.Diff.to_json>`; with an ``overview`` also ``summary``,
    its parts in ``headline``, and what :meth:`Overview.to_json <rbac.diff.overview.Overview.to_json>` has."""
    if overview is not None:
        said = {
            "summary": headline(diff, overview),
            "headline": headline_parts(diff, overview),
            **overview.to_json(),
        }
    else:
        said = {}
    return diff.to_json() | said
