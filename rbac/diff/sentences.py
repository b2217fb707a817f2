"""What a diff says in words: what decides, what an endpoint stands for, what becomes of people, roles and links."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from rbac.diff.differences import Change, LinkChange
from rbac.diff.headline import MOST_NAMED, endpoints, number_of, verb
from rbac.diff.overview import EditedLine, Membership, NewName, Overview, PersonRow
from rbac.space.callers import Caller

_MOST_CALLERS: Final = 6
_WHO: Final = {"nobody": "callers without a token", "token": "any valid token"}


def called(caller: Caller) -> str:
    """The caller's name, or words for one who has none."""
    return _WHO.get(caller.kind, caller.label)


def example(change: Change) -> str:
    """For an endpoint that is no known one, and for a path of one: what it stands for, in words; else nothing."""
    if change.literal is not None:
        state = "closed" if change.granted else "open"
        return f"this very path: `{change.literal}` stands for itself, and every other value stays {state}"
    if not change.witness:
        return ""
    if change.is_pattern:
        return f"for example, of all that `{change.stands_for}` meets and no known endpoint answers"
    return "no known endpoint"


def examples(changes: Iterable[Change]) -> list[tuple[list[str], str]]:
    """The endpoints that are no known ones, those that are explained alike together, with what they stand for."""
    together: dict[str, list[str]] = {}
    patterns: dict[str, str] = {}
    for change in changes:
        if change.witness and change.is_pattern:
            patterns.setdefault(change.stands_for, change.endpoint.label)
            together.setdefault("", []).append(change.endpoint.label)
        elif example(change):
            together.setdefault(example(change), []).append(change.endpoint.label)
    alike = shortened([f"`{pattern}`" for pattern in patterns], MOST_NAMED)
    said = f"for example, of all that {alike} {verb(len(patterns), 'meet')} and no known endpoint answers"
    return [(names, one or said) for one, names in together.items()]


def reason(change: Change) -> str:
    """The rules that decide, with their lines."""
    return "; ".join(f"{said}: {text}" if text else said for said, text in reasons(change))


def reasons(change: Change) -> list[tuple[str, str]]:
    """In words what decides, and the text of the rule."""
    parts = []
    if change.denied_by is not None:
        document = "old" if change.granted else "new"
        denying = (change.old if change.granted else change.new).rule
        no_longer = "no longer " if change.granted else ""
        said = f"{no_longer}denied by line {change.denied_by} of the {document}"
        parts.append((said, denying.text if denying else ""))
    rule = (change.new if change.granted else change.old).rule
    if rule is not None:
        parts.append((f"{'' if change.granted else 'was '}allowed by line {rule.line}", rule.text))
    return parts or [("by default", "")]


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
        return f"a person, in line {name.line}"
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
