"""Which requests two policies answer differently, found without asking each of them.

A request can only be answered differently if a rule matches it that the other document does not have in the
same place. Only these are looked at, and what is found is put to both enforcers.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import ClassVar, Final

from rbac.bits import bits, mask_of
from rbac.errors import RbacError
from rbac.space import Group, Member, Space
from rbac.table import RuleTable

Masks = tuple[int, int]
Holders = dict[int, list[int]]
# So many members are looked at one by one sooner than by the rules that they leave.
_FEW: Final = 64


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
        self._kept = {id(group.members) for group in self.what}
        self._holders: dict[int, tuple[Holders, Holders]] = {}
        tails: dict[tuple[object, ...], int] = {}
        self._tails = tuple(self._tails_of(side, tails) for side in (0, 1))

    def masks(self, words: Mapping[str, str]) -> Masks:
        """For each of the two policies the rules that these words leave possible, whatever the other words
        are."""
        old, new = self._positions
        found = self.space.possible(self.space.demands(words))
        return found[old], found[new]

    def changed(self, masks: Masks) -> Masks | None:
        """Of the rules left possible, those that can make a difference; ``None`` when any request could
        differ."""
        if self._incomparable:
            return None
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
        return (*masks, (int(self.space.is_routed(known.get(self.space.axes.act or "", ""))), 0))

    def differ(self, masks: Masks) -> bool:
        """Whether the policies decide differently when these rules match."""
        return self._tables[0].allows(masks[0]) != self._tables[1].allows(masks[1])

    def changed_by(self, tail_holders: Sequence[Mapping[int, int]]) -> set[int]:
        """The numbers of what rules do, of which some caller has rules on one side and none on the other."""
        old, new = tail_holders
        return {tail for tail in {*old, *new} if old.get(tail, 0) != new.get(tail, 0)}

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

    def requests(self, start: Masks, needed: Sequence[Masks]) -> Iterator[tuple[dict[str, str], Masks]]:
        """Of the requests for which ``start`` is what callers leave possible: every class of the words that are not
        about callers, by an example with the rules it leaves, where of each of ``needed`` a rule matches."""
        groups = [group.members for group in self.what]
        for members, masks in self._walk(groups, 0, start, needed):
            words = {
                word: value
                for group, member in zip(self.what, members, strict=True)
                for word, value in zip(group.words, member.values, strict=True)
            }
            yield words, masks

    def cells(self, who: Mapping[str, str]) -> Iterator[dict[str, str]]:
        """For a caller with these words: every class of the other words on which the answers differ, by an
        example."""
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
            if not self.differ(masks):
                continue
            yield {
                word: value
                for names, member in zip(words, members, strict=True)
                for word, value in zip(names, member.values, strict=True)
            }

    def first(self) -> dict[str, str] | None:
        """Some request that is answered differently; ``None`` when there is none in the whole space."""
        return next(self.everywhere(), None)

    def everywhere(self) -> Iterator[dict[str, str]]:
        """Every class of requests that are answered differently, by an example."""
        for members in product(*(self.space.group(words).members for words in self.who_words)):
            who = {
                word: value
                for words, member in zip(self.who_words, members, strict=True)
                for word, value in zip(words, member.values, strict=True)
            }
            for cell in self.cells(who):
                yield {**who, **cell}

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
        if id(members) not in self._kept or len(members) < _FEW:
            return members
        allowing = [(self._tables[0].effects[0], self._tables[1].effects[0])] if self._needs_allow else []
        choices = [(masks[0] & one[0], masks[1] & one[1]) for one in (*needed, *allowing)]
        fewest = min(choices, key=lambda one: one[0].bit_count() + one[1].bit_count(), default=masks)
        if fewest[0].bit_count() + fewest[1].bit_count() > _FEW:
            return members
        holders = self._holders.get(id(members))
        if holders is None:
            holders = self._holders[id(members)] = self._read_holders(members)
        numbers = {
            number for side in (0, 1) for rule in bits(fewest[side]) for number in holders[side].get(rule, ())
        }
        return [members[number] for number in sorted(numbers)]

    def _read_holders(self, members: Sequence[Member]) -> tuple[Holders, Holders]:
        """For each side: rule to the members that leave it possible."""
        found: tuple[Holders, Holders] = ({}, {})
        for side, position in enumerate(self._positions):
            for number, member in enumerate(members):
                for rule in bits(member.masks[position]):
                    found[side].setdefault(rule, []).append(number)
        return found

    def _tails_of(self, side: int, tails: dict[tuple[object, ...], int]) -> list[int]:
        """For each rule a number for what it does besides saying whom it is about: equal numbers, equal
        effect."""
        table, position = self._tables[side], self._positions[side]
        allow, deny = table.effects
        columns = []
        for group in self.what:
            met = [0] * len(table.rows)
            for number, member in enumerate(group.members):
                for rule in bits(member.masks[position]):
                    met[rule] |= 1 << number
            columns.append(met)
        return [
            tails.setdefault(
                (*(met[rule] for met in columns), allow >> rule & 1, deny >> rule & 1), len(tails)
            )
            for rule in range(len(table.rows))
        ]


def _asks(space: Space, words: Iterable[str]) -> bool:
    return not set(space.axes.caller).isdisjoint(words)


def _same_effect(old: RuleTable, new: RuleTable) -> bool:
    definitions = [table.policy.document.definition.effect for table in (old, new)]
    return definitions[0] == definitions[1] and old.empty == new.empty
