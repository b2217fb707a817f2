"""What a diff says in words: what decides, what an endpoint stands for, what becomes of people, roles and links."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rbac.diff.differences import Change, LinkChange
from rbac.diff.headline import MOST_NAMED, endpoints, number_of, verb
from rbac.diff.overview import EditedLine, Membership, NewName, Overview, PersonRow
from rbac.document.names import CLIENT
from rbac.space.callers import Caller

_MOST_CALLERS: Final = 6
_WHO: Final = {"nobody": "callers without a token", "token": "any valid token"}
_DECIDES: Final = {
    "allowed": "allowed by line {}",
    "was_allowed": "was allowed by line {}",
    "denied": "denied by line {} of the new",
    "no_longer_denied": "no longer denied by line {} of the old",
    "by_default": "by default",
}


@dataclass(frozen=True, slots=True)
class Deciding:
    """What decides a change: the rule ``text`` in ``line``, and in ``key`` how; ``by_default`` where no rule does."""

    key: str
    line: int
    text: str

    @property
    def said(self) -> str:
        """How it decides, in words."""
        return _DECIDES[self.key].format(self.line)

    def __str__(self) -> str:
        return f"{self.said}: {self.text}" if self.text else self.said

    def to_json(self) -> dict[str, Any]:
        """Its parts, for whoever has other words for them."""
        return {"key": self.key, "line": self.line, "text": self.text}


def called(caller: Caller) -> str:
    """The caller's name, or words for one who has none."""
    return _WHO.get(caller.kind, caller.label)


def standing(change: Change) -> tuple[str, str]:
    """For an endpoint that is no known one, and for a path of one, what it stands for: ``literal``, ``pattern`` or
    ``unknown``, and of what; else ``("", "")``."""
    if change.literal is not None:
        return "literal", change.literal
    if not change.witness:
        return "", ""
    return ("pattern", change.stands_for) if change.is_pattern else ("unknown", "")


def example(change: Change) -> str:
    """What :func:`standing` tells, in words."""
    key, of = standing(change)
    state = "closed" if change.granted else "open"
    return {
        "": "",
        "literal": f"this very path: `{of}` stands for itself, and every other value stays {state}",
        "pattern": f"for example, of all that `{of}` meets and no known endpoint answers",
        "unknown": "no known endpoint",
    }[key]


def examples(changes: Iterable[Change]) -> list[tuple[list[str], str]]:
    """The endpoints that are no known ones, those that are explained alike together, with what they stand for."""
    together: dict[str, list[str]] = {}
    patterns: dict[str, str] = {}
    for change in changes:
        if change.witness and change.is_pattern:
            patterns.setdefault(change.stands_for, change.endpoint.label)
            together.setdefault("", []).append(change.endpoint.label)
        elif example(change):
            endpoint = change.endpoint
            label = f"{endpoint.act} {endpoint.obj}" if change.literal is not None else endpoint.label
            together.setdefault(example(change), []).append(label)
    alike = shortened([f"`{pattern}`" for pattern in patterns], MOST_NAMED)
    said = f"for example, of all that {alike} {verb(len(patterns), 'meet')} and no known endpoint answers"
    return [(names, one or said) for one, names in together.items()]


def reason(change: Change) -> str:
    """The rules that decide, with their lines."""
    return "; ".join(map(str, deciding(change)))


def deciding(change: Change) -> list[Deciding]:
    """The rules that decide, the one that denies first."""
    parts = []
    if change.denied_by is not None:
        denying = (change.old if change.granted else change.new).rule
        key = "no_longer_denied" if change.granted else "denied"
        parts.append(Deciding(key, change.denied_by, denying.text if denying else ""))
    rule = (change.new if change.granted else change.old).rule
    if rule is not None:
        parts.append(Deciding("allowed" if change.granted else "was_allowed", rule.line, rule.text))
    return parts or [Deciding("by_default", 0, "")]


def shortened(names: Sequence[str], most: int = _MOST_CALLERS) -> str:
    """``a, b and 3 more``."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def odd_sentence(change: Change) -> str:
    """What changes for a caller as nobody comes."""
    verb = "can" if change.granted else "can no longer"
    return f"{change.caller.label} {verb} {change.endpoint.label}; {reason(change)}"


def membership_sentence(one: Membership) -> str:
    """``becomes `admin```, behind the person's name."""
    domain = f" in `{one.domain}`" if one.domain else ""
    document = "" if one.gained else " of the old"
    return f"{'becomes' if one.gained else 'is no longer'} `{one.role}`{domain} (line {one.line}{document})"


def row_sentence(row: PersonRow) -> str:
    """What changes for one person, behind their name, in numbers."""
    if row.nothing_left and not row.gained:
        return f"loses everything: {_number(row.lost)}"
    parts = [
        *([f"gains {_number(row.gained)}"] if row.gained else []),
        *([f"loses {_number(row.lost)}"] if row.lost else []),
    ]
    return ", ".join(parts)


def of_people(overview: Overview) -> Iterator[tuple[PersonRow, str, bool]]:
    """Whoever gets or loses something, a row each: what becomes of them, in words, and whether they gain by it."""
    rows = {row.person: row for row in overview.people}
    roles: dict[str, list[str]] = {}
    for one in overview.memberships:
        roles.setdefault(one.person, []).append(membership_sentence(one))
    for person in dict.fromkeys((*roles, *rows)):
        row = rows.get(person, PersonRow(person, (), (), nothing_left=False))
        said = ", ".join(filter(None, [*roles.get(person, ()), row_sentence(row)]))
        yield row, said, bool(row.gained) or (person in roles and not row.lost)


def _number(changes: Iterable[Change]) -> str:
    return endpoints(number_of(changes))


def name_sentence(name: NewName) -> str:
    """What a new name is, behind it."""
    if name.kind == "person":
        return f"a {'program' if name.name.startswith(CLIENT) else 'person'}, in line {name.line}"
    similar = f"; did you mean `{name.similar}`?" if name.similar else ""
    if name.alone:
        return f"a role that line {name.line} names and nothing else does{similar}"
    return f"a role, in line {name.line}{similar}"


def idle_sentence(line: EditedLine) -> str:
    """Which line changes nothing."""
    verb = "changes nothing" if line.document == "new" else "changed nothing, and is gone"
    return f"line {line.rule.line} of the {line.document} {verb}: {line.rule.text}"


def link_sentence(link: LinkChange) -> str:
    """What became of a role link, in a sentence."""
    counts = f"{link.granted} granted, {link.revoked} revoked"
    role = f"`{link.role}`" + (f" in `{link.domain}`" if link.domain else "")
    if link.change == "kept":
        return f"`{link.user}` inherits from {role}, which carries something else now ({counts})"
    verb = "now inherits" if link.change == "added" else "no longer inherits"
    return f"`{link.user}` {verb} from {role} (line {link.line}; {counts})"
