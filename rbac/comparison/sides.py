"""The rules of two policies side by side: which of them can make a difference, and what that is.

A request can only be answered differently if a rule matches it that the other document does not have in the
same place.
"""

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from functools import cached_property
from itertools import zip_longest
from typing import Self

from rbac.comparison.holders import Holders
from rbac.model.conditions import Formula, conditions_of, conjuncts, words_of
from rbac.space.bits import bits, mask_of
from rbac.space.residue import RuleKinds, each_its_own, residue_key, rule_kinds, within
from rbac.space.rule_masks import RuleMasks
from rbac.space.space import Group, Space

Masks = tuple[int, int]


class Sides:
    """Two policies of a space whose matchers have a formula, by their positions in it."""

    def __init__(self, space: Space, old: int = 0, new: int = 1) -> None:
        self.space = space
        self._positions = (old, new)
        self._tables = (space.tables[old], space.tables[new])
        self.who_words = [words for words in space.tied if _asks(space, words)]
        self.what: Sequence[Group] = [space.group(words) for words in space.tied if not _asks(space, words)]
        self.everything: Masks = (self._tables[0].all, self._tables[1].all)
        self._incomparable = self._tables[0].allows(0) != self._tables[1].allows(0) or not _same_effect(
            *self._tables
        )
        self._needs_allow = all(table.needs_allow for table in self._tables)
        asking = {*space.given, *(word for words in self.who_words for word in words)}
        asked = {*space.given, *(word for group in self.what for word in group.words)}
        self.who_kinds = tuple(rule_kinds(table, asking) for table in self._tables)
        self.what_kinds: Sequence[RuleKinds] = [
            each_its_own(table) if self.ordered else rule_kinds(table, asked, effects=True)
            for table in self._tables
        ]
        self._holders = Holders(self.what, self._tables, self._positions, asked)
        self._tails = self._holders.tails()
        places = enumerate(zip_longest(*self._tails))
        self._moved = mask_of(place for place, (one, other) in places if one != other)
        # Rules of which one must match where the answers differ, if that is known beforehand.
        self.apart: Sequence[Masks] = ()
        self._steps = 0

    def of_rules(self, rules: Masks) -> Self:
        """For a policy that is compared with itself: what the first of these rules alone decide, and the second."""
        found = copy(self)
        found.everything = rules
        found.apart = ((rules[0] & ~rules[1], rules[1] & ~rules[0]),)
        return found

    @cached_property
    def same(self) -> bool:
        """Whether it is certain, without a look at any request, that nothing changes: both have the same kinds of rules.

        As far as callers go the matchers must be spelled alike; what they ask of endpoints is compared by what it means.
        """
        links = [
            {kind: set(map(tuple, rows)) for kind, rows in table.policy.document.rows.items() if kind != "p"}
            for table in self._tables
        ]
        parts = [self._about_callers(table) for table in self._tables]
        roles = [table.policy.document.definition.roles for table in self._tables]
        if (
            self.apart
            or self._incomparable
            or links[0] != links[1]
            or roles[0] != roles[1]
            or parts[0] != parts[1]
        ):
            return False
        old, new = (self._kinds(side, parts[side]) for side in (0, 1))
        return old == new if self.ordered else set(old) == set(new)

    def _about_callers(self, table: RuleMasks) -> frozenset[Formula]:
        """What the matcher demands besides what it demands of the words that are not about callers."""
        asked = [{*group.words, *self.space.given} for group in self.what]
        return frozenset(
            part for part in conjuncts(table.formula) if not any(words_of(part) <= words for words in asked)
        )

    def _kinds(self, side: int, parts: Iterable[Formula]) -> list[tuple[object, ...]]:
        """For each rule what it says of callers, and what it does besides."""
        table = self._tables[side]
        conditions = [condition for part in parts for condition in conditions_of(part)]
        read = {one.name for condition in conditions for one in condition.operands if one.kind == "rule"}
        columns = [(name, table.columns.index(name)) for name in sorted(read)]
        return [
            (self._tails[side][rule], *((name, row[index]) for name, index in columns))
            for rule, row in enumerate(table.rows)
        ]

    def masks(self, words: Mapping[str, str]) -> Masks:
        """For each of the two policies the rules that these words leave possible, whatever the other words
        are."""
        old, new = self._positions
        found = self.space.possible_with(words)
        return self.kept((found[old], found[new]))

    def kept(self, masks: Masks) -> Masks:
        """Of these rules those that the two policies have."""
        return within(masks[0], self.everything[0]), within(masks[1], self.everything[1])

    def changed(self, masks: Masks) -> Masks | None:
        """Of the rules left possible, those that can make a difference; ``None`` when any request could
        differ."""
        if self._incomparable:
            return None
        if masks[0] == masks[1] and not masks[0] & self._moved:
            return 0, 0
        if not self.can_differ(masks):
            return 0, 0
        self._steps += (masks[0].bit_count() + masks[1].bit_count()) // 4
        tails = [[self._tails[side][rule] for rule in bits(masks[side])] for side in (0, 1)]
        if self._tables[0].ordered:
            return (0, 0) if tails[0] == tails[1] else masks
        different = set(tails[0]) ^ set(tails[1])
        old, new = (
            mask_of(rule for rule in bits(masks[side]) if self._tails[side][rule] in different)
            for side in (0, 1)
        )
        return old, new

    def settled(self, who: Mapping[str, str]) -> bool:
        """Whether these words are all that the conditions about callers look at, as the conditions about the
        endpoint are then the same for every caller.

        A matcher such as ``... || r.sub == "root"`` has no condition about callers alone.
        """
        return all(word in who for tied in self.who_words for word in tied)

    def unchanged(self, who: Mapping[str, str]) -> bool:
        """Whether it is certain, without a look at any endpoint, that nothing changes for this caller."""
        return self.settled(who) and self.changed(self.masks(who)) == (0, 0)

    def class_of(self, who: Mapping[str, str], words: Mapping[str, str]) -> tuple[object, ...]:
        """What tells the endpoint with these words apart from others, for a caller: group by group, the rules
        that it leaves possible."""
        known = {**dict.fromkeys(self.space.words, ""), **words, **who}
        open_groups = [tied for tied in self.who_words if any(word not in who for word in tied)]
        groups = [*open_groups, *(group.words for group in self.what)]
        masks = [residue_key(self.masks({word: known[word] for word in group})) for group in groups]
        return (*masks, self.space.is_routed(known.get(self.space.shape.act or "", "")))

    def can_differ(self, masks: Masks) -> bool:
        """Whether the answers can be different where no rules but these match."""
        return all(masks[0] & one[0] | masks[1] & one[1] for one in self.apart)

    def differ(self, masks: Masks) -> bool:
        """Whether the policies decide differently when these rules match."""
        return self._tables[0].allows(masks[0]) != self._tables[1].allows(masks[1])

    def changed_by(self, tail_holders: Sequence[Mapping[int, int]]) -> Mapping[int, int]:
        """The numbers of what rules do to the callers who have rules on one side and none on the other."""
        old, new = tail_holders
        found = {tail: old.get(tail, 0) ^ new.get(tail, 0) for tail in {*old, *new}}
        return {tail: callers for tail, callers in found.items() if callers}

    def tail(self, side: int, rule: int) -> int:
        """A number for what a rule does besides saying whom it is about: equal numbers, equal effect."""
        return self._tails[side][rule]

    @property
    def comparable(self) -> bool:
        """Whether the answers can differ only where a changed rule matches."""
        return not self._incomparable

    @property
    def ordered(self) -> bool:
        """Whether the order of the rules matters."""
        return self._tables[0].ordered

    def allowing(self, masks: Masks, holders: Sequence[Mapping[int, int]], everybody: int) -> tuple[int, int]:
        """The callers whom each side allows, by the rules that each of them holds."""
        old, new = (
            table.allowing(mask, held, everybody)
            for table, mask, held in zip(self._tables, masks, holders, strict=True)
        )
        return old, new

    def needed_for_access(self, masks: Masks) -> Sequence[Masks]:
        """Of these rules those of which one must match where anything is allowed, if there are such."""
        allowing = (self._tables[0].effects[0] & masks[0], self._tables[1].effects[0] & masks[1])
        return [allowing] if self._needs_allow else []

    def closed_by(self, masks: Masks) -> Masks:
        """Of these rules those that close whatever they match."""
        old, new = (table.closing & mask for table, mask in zip(self._tables, masks, strict=True))
        return old, new

    def differ_in_denying(self, masks: Masks) -> bool:
        """Whether a rule closes what these rules match on one side, and none on the other."""
        old, new = self.closed_by(masks)
        return bool(old) != bool(new)


def _asks(space: Space, words: Iterable[str]) -> bool:
    return not set(space.shape.caller).isdisjoint(words)


def _same_effect(old: RuleMasks, new: RuleMasks) -> bool:
    definitions = [table.policy.document.definition.effect for table in (old, new)]
    return definitions[0] == definitions[1] and old.empty == new.empty
