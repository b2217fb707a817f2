"""What a matcher still demands when some words of a request are known: a formula that gets smaller word by word.

Values that leave the same behind are alike, whatever the other words are. A residue is compared by its value.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rbac.formula import AllOf, AnyOf, Condition, Formula, Not
from rbac.table import RuleTable


@dataclass(frozen=True, slots=True)
class Meet:
    """The rules of ``mask`` for which every part holds."""

    mask: int
    parts: tuple["Residue", ...]


@dataclass(frozen=True, slots=True)
class Join:
    """The rules of ``mask``, and those for which some part holds."""

    mask: int
    parts: tuple["Residue", ...]


@dataclass(frozen=True, slots=True)
class Miss:
    """The rules for which the part does not hold."""

    part: "Residue"


Residue = int | Condition | Meet | Join | Miss
"""The rules that match, where that is settled; else what it depends on."""


def residue_of(formula: Formula, table: RuleTable) -> Residue:
    """The residue of a formula of which no word is known yet."""
    return _restricted(_read(formula, table), table.all)


def settled(residue: Residue, table: RuleTable, words: Mapping[str, str]) -> Residue:
    """``residue`` once these words are known, too."""
    for word, value in words.items():
        residue = _settle(residue, table, word, value, table.all)
    return residue


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


def _read(formula: Formula, table: RuleTable) -> Residue:
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


def _settle(residue: Residue, table: RuleTable, word: str, value: str, live: int) -> Residue:
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


def _settled_condition(condition: Condition, table: RuleTable, word: str, value: str, live: int) -> Residue:
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
