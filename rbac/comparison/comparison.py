"""Which requests two policies answer differently, found without asking each of them.

Only those are looked at that a rule of :class:`Sides` can make a difference to, and what is found is put to both
enforcers.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, reduce
from math import prod
from typing import ClassVar, Final

from rbac.comparison.sides import Masks, Sides
from rbac.errors import RbacError
from rbac.space.demands import MOST_COMBINATIONS
from rbac.space.space import Group, Member, Space

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


class Comparison(Sides):
    """Two policies of a space whose matchers have a formula, by their positions in it, asked for requests."""

    def __init__(self, space: Space, old: int = 0, new: int = 1) -> None:
        super().__init__(space, old, new)
        self._most_steps: int | None = None

    def requests(
        self, start: Masks, needed: Sequence[Masks], never: Masks = (0, 0)
    ) -> Iterator[tuple[dict[str, str], Masks]]:
        """Of the requests for which ``start`` is what callers leave possible: every class of the words that are not
        about callers, by an example with the rules it leaves, where of each of ``needed`` a rule matches.

        Requests that rules of ``never`` match are left out where that is seen early, all of them or not.
        """
        groups = [self._without(never, place) for place in range(len(self.what))]
        for members, masks in self._walk(groups, 0, start, needed):
            yield _words([group.words for group in self.what], members), masks

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
        start = self.masks(who) if whole else self.everything
        changed = self.changed(start) if whole else None
        for members, masks in self._walk(groups, 0, start, [] if changed is None else [changed]):
            if differ(masks):
                yield _words(words, members)

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
        if not self.apart:
            if not self.can_be_followed:
                self.space.note(_TOO_MANY)
                return
            self._most_steps = self._steps + MOST_STEPS
        groups = [self.space.group(words) for words in self.who_words]
        for who, start in self._examples(groups, self.everything, self.apart):
            self._steps += 10
            changed = self.changed(start)
            for cell, masks in self._examples(self.what, start, [] if changed is None else [changed]):
                if self.differ(masks):
                    yield {**who, **cell}
        if self._most_steps is not None and self._steps > self._most_steps:
            self.space.note(_TOO_MANY)
        self._most_steps = None

    def _examples(
        self, groups: Sequence[Group], start: Masks, needed: Sequence[Masks]
    ) -> Iterator[tuple[dict[str, str], Masks]]:
        """The words of members of these groups, with the rules that they leave."""
        for members, masks in self._walk([group.members for group in groups], 0, start, needed):
            yield _words([group.words for group in groups], members), masks

    def _free_words(self, tied: tuple[str, ...], who: Mapping[str, str]) -> Sequence[Member]:
        """The members of a group of caller words, with what is known of the caller put in."""
        free = tuple(word for word in tied if word not in who)
        known = self.space.demands({word: who[word] for word in tied if word in who})
        return tuple(
            Member(values, self.space.possible(left)) for left, values in self.space.variants(known, free)
        )

    def _walk(
        self, groups: Sequence[Sequence[Member]], depth: int, masks: Masks, needed: Sequence[Masks]
    ) -> Iterator[tuple[tuple[Member, ...], Masks]]:
        """The ways to choose a member of each group, with the rules left, of which each of ``needed`` has one."""
        if not self._goes_on(masks, needed):
            return
        if depth == len(groups):
            yield (), masks
            return
        old, new = self._positions
        last = depth + 1 == len(groups)
        for member in self._worth_a_look(groups[depth], masks, needed):
            left = (masks[0] & member.masks[old], masks[1] & member.masks[new])
            if last:
                if self._goes_on(left, needed):
                    yield (member,), left
                continue
            for others, found in self._walk(groups, depth + 1, left, needed):
                yield (member, *others), found

    def _goes_on(self, masks: Masks, needed: Sequence[Masks]) -> bool:
        """Counts a step, and says whether these rules are worth one more: of each of ``needed`` one is left."""
        self._steps += 1
        if self._most_steps is not None and self._steps > self._most_steps:
            return False
        return all(masks[0] & one[0] or masks[1] & one[1] for one in needed)

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


def _words(groups: Iterable[Sequence[str]], members: Iterable[Member]) -> dict[str, str]:
    """The words of each group with the values that a member of it has."""
    return {
        word: value
        for words, member in zip(groups, members, strict=True)
        for word, value in zip(words, member.values, strict=True)
    }
