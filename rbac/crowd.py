"""Many callers at once: for whom of them an endpoint is answered differently.

What one caller is asked is asked of thousands in one step, because whom a rule matches is a mask, too: bit ``n`` is
caller ``n``.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from operator import and_, or_
from typing import Final

from rbac.bits import bits, mask_of
from rbac.compare import Comparison, Masks

_NEITHER: Final[Masks] = (0, 0)


class Crowd:
    """Callers of whom each says all that conditions about callers look at, and the rules that match for them.

    ``reach`` are the rules that match for any of them; ``changed`` those of them that can make a difference, and
    ``None`` when any request could differ.
    """

    def __init__(self, comparison: Comparison, callers: Sequence[Masks]) -> None:
        self._comparison = comparison
        self._callers = callers
        self._everybody = (1 << len(callers)) - 1
        self._holders = (self._holders_of(0), self._holders_of(1))
        self.reach: Masks = (mask_of(self._holders[0]), mask_of(self._holders[1]))
        self.changed = self._changed()

    def differing(self, masks: Masks) -> Masks:
        """The callers who are granted what leaves these rules possible, and those for whom it is revoked."""
        old, new = self._allowing(masks)
        return new & ~old, old & ~new

    def requests(self) -> Iterator[tuple[dict[str, str], Masks]]:
        """Every class of endpoints that is answered differently for some, by an example, with :meth:`differing`."""
        if self.changed == _NEITHER:
            return
        needed = [] if self.changed is None else [self.changed]
        for words, masks in self._comparison.requests(self.reach, needed):
            found = self.differing(masks)
            if found != _NEITHER:
                yield words, found

    def reaches(self, endpoints: Iterable[Mapping[str, str]]) -> bool:
        """Whether the new policy lets one of the callers in at one of these."""
        masks = (self._comparison.masks(words) for words in endpoints)
        return any(self._allowing(one)[1] for one in masks)

    def reaches_anything(self) -> bool:
        """Whether there is an endpoint at which the new policy lets one of the callers in."""
        found = self._comparison.requests(self.reach, self._comparison.needed_for_access(self.reach))
        return any(self._allowing(masks)[1] for _, masks in found)

    def _allowing(self, masks: Masks) -> Masks:
        return self._comparison.allowing(masks, self._holders, self._everybody)

    def _holders_of(self, side: int) -> Mapping[int, int]:
        """Rule to the callers for whom it matches."""
        if not self._callers:
            return {}
        # What matches for everybody is not counted caller by caller.
        common = reduce(and_, (masks[side] for masks in self._callers))
        numbers: dict[int, list[int]] = {}
        for caller, masks in enumerate(self._callers):
            for rule in bits(masks[side] & ~common):
                numbers.setdefault(rule, []).append(caller)
        found = {rule: mask_of(callers) for rule, callers in numbers.items()}
        return dict.fromkeys(bits(common), self._everybody) | found

    def _changed(self) -> Masks | None:
        if not self._comparison.comparable:
            return None
        if self._comparison.ordered:
            alike = dict.fromkeys(self._callers)
            each = [self._comparison.changed(masks) or _NEITHER for masks in alike]
            return reduce(or_, (old for old, _ in each), 0), reduce(or_, (new for _, new in each), 0)
        tails: tuple[dict[int, int], dict[int, int]] = ({}, {})
        for side, held in enumerate(self._holders):
            for rule, callers in held.items():
                tail = self._comparison.tail(side, rule)
                tails[side][tail] = tails[side].get(tail, 0) | callers
        different = self._comparison.changed_by(tails)
        old, new = (
            mask_of(rule for rule in held if self._comparison.tail(side, rule) in different)
            for side, held in enumerate(self._holders)
        )
        return old, new
