"""Warnings about rules beside others: repeated, contradictory, without effect, or pointless beside a wider one."""

import itertools
from array import array
from collections.abc import Iterator

from casbin.constant.constants import (
    ALLOW_AND_DENY_EFFECT,
    ALLOW_OVERRIDE_EFFECT,
    DENY_OVERRIDE_EFFECT,
    PRIORITY_EFFECT,
    SUBJECT_PRIORITY_EFFECT,
)

from rbac.errors import Problem
from rbac.lints.columns import Alternatives, Column, alternatives, read_columns
from rbac.lints.covering import Cover
from rbac.lints.languages import Budget
from rbac.lints.path_meaning import meets_everything
from rbac.lints.reading import Reading
from rbac.pacing import paced, take_apart
from rbac.wording import counted

_IGNORED = {ALLOW_OVERRIDE_EFFECT: "deny", DENY_OVERRIDE_EFFECT: "allow"}
_FIRST_DECIDES = frozenset((PRIORITY_EFFECT, SUBJECT_PRIORITY_EFFECT))
_SWEEPING = 3  # rules, of which a deny takes away more than half


def check_rules(reading: Reading) -> Iterator[Problem]:
    yield from _duplicates(reading)
    yield from _ignored(reading)
    yield from _contradictions(reading)
    if reading.document.definition.effect != SUBJECT_PRIORITY_EFFECT:
        yield from Covering(reading).problems()


def _duplicates(reading: Reading) -> Iterator[Problem]:
    for ptype, rows in reading.document.rows.items():
        lines = reading.document.lines[ptype]
        first: dict[tuple[str, ...], int] = {}
        for line, row in paced(zip(lines, rows, strict=True)):
            before = first.setdefault(tuple(row), line)
            if before != line:
                message = f"this line repeats line {before}"
                yield reading.in_rule(line, -1, "duplicate-rule", message, "delete one of the two")
        take_apart(first)


def _ignored(reading: Reading) -> Iterator[Problem]:
    ignored = _IGNORED.get(reading.document.definition.effect)
    column = reading.column("eft")
    if ignored is None or column is None:
        return
    for line, row in reading.rules():
        if row[column] == ignored:
            message = f"the effect of the model never looks at `{ignored}`, so this rule does nothing"
            hint = "delete the rule, or use the effect `some(where (p.eft == allow)) && !some(where (p.eft == deny))`"
            yield reading.in_rule(line, column, f"ignored-{ignored}", message, hint)


def _contradictions(reading: Reading) -> Iterator[Problem]:
    """Two rules of one kind with two effects, where the first decides; where a deny wins, that is what it is for."""
    column = reading.column("eft")
    if column is None or reading.document.definition.effect not in _FIRST_DECIDES:
        return
    first: dict[tuple[str, ...], tuple[int, str]] = {}
    for line, row in reading.rules():
        key = (*row[:column], *row[column + 1 :])
        before, effect = first.setdefault(key, (line, row[column]))
        if effect != row[column]:
            message = f"this rule says `{row[column]}` where line {before} says `{effect}` of the same"
            yield reading.in_rule(line, column, "contradictory-rules", message, "keep the one that is meant")
    take_apart(first)


class Covering:
    """Finds the rules that a wider rule makes pointless, in time linear in the rules (times their role's ancestors)."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._rows = reading.document.rows["p"]
        self._lines = reading.document.lines["p"]
        self._effect = reading.column("eft")
        self._ordered = reading.document.definition.effect == PRIORITY_EFFECT
        self._known: dict[str, tuple[str, ...]] = {}
        columns = read_columns(reading)
        self._path = next((i for i, column in enumerate(columns) if column.kind == "pattern"), None)
        preferred = reading.path_column
        if preferred is not None and columns[preferred].kind == "pattern":
            self._path = preferred
        self._function = columns[self._path].function if self._path is not None else ""
        self._kept = [i for i, column in enumerate(columns) if column.kind != "free" and i != self._path]
        self._wider = self._alternatives(columns)
        self._read: dict[str, tuple[str, ...] | None] = {}
        self._covers: dict[tuple[str, ...], Cover] = {}
        self._rank = self._ranks()
        self._denies = False
        self._budget = Budget()

    def _alternatives(self, columns: list[Column]) -> list[Alternatives]:
        return [_remembered(alternatives(columns[index], self._reading, self._known)) for index in self._kept]

    def _ranks(self) -> "array[int]":
        """The place of each rule in the order in which Casbin tries them."""
        order = list(range(len(self._rows)))
        column = self._reading.column("priority")
        if column is not None:
            priorities = [row[column] for row in self._rows]
            numeric = all(map(str.isdigit, priorities))
            order.sort(key=lambda i: int(priorities[i]) if numeric else priorities[i])
        ranks = array("L", bytes(len(order) * array("L").itemsize))
        for rank, position in enumerate(order):
            ranks[position] = rank
        return ranks

    def problems(self) -> Iterator[Problem]:
        firsts = self._index()
        denies_win = self._reading.document.definition.effect == ALLOW_AND_DENY_EFFECT and self._denies
        overridden: dict[int, list[int]] = {}
        for position in paced(firsts):
            effect = self._effect_of(self._rows[position])
            denier = self._wider_rule(position, "deny") if denies_win and effect == "allow" else None
            wider = self._wider_rule(position, effect) if denier is None else None
            if wider is not None and not self._opposite(position, wider):
                yield self._pointless(position, wider)
            elif denier is not None:
                overridden.setdefault(denier, []).append(position)
        yield from self._overridden(
            overridden, [at for at in firsts if self._effect_of(self._rows[at]) == "allow"]
        )
        take_apart(self._covers)
        take_apart(self._read)

    def _overridden(self, found: dict[int, list[int]], allows: list[int]) -> Iterator[Problem]:
        """One warning a deny: at the deny if it takes away (nearly) everything, else at the first rule below it.

        A deny that is written below a rule means to take it away; a rule below a deny means to give something.
        """
        for denier, positions in found.items():
            below = [position for position in positions if position > denier]
            most = 2 * len(positions) > len(allows)
            if (
                most
                and self._for_a_class(denier)
                and (len(positions) >= _SWEEPING or self._of_every_path(denier))
            ):
                yield self._sweeping(denier, positions)
            elif below:
                yield self._denied(denier, below)

    def _for_a_class(self, position: int) -> bool:
        column = self._reading.relations.role_column
        return column is not None and self._rows[position][column] in self._reading.relations.constants

    def _of_every_path(self, position: int) -> bool:
        return self._path is not None and meets_everything(self._function, self._rows[position][self._path])

    def _index(self) -> list[int]:
        """Puts the first of all equal rules, as far as they count, under its key; returns their positions."""
        firsts: list[int] = []
        ignored = _IGNORED.get(self._reading.document.definition.effect)
        seen: set[tuple[str, ...]] = set()
        for position, row in enumerate(paced(self._rows)):
            effect = self._effect_of(row)
            key = (*(row[i] for i in self._kept), "" if self._ordered else effect)
            whole = (*key, self._path_of(row), effect)
            if effect == ignored or (whole in seen and not self._ordered):
                continue
            seen.add(whole)
            firsts.append(position)
            self._denies = self._denies or effect == "deny"
            cover = self._covers.get(key)
            if cover is None:
                cover = self._covers[key] = Cover(self._function, self._read, self._budget)
            cover.add(self._path_of(row), position)
        take_apart(seen)
        return firsts

    def _effect_of(self, row: list[str]) -> str:
        return "allow" if self._effect is None else row[self._effect]

    def _path_of(self, row: list[str]) -> str:
        return "" if self._path is None else row[self._path]

    def _wider_rule(self, position: int, effect: str) -> int | None:
        """A rule with this effect that meets all that the rule meets; of two that are alike, the later gives way."""
        for other in self._covering(position, effect):
            if other == position or (self._ordered and self._rank[other] > self._rank[position]):
                continue
            if self._rows[other] == self._rows[position]:
                continue
            if self._ordered or other < position or not self._covers_back(position, other, effect):
                return other
        return None

    def _covers_back(self, position: int, other: int, effect: str) -> bool:
        return self._effect_of(self._rows[position]) == effect and position in self._covering(other, effect)

    def _covering(self, position: int, effect: str) -> Iterator[int]:
        row = self._rows[position]
        choices = [wider(row[i]) for i, wider in zip(self._kept, self._wider, strict=True)]
        for key in itertools.product(*choices, ("" if self._ordered else effect,)):
            cover = self._covers.get(key)
            if cover is not None:
                yield from cover.find(self._path_of(row))

    def _opposite(self, position: int, other: int) -> bool:
        """Whether the two differ in nothing but their effect, which is told as a contradiction."""
        one, two = self._rows[position], self._rows[other]
        return all(a == b for i, (a, b) in enumerate(zip(one, two, strict=True)) if i != self._effect)

    def _text(self, position: int) -> str:
        return ", ".join(("p", *self._rows[position]))

    def _pointless(self, position: int, other: int) -> Problem:
        line, wider = self._lines[other], self._text(other)
        if self._ordered:
            message = f"line {line} comes first and meets all that this rule meets, so this rule never decides: `{wider}`"
        else:
            verb = {"allow": "allows", "deny": "denies"}[self._effect_of(self._rows[other])]
            message = f"line {line} already {verb} all that this rule is about: `{wider}`"
        hint = "delete the rule, or narrow the other one"
        return self._reading.in_rule(self._lines[position], -1, "pointless-rule", message, hint)

    def _denied(self, denier: int, positions: list[int]) -> Problem:
        first, *others = positions
        more = (
            f", and all that {counted(len(others), 'other rule')} allow{'s' * (len(others) == 1)}"
            if others
            else ""
        )
        message = f"line {self._lines[denier]} denies all that this rule allows{more}: `{self._text(denier)}`"
        hint = "delete the rule, or narrow the deny"
        return self._reading.in_rule(self._lines[first], -1, "overridden-rule", message, hint)

    def _sweeping(self, denier: int, positions: list[int]) -> Problem:
        first = positions[0]
        message = (
            f"a deny wins wherever it stands: this one takes away all that {counted(len(positions), 'rule')} "
            f"allow{'s' * (len(positions) == 1)}, such as line {self._lines[first]}: `{self._text(first)}`"
        )
        hint = "delete the line: what no rule allows is denied without it"
        return self._reading.in_rule(self._lines[denier], -1, "sweeping-deny", message, hint)


def _remembered(function: Alternatives) -> Alternatives:
    known: dict[str, tuple[str, ...]] = {}

    def of(word: str) -> tuple[str, ...]:
        if word not in known:
            known[word] = function(word)
        return known[word]

    return of
