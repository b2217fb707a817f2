"""The line above a difference: of people first, then of roles. In parts, so that a page says it in its own language."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from rbac.diff.differences import Change, Diff
from rbac.diff.overview import Membership, Overview
from rbac.text.wording import quoted

MOST_NAMED: Final = 3
"""More roles than these are counted."""

HeadlinePart = Mapping[str, Any]
"""What one part says, in ``key``, and with it the numbers and names that it says it of."""


def headline(diff: Diff, overview: Overview) -> str:
    """The parts in one English sentence."""
    return "; ".join(_ENGLISH[part["key"]](part) for part in headline_parts(diff, overview))


def headline_parts(diff: Diff, overview: Overview) -> list[HeadlinePart]:
    """``becomes`` and ``ceases`` (a number of persons, ``role``, ``domain``), ``lose_everything``, ``gain`` and ``lose`` (a
    number of persons), ``roles``, and ``nothing``."""
    parts = [*_become(overview.memberships), *_people(overview), *_roles(diff.cells)]
    if not diff.cells and not diff.people:
        parts.append(_nothing(diff, "what nobody sends" if diff.unsent else ""))
    elif not parts:
        parts.append(_nothing(diff, "nobody as they come"))
    return parts


def number_of(changes: Iterable[Change]) -> int:
    """How many endpoints: the known ones, or where there are none, the examples."""
    changes = tuple(changes)
    known = [change for change in changes if not change.witness] or changes
    return len({change.endpoint.route for change in known})


def endpoints(number: int) -> str:
    """``1 endpoint``."""
    return f"{number} endpoint{'' if number == 1 else 's'}"


def verb(number: int, said: str) -> str:
    """``gains`` for one, ``gain`` for several."""
    return f"{said}s" if number == 1 else said


def _nothing(diff: Diff, but: str) -> HeadlinePart:
    return {"key": "nothing", "certain": not diff.notes, "but": but}


def _become(memberships: Iterable[Membership]) -> list[HeadlinePart]:
    counts = Counter((one.role, one.domain, one.gained) for one in memberships)
    return [
        {"key": "becomes" if gained else "ceases", "number": number, "role": role, "domain": domain}
        for (role, domain, gained), number in counts.items()
    ]


def _people(overview: Overview) -> list[HeadlinePart]:
    """People for whom something changes by another way than a link of their own."""
    linked = {one.person for one in overview.memberships}
    rows = [row for row in overview.people if row.person not in linked]
    counts = {
        "lose_everything": sum(row.nothing_left for row in rows),
        "gain": sum(bool(row.gained) for row in rows),
        "lose": sum(bool(row.lost) and not row.nothing_left for row in rows),
    }
    return [{"key": key, "number": number} for key, number in counts.items() if number]


def _roles(cells: Sequence[Change]) -> list[HeadlinePart]:
    """What roles gain and lose, and in how many cells."""
    if not cells:
        return []
    granted, revoked = ([change for change in cells if change.granted is side] for side in (True, False))
    counts = (sum(1 + change.also for change in side) for side in (granted, revoked))
    return [
        {"key": "roles", "gain": _callers(granted), "lose": _callers(revoked)}
        | dict(zip(("granted", "revoked"), counts, strict=True))
    ]


def _callers(changes: Sequence[Change]) -> HeadlinePart | None:
    """Who: everybody (``nobody``), any ``token``, or ``roles``, with their names where these are few."""
    if not changes:
        return None
    kinds = {change.caller.kind for change in changes}
    names = list(dict.fromkeys(change.caller.label for change in changes))
    return {
        "who": next((kind for kind in ("nobody", "token") if kind in kinds), "roles"),
        "names": names if len(names) <= MOST_NAMED else [],
        "number": len(names),
        "endpoints": number_of(changes),
    }


# --- in English


def _persons(number: int) -> str:
    return "one person" if number == 1 else f"{number} persons"


def _membership(part: HeadlinePart) -> str:
    number, domain = part["number"], part["domain"]
    if part["key"] == "becomes":
        said = "becomes" if number == 1 else "become"
    else:
        said = "is no longer" if number == 1 else "are no longer"
    return f"{_persons(number)} {said} `{part['role']}`{f' in `{domain}`' if domain else ''}"


def _of_people(said: str, what: str) -> Callable[[HeadlinePart], str]:
    return lambda part: f"{_persons(part['number'])} {verb(part['number'], said)} {what}"


def _of_roles(part: HeadlinePart) -> str:
    said = [_side(name, part[name]) for name in ("gain", "lose") if part[name]]
    return f"{', '.join(said)} ({part['granted']} granted, {part['revoked']} revoked)"


def _side(name: str, side: HeadlinePart) -> str:
    number = side["number"] if side["who"] == "roles" else 1
    who = {"nobody": "everyone", "token": "every valid token"}.get(side["who"], "")
    if name == "lose" and side["who"] == "nobody":
        who, number = "callers without a token", 2
    who = who or (quoted(side["names"]) if side["names"] else f"{number} roles")
    return f"{who} {verb(number, name)} {endpoints(side['endpoints'])}"


def _no_change(part: HeadlinePart) -> str:
    said = "no access changes" if part["certain"] else "no access change is found"
    return f"{said} but {_BUT[part['but']]}" if part["but"] else said


_BUT: Final = {
    "what nobody sends": "to requests that nobody sends",
    "nobody as they come": "for callers as nobody comes",
}
_ENGLISH: Final[Mapping[str, Callable[[HeadlinePart], str]]] = {
    "becomes": _membership,
    "ceases": _membership,
    "lose_everything": _of_people("lose", "everything"),
    "gain": _of_people("gain", "access"),
    "lose": _of_people("lose", "access"),
    "roles": _of_roles,
    "nothing": _no_change,
}
