"""A diff as JSON, and as the rows that people read: what is dangerous first, one row for what one rule does."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rbac.callers import Caller
from rbac.diff_overview import EditedLine, Membership, NewName, Overview, PersonRow
from rbac.differences import Change, Diff, LinkChange

_ADMINISTRATIVE: Final = ("admin", "debug", "policy", "root", "internal", "metrics", "secret", "token")
_MOST_CALLERS: Final = 6
_MOST_NAMED: Final = 3
_WHO: Final = {"nobody": "callers without a token", "token": "any valid token"}
_PLACEHOLDER: Final = re.compile(r"(?<=/)(:[^/]+|\{[^/]*\})")


@dataclass(frozen=True, slots=True)
class Entry:
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
        names = dict.fromkeys(called(change.caller) for change in self.changes)
        more = max(change.also for change in self.changes)
        return (*names, *([f"up to {more} callers more"] if more else []))

    @property
    def endpoints(self) -> tuple[Change, ...]:
        """One change for each endpoint, in their order."""
        found: dict[str, Change] = {}
        for change in self.changes:
            found.setdefault(endpoint(change), change)
        return tuple(found.values())

    @property
    def why(self) -> tuple[str, ...]:
        """The rules that decide, with their lines, each once."""
        return tuple(dict.fromkeys(map(reason, self.changes)))


def called(caller: Caller) -> str:
    """The caller's name, or words for one who has none."""
    return _WHO.get(caller.kind, caller.label)


def endpoint(change: Change) -> str:
    """``GET /admin``."""
    return change.endpoint.label


def example(change: Change) -> str:
    """For an endpoint that is no known one: what it stands for, in words; else nothing."""
    if not change.witness:
        return ""
    literal = _literal(change)
    if literal is not None:
        state = "closed" if change.granted else "open"
        return f"this very path: `{literal}` stands for itself, and every other value stays {state}"
    if _is_pattern(change):
        return f"for example, of all that `{change.stands_for}` meets and no known endpoint answers"
    return "no known endpoint"


def _literal(change: Change) -> str | None:
    """What looks like a placeholder in a path, and is none: the path is itself."""
    found = _PLACEHOLDER.search(change.endpoint.obj)
    return None if found is None else found[0]


def examples(changes: Iterable[Change]) -> list[tuple[list[str], str]]:
    """The endpoints that are no known ones, those that are explained alike together, with what they stand for."""
    together: dict[str, list[str]] = {}
    patterns: dict[str, str] = {}
    for change in changes:
        if change.witness and _is_pattern(change):
            patterns.setdefault(change.stands_for, endpoint(change))
            together.setdefault("", []).append(endpoint(change))
        elif change.witness:
            together.setdefault(example(change), []).append(endpoint(change))
    alike = shortened([f"`{pattern}`" for pattern in patterns], _MOST_NAMED)
    said = f"for example, of all that {alike} {_verb(len(patterns), 'meet')} and no known endpoint answers"
    return [(names, one or said) for one, names in together.items()]


def _is_pattern(change: Change) -> bool:
    """Whether an example stands for more than itself."""
    return _literal(change) is None and change.stands_for not in {"", endpoint(change)}


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


def entries(changes: Iterable[Change]) -> list[Entry]:
    """The changes, those alike put together, the dangerous ones first."""
    cells: dict[tuple[Any, ...], list[Change]] = {}
    for change in changes:
        key = (change.granted, change.endpoint.label, change.line, change.denied_by)
        cells.setdefault(key, []).append(change)
    together: dict[tuple[Any, ...], list[Change]] = {}
    for group in cells.values():
        callers = tuple(change.caller.label for change in group)
        first = group[0]
        alike = (first.granted, callers, first.denied_by, *_danger(group))
        together.setdefault(alike, []).extend(group)
    found = [Entry(tuple(group), *alike[-2:]) for alike, group in together.items()]
    return sorted(found, key=lambda entry: entry.rank)


def shortened(names: Sequence[str], most: int = _MOST_CALLERS) -> str:
    """``a, b and 3 more``."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _danger(changes: Sequence[Change]) -> tuple[str, int]:
    """Why a change is dangerous, and how much: 0 is worst."""
    change = changes[0]
    if not change.granted:
        return "", 6
    kinds = {change.caller.kind for change in changes}
    rule = change.new.rule
    tests: Sequence[tuple[str, Callable[[], bool]]] = (
        ("open to everyone, without a token", lambda: "nobody" in kinds),
        ("open to any valid token", lambda: "token" in kinds),
        ("a deny no longer applies", lambda: change.denied_by is not None),
        ("by a wildcard", lambda: rule is not None and any("*" in field for field in rule.fields)),
        (
            "an administrative path",
            lambda: any(word in change.endpoint.obj.lower() for word in _ADMINISTRATIVE),
        ),
    )
    return next(((text, rank) for rank, (text, test) in enumerate(tests) if test()), ("", 5))


# --- in words


def headline(diff: Diff, overview: Overview) -> str:
    """One line: what becomes of people first, then of roles."""
    parts = [*_become(overview.memberships), *_people(overview), *_roles(diff.cells)]
    nothing = "no access change is found" if diff.notes else "no access changes"
    if not diff.cells and not diff.people:
        parts.append(f"{nothing} but to requests that nobody sends" if diff.unsent else nothing)
    elif not parts:
        parts.append(f"{nothing} but for callers as nobody comes")
    return "; ".join(parts)


def _become(memberships: Iterable[Membership]) -> list[str]:
    counts = Counter((one.role, one.domain, one.gained) for one in memberships)
    found = []
    for (role, domain, gained), number in counts.items():
        verb = ("becomes" if number == 1 else "become") if gained else _is(number, "no longer")
        found.append(f"{_persons(number)} {verb} `{role}`{f' in `{domain}`' if domain else ''}")
    return found


def _people(overview: Overview) -> list[str]:
    """People for whom something changes by another way than a link of their own."""
    linked = {one.person for one in overview.memberships}
    rows = [row for row in overview.people if row.person not in linked]
    out = sum(row.nothing_left for row in rows)
    gaining = sum(bool(row.gained) for row in rows)
    losing = sum(bool(row.lost) and not row.nothing_left for row in rows)
    return [
        *([f"{_persons(out)} {_verb(out, 'lose')} everything"] if out else []),
        *([f"{_persons(gaining)} {_verb(gaining, 'gain')} access"] if gaining else []),
        *([f"{_persons(losing)} {_verb(losing, 'lose')} access"] if losing else []),
    ]


def _roles(cells: Sequence[Change]) -> list[str]:
    """What roles gain and lose, and in how many cells."""
    parts = []
    for verb, changes in (
        ("gain", [change for change in cells if change.granted]),
        ("lose", [change for change in cells if not change.granted]),
    ):
        if not changes:
            continue
        kinds = {change.caller.kind for change in changes}
        names = list(dict.fromkeys(change.caller.label for change in changes))
        endpoints = _number(changes)
        if "nobody" in kinds:
            who, number = ("everyone", 1) if verb == "gain" else ("callers without a token", 2)
        elif "token" in kinds:
            who, number = "every valid token", 1
        else:
            quoted = ", ".join(f"`{name}`" for name in names)
            who, number = quoted if len(names) <= _MOST_NAMED else f"{len(names)} roles", len(names)
        parts.append(f"{who} {_verb(number, verb)} {endpoints}")
    granted, revoked = (
        sum(1 + change.also for change in cells if change.granted is side) for side in (True, False)
    )
    return [f"{', '.join(parts)} ({granted} granted, {revoked} revoked)"] if parts else []


def _persons(number: int) -> str:
    return "one person" if number == 1 else f"{number} persons"


def _verb(number: int, verb: str) -> str:
    return f"{verb}s" if number == 1 else verb


def _is(number: int, what: str) -> str:
    return f"{'is' if number == 1 else 'are'} {what}"


def odd_sentence(change: Change) -> str:
    """What changes for a caller as nobody comes."""
    verb = "can" if change.granted else "can no longer"
    return f"{change.caller.label} {verb} {endpoint(change)}; {reason(change)}"


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


def _number(changes: Iterable[Change]) -> str:
    """How many endpoints: the known ones, or where there are none, the examples."""
    changes = tuple(changes)
    known = [change for change in changes if not change.witness] or changes
    number = len(set(map(endpoint, known)))
    return f"{number} endpoint{'' if number == 1 else 's'}"


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
    if link.change == "kept":
        return f"`{link.user}` inherits from `{link.role}`, which carries something else now ({counts})"
    verb = "now inherits" if link.change == "added" else "no longer inherits"
    return f"`{link.user}` {verb} from `{link.role}` (line {link.line}; {counts})"


def role_links(diff: Diff, overview: Overview) -> list[LinkChange]:
    """The links between roles, those of people being told with the people.

    A link that stays is told where its role has something new that not every valid token has.
    """
    people = {one.person for one in overview.memberships} | {row.person for row in overview.people}
    common = {_cell_key(change) for change in diff.cells if change.caller.kind in {"nobody", "token"}}
    own = {change.caller.name for change in diff.cells if _cell_key(change) not in common}
    return [
        link for link in diff.links if link.user not in people and (link.change != "kept" or link.role in own)
    ]


def _cell_key(change: Change) -> tuple[str, bool]:
    return endpoint(change), change.granted


# --- as JSON


def to_json(diff: Diff, overview: Overview | None = None) -> dict[str, Any]:
    """``{old, new, granted, revoked, equivalent}``, and besides ``people``, ``links``, ``complete``, ``notes``.

    A cell off the known routes has ``witness``, and says what it is an example of: ``stands_for`` is the method and
    path of the rule, ``literal`` what looks like a placeholder and is none. ``also``: for so many callers more it is the
    same, and none of them has a cell of its own. With an ``overview`` also ``summary``, ``memberships``, ``affected``
    (one row a person), ``new_names`` and ``idle_lines`` (``null`` where that was not looked for).
    """
    shape: dict[str, Any] = {
        "old": diff.old,
        "new": diff.new,
        "granted": [_cell(change) for change in diff.granted],
        "revoked": [_cell(change) for change in diff.revoked],
        "equivalent": diff.equivalent,
        "people": [_person(change) for change in diff.people],
        "links": [_link(link) for link in diff.links],
        "unsent": len(diff.unsent),
        "complete": not diff.notes,
        "notes": list(diff.notes),
    }
    return shape if overview is None else shape | _overview(diff, overview)


def _overview(diff: Diff, overview: Overview) -> dict[str, Any]:
    return {
        "summary": headline(diff, overview),
        "memberships": [
            {
                "sub": one.person,
                "role": one.role,
                **({"domain": one.domain} if one.domain else {}),
                "change": "gained" if one.gained else "lost",
                "line": one.line,
            }
            for one in overview.memberships
        ],
        "affected": [
            {
                "sub": row.person,
                "gained": len(row.gained),
                "lost": len(row.lost),
                "nothing_left": row.nothing_left,
            }
            for row in overview.people
        ],
        "new_names": [
            {
                "name": one.name,
                "kind": one.kind,
                "line": one.line,
                "named_once": one.alone,
                "similar": one.similar or None,
            }
            for one in overview.names
        ],
        "idle_lines": None
        if overview.idle is None
        else [
            {"document": one.document, "line": one.rule.line, "text": one.rule.text} for one in overview.idle
        ],
    }


def _cell(change: Change) -> dict[str, Any]:
    cell: dict[str, Any] = {
        "role": change.caller.label,
        "act": change.endpoint.act,
        "obj": change.endpoint.obj,
        "rule": change.line,
    }
    literal = _literal(change) if change.witness else None
    stands_for = change.stands_for if change.stands_for not in {"", endpoint(change)} else None
    besides = {**change.caller.besides, **change.endpoint.besides}
    optional: Mapping[str, Any] = {
        "denied_by": change.denied_by,
        "also": change.also or None,
        "with": besides or None,
        "witness": change.witness or None,
        "stands_for": None if literal else stands_for,
        "literal": literal,
    }
    return cell | {key: value for key, value in optional.items() if value is not None}


def _person(change: Change) -> dict[str, Any]:
    cell = _cell(change)
    del cell["role"]
    return {"sub": change.caller.name, "caller": change.caller.label, "granted": change.granted, **cell}


def _link(link: LinkChange) -> dict[str, Any]:
    return {
        "user": link.user,
        "role": link.role,
        "change": link.change,
        "line": link.line,
        "granted": link.granted,
        "revoked": link.revoked,
    }
