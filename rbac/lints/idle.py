"""Warnings about rules that do nothing: a deny that takes nothing from anyone, a rule for a role that nobody holds."""

from collections.abc import Collection, Generator, Iterable, Iterator

from casbin.constant.constants import ALLOW_AND_DENY_EFFECT, PRIORITY_EFFECT

from rbac.errors import Problem
from rbac.likeness import FAR, path_distance
from rbac.lints.alike import Alike
from rbac.lints.callers_known import KnownCallers
from rbac.lints.columns import Column, read_columns
from rbac.lints.languages import Budget
from rbac.lints.meeting import Pairs, Patterns
from rbac.lints.reading import Reading
from rbac.pacing import paced

_MOST_GUESSES = 200  # patterns that are looked through for one that was meant


def check_idle(reading: Reading, named: Collection[str] = ()) -> Iterator[Problem]:
    """Rules that change no answer for anyone who is known. ``named`` are the names that policy tests use."""
    callers = KnownCallers(reading, named)
    unknown = yield from _unknown_roles(reading, callers)
    effect = reading.column("eft")
    if effect is None or reading.document.definition.effect not in (ALLOW_AND_DENY_EFFECT, PRIORITY_EFFECT):
        return
    allows: Allows | None = None
    for line, row in reading.rules():
        if row[effect] != "deny" or line in unknown:
            continue
        allows = allows or Allows(reading, callers)
        if not allows.meet(row):
            message, hint = allows.told(row)
            yield reading.in_rule(line, allows.blame(row), "idle-deny", message, hint)


class Allows:
    """The allow rules of a document, asked whether one of them may meet a request that a deny meets."""

    def __init__(self, reading: Reading, callers: KnownCallers) -> None:
        self._callers = callers
        self._columns = read_columns(reading)
        self._role = reading.relations.role_column
        if self._role is not None and self._columns[self._role].kind != "words":
            self._role = None
        self._path = _path_column(reading, self._columns)
        kept = (i for i, column in enumerate(self._columns) if column.kind in ("words", "pattern"))
        self._others = [i for i in kept if i not in (self._role, self._path)]
        self._budget = Budget()
        self._pairs = [Pairs(column.function, self._budget) for column in self._columns]
        self._found: dict[str, dict[tuple[str, ...], Patterns]] = {}
        self._answers: dict[tuple[str, ...], bool] = {}
        effect = reading.column("eft")
        for _, row in reading.rules():
            if effect is not None and row[effect] == "allow":
                self._add(row)

    def _add(self, row: list[str]) -> None:
        role = row[self._role] if self._role is not None else ""
        key = tuple(row[i] for i in self._others)
        patterns = self._found.setdefault(role, {}).get(key)
        if patterns is None:
            pairs = self._pairs[self._path] if self._path is not None else Pairs("", self._budget)
            patterns = self._found[role][key] = Patterns(pairs)
        patterns.add(row[self._path] if self._path is not None else "")

    def _roles(self, row: list[str]) -> Iterable[str]:
        together = self._callers.together_with(row[self._role]) if self._role is not None else None
        if together is None:
            return self._found
        return [role for role in together if role in self._found]

    def meet(self, row: list[str]) -> bool:
        """Whether a known caller may ask something that this row and an allow rule meet."""
        key = tuple(row[i] for i in (self._role, self._path, *self._others) if i is not None)
        if key not in self._answers:
            self._answers[key] = self._meet(row, self._others)
        return self._answers[key]

    def _meet(self, row: list[str], others: list[int]) -> bool:
        places = [self._others.index(i) for i in others]
        for role in self._roles(row):
            for key, patterns in self._found[role].items():
                if not self._budget.spend():
                    return True
                if all(
                    self._words_meet(self._others[at], row[self._others[at]], key[at]) for at in places
                ) and (
                    self._path is None
                    or self._wide(self._path, row)
                    or self._patterns_meet(patterns, row[self._path])
                ):
                    return True
        return False

    def _wide(self, path: int, row: list[str]) -> bool:
        return row[path] in self._columns[path].always

    def _patterns_meet(self, patterns: Patterns, path: str) -> bool:
        column = self._columns[self._path] if self._path is not None else Column()
        return any(word in patterns for word in column.always) or patterns.meet(path)

    def _words_meet(self, index: int, one: str, other: str) -> bool:
        column = self._columns[index]
        if one == other or {one, other} & {*column.always, *column.often} or column.by_role:
            return True
        return self._pairs[index].meet(one, other)

    def blame(self, row: list[str]) -> int:
        """The column to point at: the path if no allow has such a one, else the column that rules do not go with."""
        if self._path is not None and not self._meet(row, []):
            return self._path
        for index in self._others:
            if not self._meet(row, [index]):
                return index
        return -1

    def told(self, row: list[str]) -> tuple[str, str]:
        """What is wrong with a deny that meets nothing, and what to write instead."""
        whom = "anyone"
        if self._role is not None and self._callers.together_with(row[self._role]) is not None:
            whom = f"`{row[self._role]}`, or whoever inherits it,"
        message = f"no rule allows {whom} what this one denies, so it takes nothing away"
        meant = self._meant(row)
        if meant:
            return message, f"did you mean `{meant}`? else delete the rule: what no rule allows is denied"
        return message, "name what a rule allows them, or delete the rule: what no rule allows is denied"

    def _meant(self, row: list[str]) -> str:
        """The pattern of an allow rule that is most like the one of this row."""
        if self._path is None or self._meet(row, []):
            return ""
        near: dict[str, float] = {}
        for role in self._roles(row):
            for patterns in self._found[role].values():
                for pattern in patterns:
                    if len(near) < _MOST_GUESSES:
                        near[pattern] = path_distance(row[self._path], pattern)
        best = min(near, key=lambda pattern: near[pattern], default="")
        return best if near and near[best] < FAR else ""


def _path_column(reading: Reading, columns: list[Column]) -> int | None:
    preferred = reading.path_column
    if preferred is not None and columns[preferred].kind == "pattern":
        return preferred
    return next((i for i, column in enumerate(columns) if column.kind == "pattern"), None)


def _unknown_roles(reading: Reading, callers: KnownCallers) -> Generator[Problem, None, set[int]]:
    """Roles that nobody is known to hold. Returns the lines that were told."""
    column, effect = reading.relations.role_column, reading.column("eft")
    told: set[int] = set()
    if column is None:
        return told
    denied, allowed = _lines_by_name(reading, column, effect)
    known = callers.outside_rules | allowed.keys()
    alike = Alike(known)
    for name, lines in paced(denied.items()):
        if not name or name in known or callers.person(name):
            continue
        # Where people may have any name at all, a name that no rule knows is somebody who is sent away.
        nameless = callers.apart and not reading.people.is_sub(name)
        meant = alike.nearest(name) if nameless else alike.slip(name)
        if meant or nameless:
            told.update(lines)
            yield _nobody_holds(reading, lines[0], column, name, meant)
    for name, lines in paced(allowed.items()):
        if len(lines) > 1 or name in denied or name in callers.outside_rules or callers.person(name):
            continue
        meant = alike.slip(name)
        if meant and (meant in callers.outside_rules or len(allowed.get(meant, ())) > 1):
            yield _nobody_holds(reading, lines[0], column, name, meant)
    return told


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
    hint = f"if tokens carry it, a policy test says so, with `role: {name}`"
    hint = f"did you mean `{meant}`? {hint}" if meant else f"correct the name; {hint}"
    return reading.in_rule(line, column, "unknown-role", message, hint)
