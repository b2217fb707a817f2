"""What an edit does to people and names, before any cell: who becomes what, who is new, which line does nothing."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from rbac.decision import Rule
from rbac.diff.diff import diff
from rbac.diff.differences import Change, Diff, each_once
from rbac.diff.shown import locked_out, shown
from rbac.document.names import SUBJECT
from rbac.errors import PolicyError
from rbac.policy import Policy
from rbac.routes import Route
from rbac.text.nearest import nearest

MOST_WORK: Final = 20_000
"""Edited lines times rules: where there is more, nobody waits for which of the lines do nothing."""


@dataclass(frozen=True, slots=True)
class Membership:
    """A person who gains or loses a role, by the link in this line. ``domain`` is "" where the model has none."""

    person: str
    role: str
    domain: str
    gained: bool
    line: int

    def to_json(self) -> dict[str, Any]:
        """Who becomes what, or is no longer."""
        return {
            "sub": self.person,
            "role": self.role,
            **({"domain": self.domain} if self.domain else {}),
            "change": "gained" if self.gained else "lost",
            "line": self.line,
        }


@dataclass(frozen=True, slots=True)
class NewName:
    """A role or a person that the new document names and the old one does not, first in ``line``.

    ``alone`` says of a role that no other line names it, ``similar`` which name it may have been meant to be.
    """

    name: str
    kind: Literal["role", "person"]
    line: int
    alone: bool
    similar: str

    def to_json(self) -> dict[str, Any]:
        """The name, and whether it may be a mistake."""
        return {
            "name": self.name,
            "kind": self.kind,
            "line": self.line,
            "named_once": self.alone,
            "similar": self.similar or None,
        }


@dataclass(frozen=True, slots=True)
class EditedLine:
    """A line that only one of the two documents has."""

    document: Literal["old", "new"]
    rule: Rule

    def to_json(self) -> dict[str, Any]:
        """The line, and which document has it."""
        return {"document": self.document, **self.rule.to_json()}


@dataclass(frozen=True, slots=True)
class PersonRow:
    """All that changes for one person: the endpoints that they gain and lose, and whether nothing is left."""

    person: str
    gained: tuple[Change, ...]
    lost: tuple[Change, ...]
    nothing_left: bool

    def to_json(self) -> dict[str, Any]:
        """The person, and how much they gain and lose."""
        return {
            "sub": self.person,
            "gained": len(self.gained),
            "lost": len(self.lost),
            "nothing_left": self.nothing_left,
        }


@dataclass(frozen=True, slots=True)
class Overview:
    """What comes before the cells. ``idle`` are lines that change nothing, ``None`` where that was not looked for,
    or cannot be told.

    ``odd`` are changes that show for no caller as they come, such as one whose ``sub`` is the name of a role.
    """

    memberships: tuple[Membership, ...]
    names: tuple[NewName, ...]
    idle: tuple[EditedLine, ...] | None
    people: tuple[PersonRow, ...]
    odd: tuple[Change, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """``memberships``, ``affected`` (one row a person), ``new_names`` and ``idle_lines`` (``null`` where that was not
        looked for)."""
        return {
            "memberships": [one.to_json() for one in self.memberships],
            "affected": [row.to_json() for row in self.people],
            "new_names": [one.to_json() for one in self.names],
            "idle_lines": None if self.idle is None else [one.to_json() for one in self.idle],
        }


def overview(
    old: Policy, new: Policy, found: Diff, routes: Sequence[Route] = (), *, subjects: str = SUBJECT
) -> Overview:
    """What ``found``, the shown difference of these two, means for people and names."""
    edited = tuple(_edited(old, new))
    known = _people(old, subjects) | _people(new, subjects)
    odd = tuple(change for change in found.people if change.caller.name not in known)
    out = locked_out(found, old, new, routes, subjects=subjects)
    return Overview(
        memberships=tuple(_memberships(old, new, edited, subjects)),
        names=tuple(_new_names(old, new, subjects)),
        idle=_idle(old, new, found, edited, routes),
        people=tuple(_rows((change for change in found.people if change not in odd), frozenset(out))),
        odd=odd,
    )


def _edited(old: Policy, new: Policy) -> Iterator[EditedLine]:
    """The lines that came, and those that went, whatever their order."""
    before, after = (
        Counter((rule.ptype, rule.fields) for rule in policy.document.rules()) for policy in (old, new)
    )
    for name, policy, others in (("new", new, before), ("old", old, after)):
        left = Counter(others)
        for rule in policy.document.rules():
            key = rule.ptype, rule.fields
            if left[key]:
                left[key] -= 1
            else:
                yield EditedLine("new" if name == "new" else "old", rule)


def _memberships(
    old: Policy, new: Policy, edited: Iterable[EditedLine], subjects: str
) -> Iterator[Membership]:
    people = {"old": _people(old, subjects), "new": _people(new, subjects)}
    for line in edited:
        rule = line.rule
        if rule.ptype == "g" and rule.fields[0] in people[line.document]:
            domain = rule.fields[2] if len(rule.fields) > 2 else ""
            yield Membership(rule.fields[0], rule.fields[1], domain, line.document == "new", rule.line)


def _people(policy: Policy, subjects: str) -> frozenset[str]:
    names = policy.names(subjects)
    return frozenset((*names.subjects, *names.singled_out))


def _new_names(old: Policy, new: Policy, subjects: str) -> Iterator[NewName]:
    known = {name for name, _ in _named(old)} | set(old.relations.constants) | set(new.relations.constants)
    lines: dict[str, list[int]] = {}
    for name, line in _named(new):
        lines.setdefault(name, []).append(line)
    people = _people(new, subjects)
    roles = [name for name in lines if name not in people]
    for name, where in lines.items():
        if name in known:
            continue
        kind: Literal["role", "person"] = "person" if name in people else "role"
        others = [other for other in (*roles, *new.relations.constants) if other != name]
        similar = nearest(name, others, 0.75) if kind == "role" else ""
        alone = kind == "role" and len(set(where)) == 1
        yield NewName(name, kind, min(where), alone, similar)


def _named(policy: Policy) -> Iterator[tuple[str, int]]:
    """Every name of a caller in a rule or a link, with its line."""
    column = policy.relations.role_column
    for rule in policy.document.rules():
        if rule.ptype == "g":
            yield rule.fields[0], rule.line
            yield rule.fields[1], rule.line
        elif rule.ptype == "p" and column is not None:
            yield rule.fields[column], rule.line


def _idle(
    old: Policy, new: Policy, found: Diff, edited: Sequence[EditedLine], routes: Sequence[Route]
) -> tuple[EditedLine, ...] | None:
    """The edited lines without which everybody has what they have with them; ``None`` where not every request can be
    told, for then a line may do what does not show."""
    if found.notes:
        return None
    if len(edited) < 2:
        return tuple(edited) if not (found.cells or found.people) else ()
    if len(edited) * max(len(old.document.rows["p"]), len(new.document.rows["p"])) > MOST_WORK:
        return None
    idle: list[EditedLine] = []
    for name, policy in (("new", new), ("old", old)):
        whole = policy
        # From the last one on: of two lines that say the same, the second is the one that does nothing.
        for line in [line for line in reversed(edited) if line.document == name]:
            without = _without(whole, line.rule.line)
            if without is not None and not _differs(without, whole, routes):
                idle.append(line)
                whole = without
    return tuple(sorted(idle, key=lambda line: (line.document, line.rule.line)))


def _differs(one: Policy, other: Policy, routes: Sequence[Route]) -> bool:
    found = shown(diff(one, other, routes), one, other, routes)
    return bool(found.cells or found.people)


def _without(policy: Policy, line: int) -> Policy | None:
    """The policy without what stands in one line, or ``None`` where that is no policy."""
    document = policy.document
    lines = document.policy_bytes.split(b"\n")
    lines[line - 1] = b""
    try:
        return Policy.parse(
            document.model_bytes,
            b"\n".join(lines),
            policy_name=document.policy_name,
            functions=document.functions,
        )
    except PolicyError:
        return None


def _rows(changes: Iterable[Change], locked_out: frozenset[str]) -> Iterator[PersonRow]:
    """One row a person, each endpoint once."""
    people: dict[str, list[Change]] = {}
    for change in changes:
        people.setdefault(change.caller.name, []).append(change)
    for person, found in people.items():
        gained = each_once(change for change in found if change.granted)
        lost = each_once(change for change in found if not change.granted)
        yield PersonRow(person, gained, lost, person in locked_out)
