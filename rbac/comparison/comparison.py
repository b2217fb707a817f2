"""Which requests two policies answer differently, found without asking each of them.

A request can only be answered differently if a rule matches it that the other document does not have in the
same place. Only these are looked at, and what is found is put to both enforcers.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, reduce
from itertools import product, zip_longest
from math import prod
from typing import ClassVar, Final

from rbac.comparison.holders import Holders
from rbac.errors import RbacError
from rbac.model.conditions import Formula, conditions_of, conjuncts, words_of
from rbac.space.bits import bits, mask_of
from rbac.space.demands import MOST_COMBINATIONS
from rbac.space.residue import RuleKinds, each_its_own, rule_kinds
from rbac.space.rule_masks import RuleMasks
from rbac.space.space import Group, Member, Space

Masks = tuple[int, int]
# So many members are looked at one by one sooner than by the rules that they leave.
_FEW: Final = 64
MOST_STEPS: Final = 400_000
"""So many callers and endpoints are gone through in search of one who is answered differently and comes as nobody does."""
MOST_WORK: Final = 4_000_000_000
"""Combinations of words about callers times rules: where there are more, callers as nobody comes are not looked for."""
_TOO_MANY: Final = (
    "callers as nobody comes, such as one whose `sub` is the name of a role, are too many to ask about each"
)


class SpaceError(RbacError):
    """The space and an enforcer disagree about a request: a mistake in this package."""

    code: ClassVar[str] = "space_disagrees"


class Comparison:
    """Two policies of a space whose matchers have a formula, by their positions in it."""

    def __init__(self, space: Space, old: int = 0, new: int = 1) -> None:
        self.space = space
        self._positions = (old, new)
        self._tables = (space.tables[old], space.tables[new])
        self.who_words = [words for words in space.tied if _asks(space, words)]
        self.what: Sequence[Group] = [space.group(words) for words in space.tied if not _asks(space, words)]
        self._everything: Masks = (self._tables[0].all, self._tables[1].all)
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
        self._steps = 0
        self._most_steps: int | None = None

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
        if self._incomparable or links[0] != links[1] or roles[0] != roles[1] or parts[0] != parts[1]:
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
        return found[old], found[new]

    def changed(self, masks: Masks) -> Masks | None:
        """Of the rules left possible, those that can make a difference; ``None`` when any request could
        differ."""
        if self._incomparable:
            return None
        if masks[0] == masks[1] and not masks[0] & self._moved:
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

    def class_of(self, who: Mapping[str, str], words: Mapping[str, str]) -> tuple[Masks, ...]:
        """What tells the endpoint with these words apart from others, for a caller: group by group, the rules
        that it leaves possible."""
        known = {**dict.fromkeys(self.space.words, ""), **words, **who}
        open_groups = [tied for tied in self.who_words if any(word not in who for word in tied)]
        groups = [*open_groups, *(group.words for group in self.what)]
        masks = tuple(self.masks({word: known[word] for word in group}) for group in groups)
        return (*masks, (int(self.space.is_routed(known.get(self.space.shape.act or "", ""))), 0))

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

    def requests(
        self, start: Masks, needed: Sequence[Masks], never: Masks = (0, 0)
    ) -> Iterator[tuple[dict[str, str], Masks]]:
        """Of the requests for which ``start`` is what callers leave possible: every class of the words that are not
        about callers, by an example with the rules it leaves, where of each of ``needed`` a rule matches.

        Requests that rules of ``never`` match are left out where that is seen early, all of them or not.
        """
        groups = [self._without(never, place) for place in range(len(self.what))]
        for members, masks in self._walk(groups, 0, start, needed):
            words = {
                word: value
                for group, member in zip(self.what, members, strict=True)
                for word, value in zip(group.words, member.values, strict=True)
            }
            yield words, masks

    def _without(self, never: Masks, place: int) -> Sequence[Member]:
        """The members of one group that leave none of these rules as are certain to match as far as other groups go."""
        old, new = self._positions
        members = self.what[place].members
        for other, group in enumerate(self.what):
            if other != place and never != (0, 0):
                never = reduce(
                    lambda left, member: (left[0] & member.masks[old], left[1] & member.masks[new]),
                    group.members,
                    never,
                )
        return (
            members
            if never == (0, 0)
            else [
                member
                for member in members
                if not (member.masks[old] & never[0] | member.masks[new] & never[1])
            ]
        )

    def differ_in_denying(self, masks: Masks) -> bool:
        """Whether a rule closes what these rules match on one side, and none on the other."""
        old, new = self.closed_by(masks)
        return bool(old) != bool(new)

    def cells(
        self, who: Mapping[str, str], differ: Callable[[Masks], bool] | None = None
    ) -> Iterator[dict[str, str]]:
        """For a caller with these words: every class of the other words on which the answers differ, or which ``differ``
        says to be another on both sides, by an example."""
        differ = self.differ if differ is None else differ
        groups = [
            *(self._free_words(words, who) for words in self.who_words),
            *(group.members for group in self.what),
        ]
        words = [
            *(tuple(word for word in tied if word not in who) for tied in self.who_words),
            *(group.words for group in self.what),
        ]
        whole = self.settled(who)
        start = self.masks(who) if whole else self._everything
        changed = self.changed(start) if whole else None
        for members, masks in self._walk(groups, 0, start, [] if changed is None else [changed]):
            if not differ(masks):
                continue
            yield {
                word: value
                for names, member in zip(words, members, strict=True)
                for word, value in zip(names, member.values, strict=True)
            }

    @cached_property
    def can_be_followed(self) -> bool:
        """Whether combinations of what callers ask with can be gone through in a time that somebody waits."""
        rules = sum(len(table.rows) for table in self._tables)
        values = (
            prod(len(self.space.vocabularies[word].values) for word in words) for words in self.who_words
        )
        return sum(min(one, MOST_COMBINATIONS) for one in values) * rules <= MOST_WORK

    def everywhere(self) -> Iterator[dict[str, str]]:
        """Every class of requests that are answered differently, by an example; with a note in the space where there are
        more than patience goes for."""
        if self.same:
            return
        if not self.can_be_followed:
            self.space.note(_TOO_MANY)
            return
        self._most_steps = self._steps + MOST_STEPS
        for members in product(*(self.space.group(words).members for words in self.who_words)):
            self._steps += 10
            if self._steps > self._most_steps:
                break
            who = {
                word: value
                for words, member in zip(self.who_words, members, strict=True)
                for word, value in zip(words, member.values, strict=True)
            }
            for cell in self.cells(who):
                yield {**who, **cell}
        if self._steps > self._most_steps:
            self.space.note(_TOO_MANY)
        self._most_steps = None

    def _free_words(self, tied: tuple[str, ...], who: Mapping[str, str]) -> Sequence[Member]:
        """The members of a group of caller words, with what is known of the caller put in."""
        free = tuple(word for word in tied if word not in who)
        known = self.space.demands({word: who[word] for word in tied if word in who})
        return tuple(
            Member(values, self.space.possible(left))
            for left, values in self.space.variants(known, free).items()
        )

    def _walk(
        self, groups: Sequence[Sequence[Member]], depth: int, masks: Masks, needed: Sequence[Masks]
    ) -> Iterator[tuple[tuple[Member, ...], Masks]]:
        """The ways to choose a member of each group, with the rules left, of which each of ``needed`` has one."""
        self._steps += 1
        if self._most_steps is not None and self._steps > self._most_steps:
            return
        if not all(masks[0] & one[0] | masks[1] & one[1] for one in needed):
            return
        if depth == len(groups):
            yield (), masks
            return
        old, new = self._positions
        for member in self._worth_a_look(groups[depth], masks, needed):
            left = (masks[0] & member.masks[old], masks[1] & member.masks[new])
            for others, found in self._walk(groups, depth + 1, left, needed):
                yield (member, *others), found

    def _worth_a_look(
        self, members: Sequence[Member], masks: Masks, needed: Sequence[Masks]
    ) -> Iterable[Member]:
        """The members that leave a rule of each of ``needed``, and one that allows where nothing else does; or more."""
        if len(members) < _FEW:
            return members
        allowing = [(self._tables[0].effects[0], self._tables[1].effects[0])] if self._needs_allow else []
        choices = [(masks[0] & one[0], masks[1] & one[1]) for one in (*needed, *allowing)]
        fewest = min(choices, key=lambda one: one[0].bit_count() + one[1].bit_count(), default=masks)
        if fewest[0].bit_count() + fewest[1].bit_count() > _FEW:
            return members
        numbers = self._holders.numbers(members, fewest)
        return members if numbers is None else [members[number] for number in sorted(numbers)]


def _asks(space: Space, words: Iterable[str]) -> bool:
    return not set(space.shape.caller).isdisjoint(words)


def _same_effect(old: RuleMasks, new: RuleMasks) -> bool:
    definitions = [table.policy.document.definition.effect for table in (old, new)]
    return definitions[0] == definitions[1] and old.empty == new.empty
