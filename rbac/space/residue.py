"""What a matcher still demands when some words of a request are known: a formula that gets smaller word by word; and
which rules demand the same.

Values that leave the same behind are alike, whatever the other words are. A residue is compared by its value.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from rbac.matching.path_classes import mask_key
from rbac.model.conditions import (
    AllOf,
    AnyOf,
    Condition,
    Formula,
    Not,
    conditions_of,
    conjuncts,
    words_of,
)
from rbac.space.bits import bits, mask_of
from rbac.space.rule_masks import RuleMasks


@dataclass(frozen=True, slots=True)
class Meet:
    """The rules of ``mask`` for which every part holds."""

    mask: int
    parts: tuple["Residue", ...]

    def __hash__(self) -> int:
        return hash((mask_key(self.mask), self.parts))


@dataclass(frozen=True, slots=True)
class Join:
    """The rules of ``mask``, and those for which some part holds."""

    mask: int
    parts: tuple["Residue", ...]

    def __hash__(self) -> int:
        return hash((mask_key(self.mask), self.parts))


@dataclass(frozen=True, slots=True)
class Miss:
    """The rules for which the part does not hold."""

    part: "Residue"


Residue = int | Condition | Meet | Join | Miss
"""The rules that match, where that is settled; else what it depends on."""


def residue_key(residues: Iterable[Residue]) -> tuple[object, ...]:
    """What to look residues up by where there are many: equal for equal ones."""
    return tuple([mask_key(one) if isinstance(one, int) else one for one in residues])


def residue_of(formula: Formula, table: RuleMasks) -> Residue:
    """The residue of a formula of which no word is known yet."""
    return _restricted(_read(formula, table), table.all)


def settled(residue: Residue, table: RuleMasks, words: Mapping[str, str]) -> Residue:
    """``residue`` once these words are known, too."""
    for word, value in words.items():
        residue = _settle(residue, table, word, value, table.all)
    return residue


def matching(residue: Residue, table: RuleMasks, words: Mapping[str, str]) -> int:
    """The rules that match once these words are known, which are all that ``residue`` depends on."""
    match residue:
        case int():
            return residue
        case Condition():
            return table.holding(residue, tuple([words[word] for word in residue.words]))
        case Meet(mask, parts):
            for part in parts:
                mask = within(matching(part, table, words), mask)
            return mask
        case Join(mask, parts):
            for part in parts:
                mask |= matching(part, table, words)
            return mask
        case Miss(part):
            return table.all & ~matching(part, table, words)


def within(mask: int, every: int) -> int:
    """``mask & every``, and the very ``mask`` where that is all: thousands are kept, of thousands of bits each."""
    found = mask & every
    return mask if found == mask else found


def possible(residue: Residue, every: int) -> int:
    """The rules of ``every`` that some values of the words that are left may make match."""
    match residue:
        case int():
            return residue & every
        case Meet(mask, parts):
            for part in parts:
                mask &= possible(part, every)
            return mask & every
        case Join(mask, parts):
            for part in parts:
                mask |= possible(part, every)
            return mask & every
    return every


def cut(table: RuleMasks, words: frozenset[str]) -> tuple[Residue, int] | None:
    """What the matcher demands of these words and of the rule alone, and the rules that the rest of it leaves possible.

    ``None`` where a demand is about some of ``words`` and about another word besides.
    """
    parts = [(part, words_of(part)) for part in conjuncts(table.formula)]
    if any(part_words & words and part_words - words for _, part_words in parts):
        return None
    known = AllOf(tuple(part for part, part_words in parts if part_words <= words))
    rest = AllOf(tuple(part for part, part_words in parts if not part_words <= words))
    return residue_of(known, table), possible(residue_of(rest, table), table.all)


def _read(formula: Formula, table: RuleMasks) -> Residue:
    match formula:
        case Condition():
            return formula if formula.words else table.mask(formula, {})
        case Not(part):
            return Miss(_read(part, table))
        case AllOf(parts):
            return Meet(table.all, tuple(_read(part, table) for part in parts))
        case AnyOf(parts):
            return Join(0, tuple(_read(part, table) for part in parts))


def _restricted(residue: Residue, live: int) -> Residue:
    """``residue`` written the one way it can be, as far as it concerns the rules of ``live``."""
    match residue:
        case int():
            return residue & live
        case Condition():
            return residue if live else 0
        case Miss(part):
            return _missing(_restricted(part, live), live)
        case Meet(mask, parts):
            return _meet(mask & live, [_restricted(part, mask & live) for part in parts])
        case Join(mask, parts):
            return _join(mask & live, [_restricted(part, live & ~mask) for part in parts], live)


def _settle(residue: Residue, table: RuleMasks, word: str, value: str, live: int) -> Residue:
    match residue:
        case Condition():
            return _settled_condition(residue, table, word, value, live)
        case Miss(part):
            return _missing(_settle(part, table, word, value, live), live)
        case Meet(mask, parts):
            mask &= live
            return _meet(mask, [_settle(part, table, word, value, mask) for part in parts])
        case Join(mask, parts):
            mask &= live
            return _join(mask, [_settle(part, table, word, value, live & ~mask) for part in parts], live)
    return residue & live


def _settled_condition(condition: Condition, table: RuleMasks, word: str, value: str, live: int) -> Residue:
    if not live:
        return 0
    if word not in condition.words:
        return condition
    found = table.settle(condition, word, value)
    return found & live if isinstance(found, int) else found


def _missing(part: Residue, live: int) -> Residue:
    return live & ~part if isinstance(part, int) else Miss(part)


def _meet(mask: int, parts: list[Residue]) -> Residue:
    left = mask
    for part in parts:
        if isinstance(part, int):
            left &= part
    kept = [part for part in parts if not isinstance(part, int)]
    if left != mask:
        # A rule that is out is of no interest to the parts that are left.
        again = [_restricted(part, left) for part in kept]
        return _meet(left, again) if any(isinstance(part, int) for part in again) else _met(left, again)
    return _met(left, kept)


def _met(mask: int, parts: Sequence[Residue]) -> Residue:
    return Meet(mask, tuple(parts)) if parts and mask else mask


def _join(mask: int, parts: list[Residue], live: int) -> Residue:
    found = mask
    for part in parts:
        if isinstance(part, int):
            found |= part
    kept: Sequence[Residue] = [part for part in parts if not isinstance(part, int)]
    if found != mask:
        again = [_restricted(part, live & ~found) for part in kept]
        if any(isinstance(part, int) for part in again):
            return _join(found, again, live)
        kept = again
    return Join(found, tuple(kept)) if kept else found


@dataclass(frozen=True, slots=True)
class RuleKinds:
    """``first_of[n]`` is the first of the rules that are like rule ``n``; ``firsts`` is a mask of all of these."""

    first_of: Sequence[int]
    firsts: int


def rule_kinds(table: RuleMasks, words: Collection[str], *, effects: bool = False) -> RuleKinds:
    """The rules by all that the matcher compares ``words`` with, and by all that it demands of the rule alone.

    Every value of ``words`` leaves all rules of a kind possible, or none. With ``effects`` they allow or deny alike, too.
    """
    known = frozenset(words)
    conditions = tuple(conditions_of(table.formula))
    read = {
        operand.name
        for condition in conditions
        if not known.isdisjoint(condition.words)
        for operand in condition.operands
        if operand.kind == "rule"
    }
    if effects and "eft" in table.columns:
        read.add("eft")
    columns = [index for index, name in enumerate(table.columns) if name in read]
    # Such as `p.sub == "everyone"`: what counts is whether it holds, and not which of many names the column has.
    demands = {table.mask(condition, {}) for condition in conditions if not condition.words}
    demanding = [0] * len(table.rows)
    for place, mask in enumerate(demands - {0, table.all}):
        for number in bits(mask):
            demanding[number] |= 1 << place
    firsts: dict[tuple[object, ...], int] = {}
    first_of = [
        firsts.setdefault((demanding[number], *[row[column] for column in columns]), number)
        for number, row in enumerate(table.rows)
    ]
    return RuleKinds(first_of, mask_of(firsts.values()))


def each_its_own(table: RuleMasks) -> RuleKinds:
    """Every rule a kind of its own: where their order decides."""
    return RuleKinds(range(len(table.rows)), table.all)
