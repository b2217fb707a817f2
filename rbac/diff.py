"""What a change of the rules changes for callers: which cells are granted, which revoked, and nothing
else."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Final

from rbac.asking import answer
from rbac.bits import bits, mask_of
from rbac.callers import Caller, Endpoint, callers_of, check_given, endpoint_at, endpoints_of
from rbac.compare import Comparison, Masks, SpaceError
from rbac.crowd import Crowd
from rbac.decision import Decision
from rbac.differences import Change, Diff, link_changes
from rbac.policy import Policy
from rbac.routes import Route
from rbac.space import Space
from rbac.touched import touched_rules

MOST_REQUESTS: Final = 200_000
"""Where a matcher has no formula: how many requests are tried one by one."""
MOST_CELLS: Final = 10_000
"""Where more cells than this change, what changes for those who bring no role is told of them alone, and what changes
for one person whatever their role is told once: each with the number of callers for whom it is the same."""

Found = list[tuple[Endpoint, Masks]]
"""Endpoints that are answered differently: for which callers granted, for which revoked."""


def diff(
    old: Policy,
    new: Policy,
    routes: Sequence[Route] = (),
    *,
    subjects: str | None = None,
    control: bool = False,
    given: Mapping[str, str] | None = None,
) -> Diff:
    """Exactly what changes from ``old`` to ``new``: on the known routes, and by an example each everywhere
    else.

    ``given`` are words besides, as in :func:`rbac.review.can`. ``control`` counts requests with control characters too,
    which the service never lets through. Raises RequestError for models that ask with different words.
    """
    rules = touched_rules(old, new)
    space = Space((old, new), routes, given=given, control=control, rules=rules)
    check_given(space, given)
    return _Differ(space, subjects).result()


class _Differ:
    def __init__(self, space: Space, subjects: str | None) -> None:
        self._policies = space.policies
        self._space = space
        self._comparison = Comparison(self._space) if self._space.tables else None
        self._callers = callers_of(self._space, subjects)
        self._endpoints = endpoints_of(self._space) if space.routes else ()
        self._classes: dict[tuple[str, ...], frozenset[tuple[Masks, ...]]] = {}
        # Which callers, by endpoint: granted, and revoked.
        self._known: dict[tuple[str, ...], Masks] = {}

    def result(self) -> Diff:
        comparison = self._comparison
        if comparison is not None and all(comparison.settled(caller.words) for caller in self._callers):
            found = list(self._of_crowd(comparison))
        else:
            found = list(self._one_by_one())
        cells = [change for change in found if change.caller.kind != "subject"]
        people = [change for change in found if change.caller.kind == "subject"]
        old, new = self._policies
        # Callers as nobody comes are of interest where nothing changes for anybody else.
        found_any = bool(cells or people)
        if not found_any:
            people += self._anywhere()
        links = tuple(link_changes(old, new, cells, people))
        notes = self._space.notes_about(self._space.words) if found_any else self._space.notes
        return Diff(old.revision, new.revision, tuple(cells), tuple(people), links, notes, space=self._space)

    # --- callers of whom each says all that conditions about callers look at

    def _of_crowd(self, comparison: Comparison) -> Iterator[Change]:
        masks = [comparison.masks(caller.words) for caller in self._callers]
        found = self._answered_differently(comparison, Crowd(comparison, masks))
        nameless = mask_of(n for n, caller in enumerate(self._callers) if caller.kind in {"nobody", "token"})
        yield from self._told(self._callers, found, lambda callers: callers & nameless or callers)
        self._known = {_key(endpoint): callers for endpoint, callers in found}
        for number, person in enumerate(self._callers):
            if person.kind == "subject" and self._is_touched(comparison, masks, number):
                yield from self._with_roles(comparison, number)

    def _answered_differently(self, comparison: Comparison, crowd: Crowd) -> Found:
        """Known routes in their order, then examples off the routes."""
        if crowd.changed == (0, 0):
            return []
        found = [
            (endpoint, crowd.differing(comparison.masks(endpoint.words))) for endpoint in self._endpoints
        ]
        who = self._callers[0]
        known = self._known_classes(comparison, who)
        found += [
            (self._endpoint(words), callers)
            for words, callers in crowd.requests()
            if not known or comparison.class_of(who.words, words) not in known
        ]
        return [one for one in found if one[1] != (0, 0)]

    def _told(self, callers: Sequence[Caller], found: Found, first: Callable[[int], int]) -> Iterator[Change]:
        """The cells, caller by caller; where there are too many, the ``first`` of callers stand for all of them."""
        many = sum((granted | revoked).bit_count() for _, (granted, revoked) in found) > MOST_CELLS
        numbers: dict[int, list[tuple[Endpoint, int]]] = {}
        for endpoint, sides in found:
            for side in sides:
                told = first(side) if many else side
                also = (side & ~told).bit_count()
                for caller in bits(told):
                    numbers.setdefault(caller, []).append((endpoint, also))
                    also = 0
        for number, cells in sorted(numbers.items()):
            for endpoint, also in cells:
                change = self._ask(callers[number], endpoint)
                if change is None:
                    raise SpaceError(f"{callers[number].words} {endpoint.words}")
                yield replace(change, also=also) if also else change

    def _is_touched(self, comparison: Comparison, masks: Sequence[Masks], number: int) -> bool:
        """Whether a rule that is about this person, and not about everybody with a token, is changed."""
        token = next(n for n, caller in enumerate(self._callers) if caller.kind == "token")
        (old, new), common = masks[number], masks[token]
        return comparison.changed((old & ~common[0], new & ~common[1])) != (0, 0)

    def _with_roles(self, comparison: Comparison, number: int) -> Iterator[Change]:
        """What changes for a named person who brings a role, and not for that role as such: a lock-out,
        above all."""
        callers = self._with_each_role(self._callers[number])
        if not callers:
            return
        # Roles stand in a row among the callers.
        first = next(n for n, caller in enumerate(self._callers) if caller.kind == "role")
        crowd = Crowd(comparison, [comparison.masks(caller.words) for caller in callers])
        found: Found = []
        for endpoint, sides in self._answered_differently(comparison, crowd):
            known = self._known.get(_key(endpoint), (0, 0))
            granted, revoked = (
                0 if of_callers >> number & 1 else side & ~(of_callers >> first)
                for side, of_callers in zip(sides, known, strict=True)
            )
            found.append((endpoint, (granted, revoked)))
        yield from self._told(callers, found, lambda some: some & -some)

    def _with_each_role(self, person: Caller) -> list[Caller]:
        """The person with each role in the token; nobody where a request has one word for both."""
        axes = self._space.axes
        if axes.sub is None or axes.sub == axes.role:
            return []
        return [
            Caller(
                "subject",
                person.name,
                f"{person.name} as {role.label}",
                {**role.words, axes.sub: person.name},
            )
            for role in self._callers
            if role.kind == "role"
        ]

    # --- any callers, one by one

    def _one_by_one(self) -> Iterator[Change]:
        found = [change for caller in self._callers for change in self._changes(caller)]
        yield from found
        if self._comparison is None:
            return
        known = {(change.caller.label, _key(change.endpoint), change.granted) for change in found}
        roles = [caller for caller in self._callers if caller.kind == "role"]
        for person in self._callers:
            if person.kind != "subject" or self._comparison.unchanged(person.words):
                continue
            for role, both in zip(roles, self._with_each_role(person), strict=False):
                for change in self._changes(both):
                    key = (_key(change.endpoint), change.granted)
                    if (role.label, *key) not in known and (person.label, *key) not in known:
                        yield change

    def _changes(self, caller: Caller) -> Iterator[Change]:
        """What changes for one caller: known routes in their order, then examples off the routes."""
        if self._comparison is None:
            yield from self._walk(caller)
            return
        if self._comparison.unchanged(caller.words):
            return
        for endpoint in self._endpoints:
            yield from self._asked(caller, endpoint)
        known = self._known_classes(self._comparison, caller)
        for words in self._comparison.cells(caller.words):
            if not known or self._comparison.class_of(caller.words, words) not in known:
                change = self._ask(caller, self._endpoint(words))
                if change is None:
                    raise SpaceError(f"{caller.words} {words}")
                yield change

    def _asked(self, caller: Caller, endpoint: Endpoint) -> Iterator[Change]:
        change = self._ask(caller, endpoint)
        if change is not None:
            yield change

    def _ask(self, caller: Caller, endpoint: Endpoint) -> Change | None:
        request = self._space.request({**caller.words, **endpoint.words})
        old, new = (answer(policy, request) for policy in self._policies)
        if old.allowed == new.allowed:
            return None
        return Change(caller, endpoint, old, new, "" if endpoint.known else self._stands_for(old, new))

    def _stands_for(self, old: Decision, new: Decision) -> str:
        """The method and the path of the rule that makes the difference: the new one, or the one that is gone."""
        axes = self._space.axes
        for policy, decision in zip(reversed(self._policies), (new, old), strict=True):
            if decision.rule is not None:
                columns = [
                    {relation.column for relation in policy.relations.of_word(policy.words.index(word))}
                    for word in (axes.act, axes.obj)
                    if word is not None
                ]
                return " ".join(decision.rule.fields[min(column)] for column in columns if column)
        return ""

    def _walk(self, caller: Caller) -> Iterator[Change]:
        """Without a formula: every endpoint of the space."""
        for endpoint in self._endpoints or endpoints_of(self._space):
            yield from self._asked(caller, endpoint)

    def _endpoint(self, words: Mapping[str, str]) -> Endpoint:
        return endpoint_at(self._space, words)

    def _known_classes(self, comparison: Comparison, caller: Caller) -> frozenset[tuple[Masks, ...]]:
        """The classes that a known route is in, which are the same for all callers unless a condition looks at
        caller and endpoint at once."""
        who = () if comparison.settled(caller.words) else tuple(caller.words.values())
        if who not in self._classes:
            classes = (comparison.class_of(caller.words, endpoint.words) for endpoint in self._endpoints)
            self._classes[who] = frozenset(classes)
        return self._classes[who]

    def _anywhere(self) -> Iterator[Change]:
        """A change that shows for no caller as they come, such as one whose ``sub`` is the name of a role."""
        found = self._comparison.first() if self._comparison is not None else self._tried()
        if found is not None:
            axes = self._space.axes
            who = {word: found[word] for word in axes.caller}
            label = ", ".join(f"{word} {value!r}" for word, value in who.items())
            rest = {word: value for word, value in found.items() if word not in who}
            change = self._ask(
                Caller("subject", who.get(axes.sub or axes.role or "", ""), label, who), self._endpoint(rest)
            )
            if change is None:
                raise SpaceError(f"{found}")
            yield change

    def _tried(self) -> dict[str, str] | None:
        """Without a formula: the requests of the space one by one, as far as patience goes."""
        old, new = self._policies
        for request in islice(self._space, MOST_REQUESTS):
            if answer(old, request).allowed != answer(new, request).allowed:
                return dict(zip(self._space.words, request, strict=True))
        return None


def _key(endpoint: Endpoint) -> tuple[str, ...]:
    return (endpoint.act, endpoint.obj, *endpoint.words.values())
