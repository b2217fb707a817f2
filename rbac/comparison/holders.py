"""Which values of the words that are not about callers leave a rule possible, and what a rule so does besides saying whom it
is about."""

from collections.abc import Collection, Mapping, Sequence

from rbac.space.bits import bits
from rbac.space.residue import rule_kinds
from rbac.space.rule_masks import RuleMasks
from rbac.space.space import Group, Member

RuleHolders = Mapping[int, Sequence[int]]
"""Rule to the numbers of the members that leave it possible."""


class Holders:
    """The members of some groups that leave the rules of two policies possible, which have the ``positions`` in their space.

    ``asked`` are all words that these groups settle, and those that are given.
    """

    def __init__(
        self,
        groups: Sequence[Group],
        tables: Sequence[RuleMasks],
        positions: Sequence[int],
        asked: Collection[str],
    ) -> None:
        self._groups = groups
        self._tables = tables
        self._positions = positions
        self._kinds = [rule_kinds(table, asked) for table in tables]
        self._members = {id(group.members): group.members for group in groups}
        self._found: dict[int, tuple[RuleHolders, RuleHolders]] = {}

    def numbers(self, members: Sequence[Member], rules: Sequence[int]) -> set[int] | None:
        """The places of those members that leave one of these rules of either policy possible; ``None`` where the members
        are none of the groups'."""
        key = id(members)
        if key not in self._members:
            return None
        if key not in self._found:
            self._found[key] = self._on(0, members), self._on(1, members)
        held = zip(rules, self._found[key], strict=True)
        return {number for mask, holders in held for rule in bits(mask) for number in holders.get(rule, ())}

    def tails(self) -> tuple[list[int], list[int]]:
        """For each rule of each policy a number for what it does besides saying whom it is about: equal numbers, equal
        effect."""
        numbers: list[dict[tuple[int, ...], int]] = [{(): 0} for _ in self._groups]
        tails: dict[tuple[object, ...], int] = {}
        return self._tails_of(0, numbers, tails), self._tails_of(1, numbers, tails)

    def _tails_of(
        self, side: int, numbers: Sequence[dict[tuple[int, ...], int]], tails: dict[tuple[object, ...], int]
    ) -> list[int]:
        allow, deny = self._tables[side].effects
        columns = [
            self._numbered(side, group.members, known)
            for group, known in zip(self._groups, numbers, strict=True)
        ]
        return [
            tails.setdefault(
                (*(column[rule] for column in columns), allow >> rule & 1, deny >> rule & 1), len(tails)
            )
            for rule in range(len(self._tables[side].rows))
        ]

    def _numbered(
        self, side: int, members: Sequence[Member], numbers: dict[tuple[int, ...], int]
    ) -> list[int]:
        """For each rule a number for the members that leave it possible, the same on both sides."""
        holders = self._on(side, members)
        known = {
            id(held): numbers.setdefault(tuple(held), len(numbers))
            for held in {id(held): held for held in holders.values()}.values()
        }
        return [
            known[id(holders[rule])] if rule in holders else 0 for rule in range(len(self._tables[side].rows))
        ]

    def _on(self, side: int, members: Sequence[Member]) -> RuleHolders:
        kinds, position = self._kinds[side], self._positions[side]
        found: dict[int, list[int]] = {}
        for number, member in enumerate(members):
            for rule in bits(member.masks[position] & kinds.firsts):
                found.setdefault(rule, []).append(number)
        return {rule: found[first] for rule, first in enumerate(kinds.first_of) if first in found}
