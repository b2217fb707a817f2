"""Many callers at once: for whom of them an endpoint is answered differently.

What one caller is asked is asked of thousands in one step, because whom a rule matches is a mask, too: bit ``n`` is
caller ``n``.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, reduce
from operator import or_
from typing import Final, Self

from rbac.comparison.comparison import Comparison
from rbac.comparison.sides import Masks
from rbac.space.bits import bits, mask_of
from rbac.space.residue import residue_key

_NEITHER: Final[Masks] = (0, 0)
SideHolders = tuple[Mapping[int, int], Mapping[int, int]]
"""For each of two policies: rule to the callers for whom it matches."""


class Crowd:
    """Callers of whom each says all that conditions about callers look at, and the rules that match for them.

    Where their order does not matter, rules about the same endpoints go by the first of them. ``reach`` are the rules that
    match for any of the callers, ``holders`` says for which; ``changed`` are those that can make a difference, and ``None``
    when any request could differ; ``looked`` counts the endpoints that were looked at.
    """

    def __init__(
        self, comparison: Comparison, callers: Sequence[Masks], holders: "SideHolders | None" = None
    ) -> None:
        """``holders`` are those of a crowd of the same callers."""
        self._comparison = comparison
        self._callers = callers
        self._everybody = (1 << len(callers)) - 1
        self.looked = 0
        self.holders: SideHolders = holders or (self._holders_of(0), self._holders_of(1))
        self.reach: Masks = (mask_of(self.holders[0]), mask_of(self.holders[1]))
        self.changed, self._affected = self._changed()

    @classmethod
    def of_both(
        cls, comparison: Comparison, both: Sequence[Masks], some: Sequence[Masks], others: Sequence[Masks]
    ) -> Self:
        """Callers who are two at once, looked at for what changes for neither of the two alone.

        Where the rules that match for both are those that match for either, only rules that close can make such a
        difference: what is open to one of them is closed by what matches for the other.
        """
        crowd = cls(comparison, both)
        adds_up = all(
            together[side] == one[side] | other[side]
            for together, one, other in zip(both, some, others, strict=True)
            for side in (0, 1)
        )
        if adds_up and crowd.changed is not None and not comparison.ordered:
            crowd.changed = comparison.closed_by(crowd.changed)
        return crowd

    @cached_property
    def _few(self) -> "tuple[SideHolders, Masks]":
        """The rules that match for callers of whom something may change, with these, and the masks of them."""
        affected = self._affected
        if affected == self._everybody:
            return self.holders, self.reach
        old, new = (
            {rule: callers & affected for rule, callers in held.items() if callers & affected}
            for held in self.holders
        )
        return (old, new), (mask_of(old), mask_of(new))

    def differing(self, masks: Masks) -> Masks:
        """The callers who are granted what leaves these rules possible, and those for whom it is revoked."""
        self.looked += 1
        holders, reach = self._few
        masks = masks[0] & reach[0], masks[1] & reach[1]
        old, new = self._comparison.allowing(masks, holders, self._affected)
        return new & ~old, old & ~new

    def requests(self) -> Iterator[tuple[dict[str, str], Masks]]:
        """Every class of endpoints that is answered differently for some, by an example, with :meth:`differing`."""
        if self.changed == _NEITHER:
            return
        reach = self._few[1]
        needed = [] if self.changed is None else [self.changed]
        needed += self._comparison.needed_for_access(reach)
        for words, masks in self._comparison.requests(reach, needed):
            found = self.differing(masks)
            if found != _NEITHER:
                yield words, found

    def reaches(self, endpoints: Iterable[Mapping[str, str]]) -> bool:
        """Whether the new policy lets one of the callers in at one of these."""
        masks = (self._comparison.masks(words) for words in endpoints)
        return any(self._allowing((0, one[1] & self.reach[1]))[1] for one in masks)

    def reaches_anything(self) -> bool:
        """Whether there is an endpoint at which the new policy lets one of the callers in."""
        reach = (0, self.reach[1])
        needed = self._comparison.needed_for_access(reach)
        found = self._comparison.requests(reach, needed, self._comparison.closed_by((0, self._held_by_all)))
        return any(self._allowing(masks)[1] for _, masks in found)

    @property
    def _held_by_all(self) -> int:
        """The rules of the new policy that match for every caller."""
        return mask_of(rule for rule, callers in self.holders[1].items() if callers == self._everybody)

    def _allowing(self, masks: Masks) -> Masks:
        return self._comparison.allowing(masks, self.holders, self._everybody)

    def _holders_of(self, side: int) -> Mapping[int, int]:
        """The first rule of each kind to the callers for whom one of that kind matches."""
        who, what = self._comparison.who_kinds[side], self._comparison.what_kinds[side]
        numbers: defaultdict[int, list[int]] = defaultdict(list)
        for caller, masks in enumerate(self._callers):
            for rule in bits(masks[side] & who.firsts):
                numbers[rule].append(caller)
        held = {rule: mask_of(callers) for rule, callers in numbers.items()}
        found: dict[int, int] = {}
        for first, kind in zip(who.first_of, what.first_of, strict=True):
            if first in held:
                found[kind] = found.get(kind, 0) | held[first]
        return found

    def _changed(self) -> tuple[Masks | None, int]:
        """:attr:`changed`, and the callers for whom one of these matches on one side and nothing like it on the other."""
        if not self._comparison.comparable:
            return None, self._everybody
        if self._comparison.ordered:
            alike: dict[object, tuple[Masks, list[int]]] = {}
            for caller, masks in enumerate(self._callers):
                alike.setdefault(residue_key(masks), (masks, []))[1].append(caller)
            each = [
                (self._comparison.changed(masks) or _NEITHER, callers) for masks, callers in alike.values()
            ]
            affected = [caller for found, callers in each if found != _NEITHER for caller in callers]
            sides = (reduce(or_, (found[side] for found, _ in each), 0) for side in (0, 1))
            old, new = sides
            return (old, new), mask_of(affected)
        tails: tuple[dict[int, int], dict[int, int]] = ({}, {})
        for side, held in enumerate(self.holders):
            for rule, callers in held.items():
                tail = self._comparison.tail(side, rule)
                tails[side][tail] = tails[side].get(tail, 0) | callers
        different = self._comparison.changed_by(tails)
        old, new = (
            mask_of(rule for rule in held if self._comparison.tail(side, rule) in different)
            for side, held in enumerate(self.holders)
        )
        return (old, new), reduce(or_, different.values(), 0)
