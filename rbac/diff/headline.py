"""The line above a difference: of people first, then of roles. In parts, so that a page says it in its own language."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from rbac.diff.differences import Change, Diff
from rbac.diff.overview import Membership, Overview
from rbac.document.names import CLIENT
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
    number of persons), ``roles``, and ``nothing``. Persons are programs where ``program`` is true."""
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
    counts = Counter((one.role, one.domain, one.gained, _is_program(one.person)) for one in memberships)
    return [
        {"key": "becomes" if gained else "ceases", "number": number, "role": role, "domain": domain}
        | ({"program": True} if program else {})
        for (role, domain, gained, program), number in counts.items()
    ]


def _is_program(name: str) -> bool:
    return name.startswith(CLIENT)


def _people(overview: Overview) -> list[HeadlinePart]:
    """People for whom something changes by another way than a link of their own."""
    linked = {one.person for one in overview.memberships}
    rows = [row for row in overview.people if row.person not in linked]
    parts: list[HeadlinePart] = []
    for program in (False, True):
        alike = [row for row in rows if _is_program(row.person) is program]
        counts = {
            "lose_everything": sum(row.nothing_left for row in alike),
            "gain": sum(bool(row.gained) for row in alike),
            "lose": sum(bool(row.lost) and not row.nothing_left for row in alike),
        }
        more = {"program": True} if program else {}
        parts += [{"key": key, "number": number, **more} for key, number in counts.items() if number]
    return parts


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
    """Who: ``everyone``, ``nobody`` who has a token, any ``token``, or ``roles``, with their names where these are few; and
    how many endpoints: theirs, and those of ``others`` alone."""
    if not changes:
        return None
    by_kind: dict[str, list[Change]] = {}
    for change in changes:
        by_kind.setdefault(change.caller.kind, []).append(change)
    who = next((kind for kind in ("nobody", "token") if kind in by_kind), "roles")
    theirs = by_kind.get(who, changes)
    if who == "nobody" and _routes(theirs) & _routes(by_kind.get("token", ())):
        who = "everyone"
    names = list(dict.fromkeys(change.caller.label for change in changes))
    known = [change for change in changes if not change.witness]
    others = len(_routes(known) - _routes(theirs))
    return {
        "who": who,
        "names": names if len(names) <= MOST_NAMED else [],
        "number": len(names),
        "endpoints": number_of(theirs),
    } | ({"others": others} if others else {})


def _routes(changes: Iterable[Change]) -> set[tuple[str, ...]]:
    return {change.endpoint.route for change in changes}


# --- in English


def _persons(part: HeadlinePart) -> str:
    what = "program" if part.get("program") else "person"
    return f"one {what}" if part["number"] == 1 else f"{part['number']} {what}s"


def _membership(part: HeadlinePart) -> str:
    number, domain = part["number"], part["domain"]
    if part["key"] == "becomes":
        said = "becomes" if number == 1 else "become"
    else:
        said = "is no longer" if number == 1 else "are no longer"
    return f"{_persons(part)} {said} `{part['role']}`{f' in `{domain}`' if domain else ''}"


def _of_people(said: str, what: str) -> Callable[[HeadlinePart], str]:
    return lambda part: f"{_persons(part)} {verb(part['number'], said)} {what}"


def _of_roles(part: HeadlinePart) -> str:
    said = [_side(name, part[name]) for name in ("gain", "lose") if part[name]]
    return f"{', '.join(said)} ({part['granted']} granted, {part['revoked']} revoked)"


def _side(name: str, side: HeadlinePart) -> str:
    number = {"roles": side["number"], "nobody": 2}.get(side["who"], 1)
    who = _WHO.get(side["who"]) or (quoted(side["names"]) if side["names"] else f"{number} roles")
    others = f", others {side['others']} more" if "others" in side else ""
    return f"{who} {verb(number, name)} {endpoints(side['endpoints'])}{others}"


def _no_change(part: HeadlinePart) -> str:
    said = "no access changes" if part["certain"] else "no access change is found"
    return f"{said} but {_BUT[part['but']]}" if part["but"] else said


_WHO: Final = {
    "everyone": "everyone",
    "nobody": "callers without a token",
    "token": "every valid token",
}
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
