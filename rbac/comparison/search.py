"""A request that two policies answer differently: one that somebody asks as they come, where there is such."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from rbac.asking import answer
from rbac.comparison.comparison import Comparison
from rbac.space.callers import Caller, Endpoint, endpoint_at, endpoints_of, split
from rbac.space.space import Space

_MOST_REQUESTS: Final = 200_000

Askable = Callable[[Mapping[str, str]], bool]
"""Whether anybody can ask for an endpoint with these words."""


def first_difference(
    space: Space, callers: Sequence[Caller], asked: Askable
) -> tuple[Caller, Endpoint] | None:
    """A request that the two policies of ``space`` answer differently; these callers and known routes first."""
    if not space.tables:
        each = (split(space, words, callers) for words in tried(space))
        return next((one for one in each if asked(one[1].words)), None)
    comparison = Comparison(space)
    endpoints = [endpoint for endpoint in endpoints_of(space) if asked(endpoint.words)]
    for caller in callers:
        if comparison.unchanged(caller.words):
            continue
        for endpoint in endpoints:
            if answered_differently(space, {**caller.words, **endpoint.words}):
                return caller, endpoint
        for words in filter(asked, comparison.cells(caller.words)):
            return caller, endpoint_at(space, words)
    found = next(filter(asked, comparison.everywhere()), None)
    return None if found is None else split(space, found, callers)


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
