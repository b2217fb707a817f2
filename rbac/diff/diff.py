"""What a change of the rules changes for callers: which cells are granted, which revoked, and nothing
else."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import islice
from typing import Final

from rbac.asking import answer
from rbac.comparison.comparison import Comparison, SpaceError
from rbac.comparison.crowd import Crowd
from rbac.comparison.search import tried
from rbac.comparison.sides import Masks
from rbac.comparison.touched import touched_rules
from rbac.decision import Decision
from rbac.diff.differences import Change, Diff
from rbac.diff.links import link_changes
from rbac.diff.people import kinds_of_people, touched_people, with_each_role
from rbac.diff.several_roles import CrowdOfSeveralRoles, asked_of_several_roles, takes_several_roles
from rbac.policy import Policy
from rbac.review.told_of_templates import as_routed, by_template
from rbac.routes import Route
from rbac.space.bits import bits, mask_of
from rbac.space.callers import (
    Caller,
    Endpoint,
    callers_of,
    check_given,
    endpoint_at,
    endpoints_and_parts,
    split,
)
from rbac.space.space import Space

MOST_LOOKS: Final = 1_500_000
"""What is looked at of people with each role in their token, callers, rules and requests, those who are alike once; of
more kinds of people it is not told what changes for them."""
# A request is as much work as so many rules.
_A_REQUEST: Final = 6
MOST_CELLS: Final = 10_000
"""Where more cells than this change, some callers stand for all for whom an endpoint changes alike, and count the others:
those who bring no role, else the roles, or where these are too many the first of them; of people with roles the first."""

FoundChanges = list[tuple[Endpoint, Masks]]
"""Endpoints that are answered differently: for which callers granted, for which revoked."""
First = Callable[[int], int]
"""Of some callers those who stand for all of them."""


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

    ``given`` are words besides, as in :func:`rbac.review.access.can`. ``control`` counts requests with control characters
    too, which the service never lets through. Raises RequestError for models that ask with different words.
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
        self._endpoints = endpoints_and_parts(self._space) if space.routes else ()
        self._classes: dict[tuple[str, ...], frozenset[tuple[object, ...]]] = {}
        # Which callers, by endpoint: granted, and revoked.
        self._known: dict[tuple[str, ...], Masks] = {}
        # Which rules match, by caller.
        self._masks: Sequence[Masks] = ()

    def result(self) -> Diff:
        comparison = self._comparison
        same = comparison is not None and comparison.same
        found: list[Change] = []
        if not same:
            settled = comparison is not None and all(
                comparison.settled(caller.words) for caller in self._callers
            )
            found += self._of_crowd(comparison) if comparison is not None and settled else self._one_by_one()
        cells = [change for change in found if change.caller.kind != "subject"]
        people = [change for change in found if change.caller.kind == "subject"]
        old, new = self._policies
        # Callers as nobody comes are of interest where nothing changes for anybody else.
        found_any = bool(cells or people)
        if not found_any and not same:
            people += self._anywhere()
        links = tuple(link_changes(old, new, cells, people))
        # Which callers there are is of no interest where the rules are the same for all of them.
        looked = found_any or same or (comparison is not None and not comparison.can_be_followed)
        notes = self._space.notes_about(self._space.words) if looked else self._space.notes
        return Diff(
            old.revision,
            new.revision,
            tuple(cells),
            tuple(people),
            links,
            notes,
            folded=any(change.also for change in found),
            example=bool(people) and not found_any,
            comparison=comparison,
        )

    # --- callers of whom each says all that conditions about callers look at

    def _of_crowd(self, comparison: Comparison) -> Iterator[Change]:
        masks = self._masks = [comparison.masks(caller.words) for caller in self._callers]
        crowd = Crowd(comparison, masks)
        found = self._answered_differently(comparison, crowd)
        nameless, roles = (
            mask_of(n for n, caller in enumerate(self._callers) if caller.kind in kinds)
            for kinds in ({"nobody", "token"}, {"role"})
        )
        told = list(by_template(found))
        first = _finest(
            (told,),
            lambda callers: callers & nameless or callers & roles or callers,
            lambda callers: callers & nameless or callers & -callers,
        )
        yield from self._told(self._callers, told, first)
        self._known = {_key(endpoint): callers for endpoint, callers in found}
        yield from self._of_people(comparison, touched_people(comparison, self._callers, masks))
        if takes_several_roles(self._space):
            several = CrowdOfSeveralRoles(comparison, self._callers, masks, crowd.holders)
            found = self._answered_differently(comparison, several)
            yield from self._told_of_several(several.told(found, MOST_CELLS))

    def _of_people(self, comparison: Comparison, numbers: Sequence[int]) -> Iterator[Change]:
        """What changes for these people when they bring a role, those who are alike looked at once."""
        alike = kinds_of_people(self._space, self._callers, numbers)
        rules = sum(len(table.rows) for table in self._space.tables)
        groups: list[tuple[Sequence[int], FoundChanges]] = []
        left = MOST_LOOKS
        for people in alike:
            if left < 0:
                self._space.note(
                    f"what changes for people who bring a role in the token is told of {len(groups)} of {len(alike)} kinds"
                    " of people: `--subjects` says whom to ask about"
                )
                break
            found, requests = self._with_roles(comparison, people[0])
            groups.append((people, found))
            left -= len(self._callers) + rules + _A_REQUEST * requests
        first = _finest((found for people, found in groups for _ in people), lambda some: some & -some)
        # Whoever is folded is folded for everybody: then one person stands for all who are like them, too.
        told = {
            number: (found, 0 if first is None else len(people) - 1)
            for people, found in groups
            for number in (people if first is None else people[:1])
        }
        for number, (found, others) in sorted(told.items()):
            yield from self._told(
                with_each_role(self._space, self._callers, self._callers[number]), found, first, others
            )

    def _answered_differently(self, comparison: Comparison, crowd: Crowd) -> FoundChanges:
        """Known routes in their order, then examples off the routes."""
        if crowd.changed == (0, 0):
            return []
        found = [
            (endpoint, crowd.differing(comparison.masks(endpoint.words))) for endpoint in self._endpoints
        ]
        who = self._callers[0]
        known = self._known_classes(comparison, who)
        found += [
            (endpoint_at(self._space, words), callers)
            for words, callers in crowd.requests()
            if not known or comparison.class_of(who.words, words) not in known
        ]
        # Of a route that is answered differently it is told where not.
        return [one for one in found if one[1] != (0, 0) or one[0].template]

    def _told(
        self, callers: Sequence[Caller], found: FoundChanges, first: First | None, others: int = 0
    ) -> Iterator[Change]:
        """The cells, caller by caller; where the ``first`` of callers stand for all of them, these are counted, and
        ``others`` times as many of whom the same is true."""
        numbers: dict[int, list[tuple[Endpoint, int]]] = {}
        for endpoint, sides in found:
            for side in sides:
                told = side if first is None else first(side)
                also = side.bit_count() * (1 + others) - told.bit_count()
                for caller in bits(told):
                    numbers.setdefault(caller, []).append((endpoint, also))
                    also = 0
        for number, cells in sorted(numbers.items()):
            for endpoint, also in cells:
                change = self._certain(callers[number], endpoint)
                yield replace(change, also=also) if also else change

    def _with_roles(self, comparison: Comparison, number: int) -> tuple[FoundChanges, int]:
        """What changes for a named person who brings a role, by the role's place among the roles, and not for that role
        as such: a lock-out, above all. With it the number of requests that were looked at."""
        callers = with_each_role(self._space, self._callers, self._callers[number])
        found: FoundChanges = []
        if not callers:
            return found, 0
        # Roles stand in a row among the callers.
        first = next(n for n, caller in enumerate(self._callers) if caller.kind == "role")
        roles = self._masks[first : first + len(callers)]
        both = [comparison.masks(caller.words) for caller in callers]
        crowd = Crowd.of_both(comparison, both, [self._masks[number]] * len(roles), roles)
        exact = self._answered_differently(comparison, crowd)
        for endpoint, sides in exact:
            known = self._known.get(_key(endpoint), (0, 0))
            granted, revoked = (
                0 if of_callers >> number & 1 else side & ~(of_callers >> first)
                for side, of_callers in zip(sides, known, strict=True)
            )
            found.append((endpoint, (granted, revoked)))
        return list(by_template(found, exact)), crowd.looked

    # --- any callers, one by one

    def _one_by_one(self) -> Iterator[Change]:
        found = [change for caller in self._callers for change in self._changes(caller)]
        yield from found
        if takes_several_roles(self._space):
            asked = asked_of_several_roles(self._space, self._comparison, self._callers, self._endpoints)
            yield from self._told_of_several(asked)
        if self._comparison is None:
            return
        known = {(change.caller.label, _told_key(change.endpoint), change.granted) for change in found}
        roles = [caller for caller in self._callers if caller.kind == "role"]
        for person in self._callers:
            if person.kind != "subject" or self._comparison.unchanged(person.words):
                continue
            for role, both in zip(roles, with_each_role(self._space, self._callers, person), strict=False):
                for change in self._changes(both):
                    key = (_told_key(change.endpoint), change.granted)
                    if (role.label, *key) not in known and (person.label, *key) not in known:
                        yield change

    def _told_of_several(self, found: Iterable[tuple[Caller, Endpoint, int]]) -> Iterator[Change]:
        """What changes for callers with several roles and for none of the roles alone."""
        for caller, endpoint, also in found:
            yield replace(self._certain(caller, endpoint), also=also)

    def _changes(self, caller: Caller) -> Iterator[Change]:
        """What changes for one caller: known routes in their order, then examples off the routes."""
        if self._comparison is None:
            yield from self._walk(caller)
            return
        if self._comparison.unchanged(caller.words):
            return
        yield from self._asked(caller, self._endpoints)
        known = self._known_classes(self._comparison, caller)
        for words in self._comparison.cells(caller.words):
            if not known or self._comparison.class_of(caller.words, words) not in known:
                yield self._certain(caller, endpoint_at(self._space, words))

    def _asked(self, caller: Caller, endpoints: Sequence[Endpoint]) -> Iterator[Change]:
        changes = {_key(endpoint): self._ask(caller, endpoint) for endpoint in endpoints}
        found = [
            (
                endpoint,
                (int(change is not None and change.granted), int(change is not None and not change.granted)),
            )
            for endpoint, change in zip(endpoints, changes.values(), strict=True)
        ]
        for endpoint, sides in by_template(found):
            change = changes[_key(endpoint)]
            if change is not None and sides != (0, 0):
                yield replace(change, endpoint=endpoint)

    def _ask(self, caller: Caller, endpoint: Endpoint) -> Change | None:
        request = self._space.request({**caller.words, **endpoint.words})
        old, new = (answer(policy, request, caller.roles) for policy in self._policies)
        if old.allowed == new.allowed:
            return None
        return Change(caller, endpoint, old, new, "" if endpoint.known else self._stands_for(old, new))

    def _certain(self, caller: Caller, endpoint: Endpoint) -> Change:
        change = self._ask(caller, endpoint)
        if change is None:
            raise SpaceError(f"{caller.words} {endpoint.words}")
        return change

    def _stands_for(self, old: Decision, new: Decision) -> str:
        """The method and the path of the rule that makes the difference: the new one, or the one that is gone."""
        for columns, decision in zip(reversed(self._shown_columns), (new, old), strict=True):
            if decision.rule is not None:
                return " ".join(decision.rule.fields[column] for column in columns)
        return ""

    @cached_property
    def _shown_columns(self) -> list[list[int]]:
        """For each policy the columns of its rules that say the method and the path."""
        shape = self._space.shape
        asked = [self._space.words.index(word) for word in (shape.act, shape.obj) if word is not None]
        return [
            [
                min(relation.column for relation in found)
                for found in map(policy.relations.of_word, asked)
                if found
            ]
            for policy in self._policies
        ]

    def _walk(self, caller: Caller) -> Iterator[Change]:
        """Without a formula: every endpoint of the space."""
        yield from self._asked(caller, self._endpoints or endpoints_and_parts(self._space))

    def _known_classes(self, comparison: Comparison, caller: Caller) -> frozenset[tuple[object, ...]]:
        """The classes that a known route is in, which are the same for all callers unless a condition looks at
        caller and endpoint at once."""
        who = () if comparison.settled(caller.words) else tuple(caller.words.values())
        if who not in self._classes:
            classes = (comparison.class_of(caller.words, endpoint.words) for endpoint in self._endpoints)
            self._classes[who] = frozenset(classes)
        return self._classes[who]

    def _anywhere(self) -> Iterator[Change]:
        """A change that shows for no caller as they come, such as one whose ``sub`` is the name of a role."""
        everywhere = self._comparison.everywhere() if self._comparison is not None else tried(self._space)
        for found in islice(everywhere, 1):
            caller, endpoint = split(self._space, found)
            name = found.get(self._space.shape.person or "", "")
            yield self._certain(replace(caller, name=name), as_routed(endpoint, self._space.routes))


def _finest(found: Iterable[FoundChanges], *ways: First) -> First | None:
    """The first of ``ways`` to choose who stands for all that leaves no more cells than can be told, else the last one;
    ``None`` where all can be."""
    sides = [callers for one in found for _, pair in one for callers in pair]
    if sum(map(int.bit_count, sides)) <= MOST_CELLS:
        return None
    return next(
        (way for way in ways if sum(way(callers).bit_count() for callers in sides) <= MOST_CELLS), ways[-1]
    )


def _key(endpoint: Endpoint) -> tuple[str, ...]:
    return (endpoint.act, endpoint.obj, endpoint.template, *endpoint.words.values())


def _told_key(endpoint: Endpoint) -> tuple[str, ...]:
    return (*_key(endpoint), *endpoint.but_not)
