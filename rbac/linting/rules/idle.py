"""Warnings about rules that do nothing: a deny that takes nothing from anyone, a rule for a role that nobody holds."""

import math
from collections.abc import Collection, Generator, Iterator, Sequence
from typing import Final

from casbin.constant.constants import ALLOW_AND_DENY_EFFECT, PRIORITY_EFFECT

from rbac.background import paced, take_apart
from rbac.errors import Problem
from rbac.linting.names.callers_known import KnownCallers
from rbac.linting.reading.subject import Reading, ancestors
from rbac.linting.rules.allows import Allows
from rbac.matching.languages import Budget
from rbac.text.nearest import Nearest
from rbac.text.yaml_text import yaml_text


def check_idle(reading: Reading, named: Collection[str] = ()) -> Iterator[Problem]:
    """Rules that change no answer for anyone who is known. ``named`` are the names that policy tests use."""
    callers = KnownCallers(reading, named)
    unknown = yield from _unknown_roles(reading, callers)
    yield from _unknown_holders(reading, callers)
    effect = reading.column("eft")
    if effect is None or reading.document.definition.effect not in (ALLOW_AND_DENY_EFFECT, PRIORITY_EFFECT):
        return
    allows: Allows | None = None
    last = _last_allow(reading, effect)
    for line, row in reading.rules():
        if row[effect] != "deny" or line in unknown:
            continue
        allows = allows or Allows(reading, callers)
        if not allows.meet(row):
            message, hint = allows.told(row)
            yield reading.in_rule(line, allows.blame(row), "idle-deny", message, hint)
        elif line > last and _narrow(row, reading):
            yield reading.in_rule(line, effect, "idle-deny", *_TOO_LATE)
    if allows is not None:
        allows.take_apart()
    callers.take_apart()


_TOO_LATE: Final = (
    "the first rule that meets a request decides, and none behind this one allows anything: it takes nothing away",
    "move the line in front of the rules that allow what it is to deny",
)


def _last_allow(reading: Reading, effect: int) -> float:
    """The line of the last rule that allows, where the first rule that meets a request decides by its place in the
    file; no line is behind it elsewhere."""
    if reading.document.definition.effect != PRIORITY_EFFECT or reading.column("priority") is not None:
        return math.inf
    return max((line for line, row in reading.rules() if row[effect] == "allow"), default=math.inf)


def _narrow(row: Sequence[str], reading: Reading) -> bool:
    """Whether a rule is for one role alone: a last line for everybody is how one writes what holds for the rest."""
    role = reading.relations.role_column
    return role is not None and row[role] not in ("*", "") and row[role] not in reading.relations.constants


def _unknown_roles(reading: Reading, callers: KnownCallers) -> Generator[Problem, None, set[int]]:
    """Roles that nobody is known to hold. Returns the lines that were told."""
    column, effect = reading.relations.role_column, reading.column("eft")
    told: set[int] = set()
    if column is None:
        return told
    denied, allowed = _lines_by_name(reading, column, effect)
    known = callers.outside_rules | allowed.keys()
    names = Nearest(known)
    for name, lines in paced(denied.items()):
        if not name or name in known or callers.person(name):
            continue
        # Where people may have any name at all, a name that no rule knows is somebody who is sent away.
        nameless = callers.apart and not reading.people.is_sub(name)
        meant = names.of(name) if nameless else names.slip(name)
        if meant or nameless:
            told.update(lines)
            yield _nobody_holds(reading, lines[0], column, name, meant)
    for name, lines in paced(allowed.items()):
        if len(lines) > 1 or name in denied or name in callers.outside_rules or callers.person(name):
            continue
        meant = names.slip(name) or names.but_for_signs(name)
        if meant and (meant in callers.outside_rules or len(allowed.get(meant, ())) > 1):
            yield _nobody_holds(reading, lines[0], column, name, meant)
    names.take_apart()
    take_apart(denied)
    take_apart(allowed)
    return told


def _unknown_holders(reading: Reading, callers: KnownCallers) -> Iterator[Problem]:
    """A name that one link alone gives a role, and that is written nearly as a role that is known: `g, manger, clerk`."""
    column = reading.relations.role_column
    if column is None or not callers.apart:
        return
    known = callers.outside_links | reading.words[column]
    names = Nearest({name for name in known if not callers.person(name)})
    for name, roles in paced(reading.links.items()):
        if len(roles) > 1 or name in known or callers.person(name):
            continue
        meant = names.slip(name) or names.but_for_signs(name)
        if meant and meant not in ancestors(reading.links, name, {}, Budget()):
            (line,) = roles.values()
            yield _nobody_holds(reading, line, 0, name, meant)
    names.take_apart()


def _lines_by_name(
    reading: Reading, column: int, effect: int | None
) -> tuple[dict[str, list[int]], dict[str, list[int]]]:
    """The lines of the denies, and of the other rules, of each name."""
    denied: dict[str, list[int]] = {}
    allowed: dict[str, list[int]] = {}
    for line, row in reading.rules():
        lines = denied if effect is not None and row[effect] == "deny" else allowed
        lines.setdefault(row[column], []).append(line)
    return denied, allowed


def _nobody_holds(reading: Reading, line: int, column: int, name: str, meant: str) -> Problem:
    message = f"nobody is known to hold `{name}`: no other rule, no link and no policy test names it"
    hint = f"if tokens carry it, a policy test says so, with `role: {yaml_text(name)}`"
    person = f"if it is a person, write their `{reading.document.definition.shape.sub}`; "
    hint = f"did you mean `{meant}`? {hint}" if meant else f"correct the name; {person}{hint}"
    return reading.in_rule(line, column, "unknown-role", message, hint)
