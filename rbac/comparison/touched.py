"""The rules that an edit can make a difference by: those it changes, and those that can match together with one of these.

Requests that no changed rule matches are answered as before. Whoever compares two documents need not look at the
rest, which in a long document is nearly all of it.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from casbin.constant.constants import SUBJECT_PRIORITY_EFFECT

from rbac.document.role_links import walk
from rbac.model.conditions import (
    AllOf,
    AnyOf,
    Condition,
    Formula,
    NoFormulaError,
    conditions_of,
    conjuncts,
    words_of,
)
from rbac.model.functions import MATCHING, CasbinFunction
from rbac.policy import Policy
from rbac.space.rule_masks import first_decides

# Comparing each rule with more changed rules than this takes longer than looking at all of them.
MOST_CHANGED: Final = 200

# Where so many rules from all over a document are touched, all are looked at without a comparison of each.
_SHOWN: Final = 250
# A prime: documents are regular, and what comes every few lines is alike.
_STEP: Final = 7_919

# What a whole segment of a pattern must not hold to be taken at its word. A dot may stand for a slash.
_SPECIAL: Final = re.compile(r"[.*+?(){}\[\]\\^$|:]")


@dataclass(frozen=True, slots=True)
class _Shape:
    """Texts by their parts between slashes: each the part itself, or ``None`` for any. ``open``: more may follow."""

    parts: tuple[str | None, ...]
    open: bool

    def meets(self, other: "_Shape") -> bool:
        """Whether some text may have both shapes."""
        pairs = zip(self.parts, other.parts, strict=False)
        if any(one is not None and two is not None and one != two for one, two in pairs):
            return False
        shorter, longer = sorted((self, other), key=lambda shape: len(shape.parts))
        return shorter.open or len(shorter.parts) == len(longer.parts)


@dataclass(frozen=True, slots=True)
class _Span:
    """The values of a word that a rule can meet, by their shapes. A superset."""

    shapes: tuple[_Shape, ...]

    def meets(self, other: "_Span") -> bool:
        """Whether some value may be in both."""
        return any(one.meets(two) for one in self.shapes for two in other.shapes)


class _Sieve:
    """What all of some spans have in common, so that most of what meets none of them is told at a glance."""

    def __init__(self, spans: Iterable[_Span]) -> None:
        shapes = [shape for span in spans for shape in span.shapes]
        fewest = min((len(shape.parts) for shape in shapes), default=0)
        parts = [{shape.parts[place] for shape in shapes} for place in range(fewest)]
        self._needed = [(place, known) for place, known in enumerate(parts) if None not in known]

    def lets_pass(self, span: _Span) -> bool:
        """Whether the span may meet one of the spans; a false alarm does no harm."""
        return any(
            all(
                place >= len(shape.parts) or shape.parts[place] is None or shape.parts[place] in known
                for place, known in self._needed
            )
            for shape in span.shapes
        )


_EVERYTHING: Final = _Span((_Shape((), open=True),))
_NOTHING: Final = _Span(())
_Reader = Callable[[Sequence[str]], _Span]


def touched_rules(old: Policy, new: Policy) -> tuple[Sequence[int], Sequence[int]] | None:
    """The positions of these rules in both policies, in the order in which they decide; ``None`` for all there are."""
    definitions = old.document.definition, new.document.definition
    if any(
        getattr(definitions[0], name) != getattr(definitions[1], name)
        for name in ("matcher", "effect", "policy_words", "request_words", "roles")
    ):
        return None
    try:
        formula = definitions[0].formula
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
    # Rules about other roles are about the same caller, who may bring several.
    role = definitions[0].shape.role
    asked = (part for part in conjuncts(formula) if len(words_of(part)) == 1 and role not in words_of(part))
    readers = [_reader(part, columns) for part in asked]
    spans = [[reader(row) for reader in readers] for row in changed]

    sieves = [_Sieve(one[place] for one in spans) for place in range(len(readers))]

    def touched(row: Sequence[str]) -> bool:
        own = [reader(row) for reader in readers]
        if not all(sieve.lets_pass(one) for sieve, one in zip(sieves, own, strict=True)):
            return False
        return any(all(one.meets(two) for one, two in zip(own, others, strict=True)) for others in spans)

    # What is about everything, such as a lock-out, touches every rule: some of them show it.
    some = (rows[0][number * _STEP % len(rows[0])] for number in range(_SHOWN))
    if len(rows[0]) > _SHOWN and all(map(touched, some)):
        return None
    first, second = ([place for place, row in enumerate(side) if touched(row)] for side in rows)
    return first, second


def _rows(policy: Policy) -> list[tuple[str, ...]]:
    return [policy.rule_at(place).fields for place in range(len(policy.document.rows["p"]))]


def _changed(
    old: Sequence[Sequence[str]], new: Sequence[Sequence[str]], *, in_order: bool
) -> set[tuple[str, ...]]:
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
        graph: defaultdict[str, set[str]] = defaultdict(set)
        for row in (*links[0], *links[1]):
            graph[row[0]].add(row[1])
        # In whatever domain, and however far.
        reached = frozenset(walk(graph.__getitem__, {row[1] for row in differing}))
        for condition in asked:
            name = condition.operands[1].name
            found[name] = found.get(name, frozenset()) | reached
    return found


def _reader(part: Formula, columns: Mapping[str, int]) -> _Reader:
    """What values of its one word ``part`` lets a rule meet."""

    read = sorted({one.name for test in conditions_of(part) for one in test.operands if one.kind == "rule"})
    known: dict[tuple[str, ...], _Span] = {}

    def span(row: Sequence[str]) -> _Span:
        values = tuple([row[columns[name]] for name in read])
        if values not in known:
            known[values] = _span(part, dict(zip(read, values, strict=True)).__getitem__)
        return known[values]

    return span


def _span(part: Formula, value: Callable[[str], str]) -> _Span:
    match part:
        case AnyOf(parts):
            spans = [_span(one, value) for one in parts]
            return _Span(tuple(shape for span in spans for shape in span.shapes))
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
        return _Span((_Shape(tuple(texts[0].split("/")), open=False),))
    return _pattern(MATCHING.get(condition.function), texts[0])


def _pattern(function: CasbinFunction | None, text: str) -> _Span:
    """What the values look like that a pattern can match; anything, where that is not plain to see."""
    if function is None or "|" in text or function.kind not in {"path", "regex"} or function.cuts_query:
        return _EVERYTHING
    if function.ends_at_star:
        plain, goes_on = function.start(text)
        parts = plain.split("/")
        return _Span((_Shape(tuple(parts[:-1] if goes_on else parts), open=goes_on),))
    found: list[str | None] = []
    for part in text.removeprefix("^").split("/") if function.kind == "regex" else text.split("/"):
        if function.variable is not None and function.variable.fullmatch(part):
            found.append(None)
        elif _SPECIAL.search(part):
            return _Span((_Shape(tuple(found), open=True),))
        else:
            found.append(part)
    # A regular expression need not match to the end: its last part may go on.
    closed = function.kind == "path"
    return _Span((_Shape(tuple(found if closed else found[:-1]), open=not closed),))
