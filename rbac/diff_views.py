"""A diff as JSON, as text and as Markdown for a pull request, what is dangerous first."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rbac.diff import Change, Diff, LinkChange

_ADMINISTRATIVE: Final = ("admin", "debug", "policy", "root", "internal", "metrics", "secret", "token")
_MOST_CALLERS: Final = 6


@dataclass(frozen=True, slots=True)
class Entry:
    """The same change of one endpoint for several callers, and why it deserves a look (``""``: it does
    not)."""

    changes: tuple[Change, ...]
    danger: str
    rank: int

    @property
    def granted(self) -> bool:
        """Whether the change is for more access."""
        return self.changes[0].granted

    @property
    def endpoint(self) -> str:
        """``GET /admin``."""
        return self.changes[0].endpoint.label

    @property
    def who(self) -> str:
        """The callers, at most six of them by name."""
        labels = list(dict.fromkeys(change.caller.label for change in self.changes))
        more = f" and {len(labels) - _MOST_CALLERS} more" if len(labels) > _MOST_CALLERS else ""
        return ", ".join(labels[:_MOST_CALLERS]) + more

    @property
    def why(self) -> str:
        """The rules that decide, with their lines."""
        change = self.changes[0]
        parts = []
        if change.denied_by is not None:
            document = "old" if change.granted else "new"
            parts.append(
                f"{'no longer ' if change.granted else ''}denied by line {change.denied_by} of the {document}"
            )
        rule = (change.new if change.granted else change.old).rule
        if rule is not None:
            parts.append(f"{'' if change.granted else 'was '}allowed by line {rule.line}: {rule.text}")
        return "; ".join(parts) or "by default"


def entries(changes: Iterable[Change]) -> list[Entry]:
    """The changes, those alike put together, the dangerous ones first."""
    together: dict[tuple[Any, ...], list[Change]] = {}
    for change in changes:
        key = (change.granted, change.endpoint.label, change.line, change.denied_by)
        together.setdefault(key, []).append(change)
    found = [Entry(tuple(group), *_danger(group)) for group in together.values()]
    return sorted(found, key=lambda entry: entry.rank)


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


def to_json(diff: Diff) -> dict[str, Any]:
    """``{old, new, granted, revoked, equivalent}``, and besides ``people``, ``links``, ``complete`` and
    ``notes``."""
    return {
        "old": diff.old,
        "new": diff.new,
        "granted": [_cell(change) for change in diff.granted],
        "revoked": [_cell(change) for change in diff.revoked],
        "equivalent": diff.equivalent,
        "people": [_person(change) for change in diff.people],
        "links": [_link(link) for link in diff.links],
        "complete": not diff.notes,
        "notes": list(diff.notes),
    }


def _cell(change: Change) -> dict[str, Any]:
    cell: dict[str, Any] = {
        "role": change.caller.label,
        "act": change.endpoint.act,
        "obj": change.endpoint.obj,
        "rule": change.line,
    }
    besides = {**change.caller.besides, **change.endpoint.besides}
    optional: Mapping[str, Any] = {
        "denied_by": change.denied_by,
        "with": besides or None,
        "witness": change.witness or None,
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


def link_sentence(link: LinkChange) -> str:
    """What became of a role link, in a sentence."""
    counts = f"{link.granted} granted, {link.revoked} revoked"
    if link.change == "kept":
        return f"{link.user} inherits from {link.role}, which carries something else now ({counts})"
    verb = "now inherits" if link.change == "added" else "no longer inherits"
    return f"{link.user} {verb} from {link.role} (line {link.line}; {counts})"


def summary(diff: Diff) -> str:
    """One line: how much changes."""
    if diff.equivalent:
        return "no access changes"
    people = len({change.caller.name for change in diff.people})
    named = f", {people} named {'person' if people == 1 else 'people'} affected" if people else ""
    return f"{len(diff.granted)} granted, {len(diff.revoked)} revoked{named}"


def to_markdown(diff: Diff) -> str:
    """A comment for a pull request."""
    lines = [f"### Access changes: {summary(diff)}", "", f"`{diff.old}` → `{diff.new}`"]
    found = entries(diff.cells)
    dangerous = [entry for entry in found if entry.danger]
    sections = (
        ("⚠️ Look at these first", dangerous),
        ("Granted", [entry for entry in found if entry.granted and not entry.danger]),
        ("Revoked", [entry for entry in found if not entry.granted]),
        ("Named people", entries(diff.people)),
    )
    for title, section in sections:
        if section:
            lines += ["", f"#### {title}", "", "| | endpoint | who | why |", "| --- | --- | --- | --- |"]
            lines += map(_row, section)
    if diff.links:
        lines += ["", "#### Role links", ""]
        lines += [f"- {_escape(link_sentence(link))}" for link in diff.links]
    lines += [f"\n> {_escape(note)}" for note in diff.notes]
    return "\n".join(lines) + "\n"


def _row(entry: Entry) -> str:
    sign = "➕" if entry.granted else "➖"
    endpoint = _escape(entry.endpoint) + (" *(example)*" if entry.changes[0].witness else "")
    why = _escape(entry.why) + (f" **{entry.danger}**" if entry.danger else "")
    return f"| {sign} | {endpoint} | {_escape(entry.who)} | {why} |"


def _escape(text: str) -> str:
    for character in "\\`*_{}[]<>|":
        text = text.replace(character, f"\\{character}")
    return text
