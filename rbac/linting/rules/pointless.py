"""Rules that do nothing beside others: a wider rule says the same, comes first, or a deny takes them away."""

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate, islice, product
from operator import itemgetter
from typing import Final

from casbin.constant.constants import (
    ALLOW_AND_DENY_EFFECT,
    ALLOW_OVERRIDE_EFFECT,
    DENY_OVERRIDE_EFFECT,
    PRIORITY_EFFECT,
)

from rbac.background import paced, take_apart
from rbac.errors import Problem
from rbac.linting.patterns.path_meaning import meets_everything
from rbac.linting.reading.subject import Reading
from rbac.linting.reading.wider_columns import Alternatives, Column, alternatives, read_columns
from rbac.linting.rules.covering import Cover, PatternSegments
from rbac.matching.languages import Budget, in_proportion
from rbac.text.wording import counted

IGNORED: Final = {ALLOW_OVERRIDE_EFFECT: "deny", DENY_OVERRIDE_EFFECT: "allow"}
"""What an effect never looks at."""

_FEW = 8  # look-ups for one rule that are not counted
_SWEEPING = 3  # rules, of which a deny takes away more than half


@dataclass(slots=True)
class _Group:
    """The rules with the same words in all columns but the path and the effect: by their effect, where the order of
    rules does not count."""

    words: tuple[str, ...]
    covers: dict[str, Cover] = field(default_factory=dict)


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
        self._wider_words: list[dict[str, tuple[str, ...]]] = [{} for _ in self._kept]
        self._read = PatternSegments(self._function)
        self._groups: dict[tuple[str, ...], _Group] = {}
        # Not in the group itself, which is one of its own: a reload leaves no circle behind.
        self._wider_than: dict[tuple[str, ...], list[_Group]] = {}
        self._rank = self._ranks()
        self._denies = False
        self._budget = Budget()
        self._steps = in_proportion(len(self._rows))
        self._wider = self._alternatives(columns)
        self._least_ranks: dict[int, array[int]] = {}

    def _alternatives(self, columns: list[Column]) -> list[Alternatives]:
        return [
            _remembered(alternatives(columns[index], self._reading, self._known, self._steps), known)
            for index, known in zip(self._kept, self._wider_words, strict=True)
        ]

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
        firsts, groups = self._index()
        denies_win = self._reading.document.definition.effect == ALLOW_AND_DENY_EFFECT and self._denies
        overridden: dict[int, list[int]] = {}
        allows = 0
        for position, group in paced(zip(firsts, groups, strict=True)):
            effect = self._effect_of(self._rows[position])
            allows += effect == "allow"
            denier = self._wider_rule(position, group, "deny") if denies_win and effect == "allow" else None
            wider = self._wider_rule(position, group, effect) if denier is None else None
            if wider is not None and not self._opposite(position, wider):
                yield self._pointless(position, wider)
            elif denier is not None:
                overridden.setdefault(denier, []).append(position)
        yield from self._overridden(overridden, allows)
        take_apart(groups)
        take_apart(firsts)
        take_apart(self._wider_than)
        take_apart(self._known)
        for known in self._wider_words:
            take_apart(known)
        for group in self._groups.values():
            for cover in group.covers.values():
                cover.take_apart()
        take_apart(self._groups)
        self._read.take_apart()

    def _overridden(self, found: dict[int, list[int]], allows: int) -> Iterator[Problem]:
        """One warning a deny: at the deny if it takes away (nearly) everything, else at the first rule below it.

        A deny that is written below a rule means to take it away; a rule below a deny means to give something.
        """
        for denier, positions in found.items():
            below = [position for position in positions if position > denier]
            most = 2 * len(positions) > allows
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

    def _index(self) -> "tuple[list[int], list[_Group]]":
        """Puts the first of all equal rules, as far as they count, into the group of its words; returns the positions of
        the rules that are to be looked at, and the group of each."""
        firsts: list[int] = []
        groups: list[_Group] = []
        ignored = IGNORED.get(self._reading.document.definition.effect)
        words_of = _words_at(self._kept)
        seen: set[tuple[str, ...]] = set()
        for position, row in enumerate(paced(self._rows)):
            effect = self._effect_of(row)
            if effect == ignored:
                continue
            words, path = words_of(row), self._path_of(row)
            group = self._groups.get(words)
            if group is None:
                group = self._groups[words] = _Group(words)
            key = "" if self._ordered else effect
            cover = group.covers.get(key)
            if cover is None:
                cover = group.covers[key] = Cover(self._function, self._read, self._budget, self._steps)
            elif not self._ordered and path in cover:
                continue
            firsts.append(position)
            groups.append(group)
            self._denies = self._denies or effect == "deny"
            if self._ordered:
                # Whatever a repeated row would be wider than, the first of its kind is, too.
                whole = tuple(row)
                if whole in seen:
                    continue
                seen.add(whole)
            cover.add(path, position)
        take_apart(seen)
        return firsts, groups

    def _effect_of(self, row: list[str]) -> str:
        return "allow" if self._effect is None else row[self._effect]

    def _path_of(self, row: list[str]) -> str:
        return "" if self._path is None else row[self._path]

    def _wider_rule(self, position: int, group: "_Group", effect: str) -> int | None:
        """A rule with this effect that meets all that the rule meets; of two that are alike, the later gives way."""
        for rules in self._covering(position, group, effect):
            if self._ordered:
                first = self._first_before(position, rules)
                if first is not None:
                    return first
                continue
            for other in rules:
                if other != position and (other < position or not self._covers_back(position, other, effect)):
                    return other
        return None

    def _first_before(self, position: int, rules: list[int]) -> int | None:
        """The first of ``rules`` that Casbin tries before the rule, and is no copy of it."""
        rank, row, start = self._rank[position], self._rows[position], 0
        if len(rules) > _FEW:
            least = self._least_ranks.get(id(rules))
            if least is None:
                ranks = accumulate((self._rank[other] for other in rules), min)
                least = self._least_ranks[id(rules)] = array("q", (-one for one in ranks))
            start = bisect_right(least, -rank)
        for other in islice(rules, start, None):
            if self._rank[other] < rank and self._rows[other] != row:
                return other
            if not self._steps.spend():
                return None
        return None

    def _covers_back(self, position: int, other: int, effect: str) -> bool:
        if self._effect_of(self._rows[position]) != effect:
            return False
        group = self._groups[_words_at(self._kept)(self._rows[other])]
        return any(position in rules for rules in self._covering(other, group, effect))

    def _covering(self, position: int, group: "_Group", effect: str) -> Iterator[list[int]]:
        path = self._path_of(self._rows[position])
        key = "" if self._ordered else effect
        for number, wider in enumerate(self._wider_groups(group)):
            if number > _FEW and not self._steps.spend():
                return
            cover = wider.covers.get(key)
            if cover is not None:
                yield from cover.lists(path)

    def _wider_groups(self, group: "_Group") -> "list[_Group]":
        """The groups whose words, column by column, are the same or wider."""
        known = self._wider_than.get(group.words)
        if known is None:
            choices = [wider(word) for word, wider in zip(group.words, self._wider, strict=True)]
            known = self._wider_than[group.words] = []
            for number, words in enumerate(product(*choices)):
                if number > _FEW and not self._steps.spend():
                    break
                found = self._groups.get(words)
                if found is not None:
                    known.append(found)
        return known

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


def _words_at(columns: list[int]) -> Callable[[list[str]], tuple[str, ...]]:
    """The words of a row in these columns."""
    if len(columns) > 1:
        several: Callable[[list[str]], tuple[str, ...]] = itemgetter(*columns)
        return several
    return lambda row: tuple(row[at] for at in columns)


def _remembered(function: Alternatives, known: dict[str, tuple[str, ...]]) -> Alternatives:
    """``function``, of which ``known`` holds what it said of each word."""

    def of(word: str) -> tuple[str, ...]:
        if word not in known:
            known[word] = function(word)
        return known[word]

    return of
