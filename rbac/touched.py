"""The rules that an edit can make a difference by: those it changes, and those that can match together with one of these.

Requests that no changed rule matches are answered as before. Whoever compares two documents need not look at the
rest, which in a long document is nearly all of it.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from casbin.constant.constants import SUBJECT_PRIORITY_EFFECT

from rbac.formula import (
    AllOf,
    AnyOf,
    Condition,
    Formula,
    NoFormulaError,
    conditions_of,
    conjuncts,
    formula_of,
    words_of,
)
from rbac.functions import MATCHING, CasbinFunction
from rbac.policy import Policy
from rbac.table import first_decides

# Comparing each rule with more changed rules than this takes longer than looking at all of them.
MOST_CHANGED: Final = 200

Row = Sequence[str]
# From here on a pattern may mean something else than it says; the character before may be repeated or left out.
_SPECIAL: Final = re.compile(r".?[*?+{]|[.\\\[\]()^$}]")


@dataclass(frozen=True, slots=True)
class _Span:
    """The values of a word that a rule can meet: these names, and what begins with these texts. A superset."""

    names: frozenset[str]
    beginnings: tuple[str, ...]

    def meets(self, other: "_Span") -> bool:
        """Whether some value may be in both."""
        if not self.names.isdisjoint(other.names):
            return True
        if any(name.startswith(other.beginnings) for name in self.names if other.beginnings):
            return True
        if any(name.startswith(self.beginnings) for name in other.names if self.beginnings):
            return True
        return any(
            one.startswith(two) or two.startswith(one) for one in self.beginnings for two in other.beginnings
        )


_EVERYTHING: Final = _Span(frozenset(), ("",))
_NOTHING: Final = _Span(frozenset(), ())
_Reader = Callable[[Row], _Span]


def touched_rules(old: Policy, new: Policy) -> tuple[Sequence[int], Sequence[int]] | None:
    """The positions of these rules in both policies, in the order in which they decide; ``None`` for all there are."""
    definitions = old.document.definition, new.document.definition
    if any(
        getattr(definitions[0], name) != getattr(definitions[1], name)
        for name in ("matcher", "effect", "policy_words", "request_words", "roles")
    ):
        return None
    try:
        formula = formula_of(definitions[0])
    except NoFormulaError:
        return None
    rows = [_rows(policy) for policy in (old, new)]
    columns = {name: index for index, name in enumerate(definitions[0].policy_words)}
    relinked = _relinked(old, new, formula)
    if relinked is None or not all(rows):
        return None
    changed = _changed(*rows, in_order=first_decides(definitions[0].effect))
    changed |= {
        tuple(row) for side in rows for row in side if any(row[columns[c]] in v for c, v in relinked.items())
    }
    if len(changed) > MOST_CHANGED:
        return None
    readers = [_reader(part, columns) for part in conjuncts(formula) if len(words_of(part)) == 1]
    spans = [[reader(row) for reader in readers] for row in changed]

    def touched(row: Row) -> bool:
        own = [reader(row) for reader in readers]
        return any(all(one.meets(two) for one, two in zip(own, others, strict=True)) for others in spans)

    first, second = ([place for place, row in enumerate(side) if touched(row)] for side in rows)
    return first, second


def _rows(policy: Policy) -> list[tuple[str, ...]]:
    return [policy.rule_at(place).fields for place in range(len(policy.document.rows["p"]))]


def _changed(old: Sequence[Row], new: Sequence[Row], *, in_order: bool) -> set[tuple[str, ...]]:
    """The rules that one side has and the other has not; where their order decides, not in the same place."""
    if not in_order:
        counts = Counter(map(tuple, old)), Counter(map(tuple, new))
        return counts[0].keys() ^ counts[1].keys()
    start = next(
        (at for at, (one, two) in enumerate(zip(old, new, strict=False)) if one != two),
        min(len(old), len(new)),
    )
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    return {tuple(row) for side in (old, new) for row in side[start : len(side) - end]}


def _relinked(old: Policy, new: Policy, formula: Formula) -> Mapping[str, frozenset[str]] | None:
    """By column of the rules: the roles that somebody has in one document and not in the other. ``None``: any."""
    kinds = {kind for kind in (*old.document.rows, *new.document.rows) if kind != "p"}
    found: dict[str, frozenset[str]] = {}
    for kind in kinds:
        links = [Counter(map(tuple, policy.document.rows.get(kind, ()))) for policy in (old, new)]
        differing = links[0].keys() ^ links[1].keys()
        if not differing:
            continue
        asked = [condition for condition in conditions_of(formula) if condition.function == kind]
        if old.document.definition.effect == SUBJECT_PRIORITY_EFFECT or any(
            condition.operands[0].kind == "rule" or condition.operands[1].kind != "rule"
            for condition in asked
        ):
            return None
        graph: dict[str, set[str]] = {}
        for row in (*links[0], *links[1]):
            graph.setdefault(row[0], set()).add(row[1])
        reached = frozenset(_reached(graph, {row[1] for row in differing}))
        for condition in asked:
            name = condition.operands[1].name
            found[name] = found.get(name, frozenset()) | reached
    return found


def _reached(graph: Mapping[str, set[str]], names: set[str]) -> set[str]:
    """These names and all that links lead to from them, in whatever domain."""
    reached, edge = set(names), set(names)
    while edge:
        edge = {role for name in edge for role in graph.get(name, ())} - reached
        reached |= edge
    return reached


def _reader(part: Formula, columns: Mapping[str, int]) -> _Reader:
    """What values of its one word ``part`` lets a rule meet."""

    read = sorted({one.name for test in conditions_of(part) for one in test.operands if one.kind == "rule"})
    known: dict[tuple[str, ...], _Span] = {}

    def span(row: Row) -> _Span:
        values = tuple([row[columns[name]] for name in read])
        if values not in known:
            known[values] = _span(part, dict(zip(read, values, strict=True)).__getitem__)
        return known[values]

    return span


def _span(part: Formula, value: Callable[[str], str]) -> _Span:
    match part:
        case AnyOf(parts):
            spans = [_span(one, value) for one in parts]
            return _Span(
                frozenset().union(*(span.names for span in spans)),
                tuple(beginning for span in spans for beginning in span.beginnings),
            )
        case AllOf(parts):
            # Any one of the demands is a superset of them all; an empty one says the most.
            spans = [_span(one, value) for one in parts]
            return next((span for span in spans if span != _EVERYTHING), _EVERYTHING)
        case Condition():
            return _condition(part, value)
    return _EVERYTHING


def _condition(condition: Condition, value: Callable[[str], str]) -> _Span:
    texts = [
        value(one.name) if one.kind == "rule" else one.name
        for one in condition.operands
        if one.kind != "request"
    ]
    if not condition.words:
        holds = condition.function != "==" or texts[0] == texts[1]
        return _EVERYTHING if holds else _NOTHING
    if len(condition.operands) != 2 or len(texts) != 1:
        return _EVERYTHING
    if condition.function == "==":
        return _Span(frozenset(texts), ())
    return _pattern(MATCHING.get(condition.function), texts[0])


def _pattern(function: CasbinFunction | None, text: str) -> _Span:
    """How the values begin that a pattern can match; anything, where the function makes no pattern of ``text``."""
    if function is None:
        return _EVERYTHING
    if function.name == "keyMatch":
        return _Span(frozenset(), (text.partition("*")[0],))
    if not function.has_expression or "|" in text:
        return _EVERYTHING
    text = function.expression(text).removeprefix("^")
    special = _SPECIAL.search(text)
    return _Span(frozenset(), (text[: special.start()] if special else text,))
