"""A request that two policies answer differently: one that somebody asks as they come, where there is such."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain, islice
from typing import Final

from rbac.asking import answer
from rbac.comparison.comparison import Comparison
from rbac.comparison.sides import Masks
from rbac.space.callers import Caller, Endpoint, endpoint_at, endpoints_of, split
from rbac.space.space import Space

_MOST_REQUESTS: Final = 200_000

Askable = Callable[[Mapping[str, str]], bool]
"""Whether anybody can ask for an endpoint with these words."""


class DifferenceSearch:
    """The first and the last policy of a space, searched for a request that they answer differently."""

    def __init__(self, space: Space, callers: Sequence[Caller], asked: Askable) -> None:
        self._space = space
        self._callers = callers
        self._asked = asked

    def first(
        self, rules: Masks | None = None, more: Iterable[Caller] = ()
    ) -> tuple[Caller, Endpoint] | None:
        """Such a request, if there is one: callers as they come, then ``more`` of them, and known routes first.

        ``rules`` are those that either policy has, where they are one and the same but for these.
        """
        if not self._space.tables:
            each = (split(self._space, words, self._callers) for words in tried(self._space))
            return next((one for one in each if self._asked(one[1].words)), None)
        comparison = self._comparison if rules is None else self._comparison.of_rules(rules)
        possible = ((one, comparison.kept(masks)) for one, masks in chain(self._known, self._masked(more)))
        callers = [(caller, masks) for caller, masks in possible if comparison.can_differ(masks)]
        at_route = self._at_routes(comparison, callers)
        if at_route is not None:
            return at_route
        for caller, _ in callers:
            # What a matcher ties to the rest is gone through once: for each of thousands of rules it would take too long.
            if rules is None or comparison.settled(caller.words):
                for words in filter(self._asked, comparison.cells(caller.words)):
                    return caller, endpoint_at(self._space, words)
        found = next(filter(self._asked, comparison.everywhere()), None)
        return None if found is None else split(self._space, found, self._callers)

    def _at_routes(
        self, comparison: Comparison, callers: Iterable[tuple[Caller, Masks]]
    ) -> tuple[Caller, Endpoint] | None:
        for caller, who in callers:
            settled = comparison.settled(caller.words)
            if settled and comparison.changed(who) == (0, 0):
                continue
            for endpoint, what in self._endpoints:
                masks = who[0] & what[0], who[1] & what[1]
                if not comparison.can_differ(masks):
                    continue
                if not settled:
                    masks = comparison.masks({**caller.words, **endpoint.words})
                if comparison.differ(masks):
                    return caller, endpoint
        return None

    @cached_property
    def _comparison(self) -> Comparison:
        return Comparison(self._space, 0, len(self._space.policies) - 1)

    @cached_property
    def _known(self) -> list[tuple[Caller, Masks]]:
        return list(self._masked(self._callers))

    def _masked(self, callers: Iterable[Caller]) -> Iterator[tuple[Caller, Masks]]:
        """These callers with the rules that each of them leaves possible."""
        return ((caller, self._comparison.masks(caller.words)) for caller in callers)

    @cached_property
    def _endpoints(self) -> list[tuple[Endpoint, Masks]]:
        """The known routes that can be asked for, with the rules that each of them leaves possible."""
        known = (endpoint for endpoint in endpoints_of(self._space) if endpoint.known)
        return [(one, self._comparison.masks(one.words)) for one in known if self._asked(one.words)]


def answered_differently(space: Space, words: Mapping[str, str]) -> bool:
    """Whether the two policies of the space decide differently about the request with these words."""
    request = space.request(words)
    old, new = (answer(policy, request).allowed for policy in space.policies)
    return old != new


def tried(space: Space) -> Iterator[dict[str, str]]:
    """Where a matcher has no formula: the requests of the space that are answered differently, tried one by one as far as
    patience goes."""
    for request in islice(space, _MOST_REQUESTS):
        words = dict(zip(space.words, request, strict=True))
        if answered_differently(space, words):
            yield words
