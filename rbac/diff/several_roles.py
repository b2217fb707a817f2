"""What an edit changes for callers who bring several roles, as the scopes of a token are, and for none of these alone.

Such a caller is decided about once for each role: any deny denies, else any allow allows. So they lose what one of their
roles lets them do when a rule begins to deny it to another one, which had no access to lose, and gain it when that rule
goes. Two roles are enough to tell every such change.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from operator import or_

from rbac.asking import answer
from rbac.comparison.comparison import Comparison
from rbac.comparison.crowd import Crowd, SideHolders
from rbac.comparison.sides import Masks
from rbac.review.told_of_templates import by_template
from rbac.space.bits import bits, mask_of
from rbac.space.callers import Caller, Endpoint, endpoint_at, endpoints_and_parts
from rbac.space.rule_masks import first_decides
from rbac.space.space import Space

ChangesOfSeveral = Iterator[tuple[Caller, Endpoint, int]]
"""Callers with several roles, an endpoint that changes for them, and for how many callers more it is the same."""


def takes_several_roles(space: Space) -> bool:
    """Whether callers may bring several roles: the model has a word for them, and not the first rule decides."""
    effects = (policy.document.definition.effect for policy in space.policies)
    return space.shape.role is not None and not any(map(first_decides, effects))


class CrowdOfSeveralRoles(Crowd):
    """A crowd in which :meth:`differing` tells the roles that a rule begins or ceases to deny what others are allowed."""

    def __init__(
        self,
        comparison: Comparison,
        callers: Sequence[Caller],
        masks: Sequence[Masks],
        holders: SideHolders | None = None,
    ) -> None:
        super().__init__(comparison, masks, holders)
        self._asking, self._masks = callers, masks
        self._roles = mask_of(roles_alone(callers))
        if self.changed is not None:
            self.changed = self._about_roles(comparison.closed_by(self.changed))
        self._affected = self._everybody
        people = mask_of(n for n, one in enumerate(callers) if one.kind == "subject")
        shape = comparison.space.shape
        self._partners = self._roles | (people if shape.sub != shape.role else 0)
        self._places = [mask_of(numbers) for numbers in _by_place(callers).values()]

    def _about_roles(self, rules: Masks) -> Masks:
        """Of these rules those that match for a role of whom something may change."""
        roles = self._roles & self._affected
        old, new = (
            mask_of(rule for rule in bits(side) if held.get(rule, 0) & roles)
            for side, held in zip(rules, self.holders, strict=True)
        )
        return old, new

    def differing(self, masks: Masks) -> Masks:
        """The roles that are no longer denied, and those that are denied now, where another caller in the same place, such
        as a domain, is allowed before and after."""
        self.looked += 1
        old, new = (
            reduce(or_, (held.get(rule, 0) for rule in bits(side)), 0)
            for side, held in zip(self._comparison.closed_by(masks), self.holders, strict=True)
        )
        moved = (old ^ new) & self._roles
        if not moved:
            return 0, 0
        allowed, allowed_now = self._allowing(masks)
        moved &= ~(allowed | allowed_now)
        partners = allowed & allowed_now & self._partners
        moved &= reduce(or_, (place for place in self._places if place & partners), 0)
        return moved & old, moved & new

    def told(self, found: Iterable[tuple[Endpoint, Masks]], most: int) -> ChangesOfSeveral:
        """Each role that :meth:`differing` tells, with those who are allowed without it: the first role for all roles, and
        people whom none of the roles lets in. More than ``most`` are told by the first role alone."""
        listed = list(by_template(list(found)))
        many = sum(side.bit_count() for _, sides in listed for side in sides) > most
        for endpoint, sides in listed:
            allowed, allowed_now = self._allowing(self._comparison.masks(endpoint.words))
            partners = allowed & allowed_now & self._partners
            for side in sides:
                told = side & -side if many else side
                more = side.bit_count() - told.bit_count()
                for number in bits(told):
                    for caller, also in self._with(number, partners):
                        yield caller, endpoint, also + more
                        more = 0

    def _with(self, number: int, partners: int) -> Iterator[tuple[Caller, int]]:
        role = self._asking[number]
        here = partners & next(place for place in self._places if place >> number & 1)
        roles = here & self._roles
        others = bits(roles)
        if others:
            yield _both(self._asking[others[0]], role), len(others) - 1
        for person in bits(here & ~roles):
            if not any(self._is_linked(person, other) for other in others):
                yield _person_with(self._asking[person], role), 0

    def _is_linked(self, person: int, role: int) -> bool:
        """Whether every rule that is about the role is about the person, too."""
        return all(of & ~own == 0 for of, own in zip(self._masks[role], self._masks[person], strict=True))


def asked_of_several_roles(
    space: Space, comparison: Comparison | None, callers: Sequence[Caller], endpoints: Sequence[Endpoint]
) -> ChangesOfSeveral:
    """The same, asked one by one, where conditions look at callers and endpoints at once."""
    asked = endpoints or endpoints_and_parts(space)
    places = _by_place(callers)
    alone = {callers[number].label for number in roles_alone(callers)}
    shape = space.shape
    for role in (caller for caller in callers if caller.label in alone and caller.kind == "role"):
        if comparison is not None and comparison.unchanged(role.words):
            continue
        others = [
            callers[number]
            for number in places[_place(role)]
            if callers[number].label in alone
            or (callers[number].kind == "subject" and shape.sub != shape.role)
        ]
        off_routes = (
            [
                endpoint_at(space, words)
                for words in comparison.cells(role.words, comparison.differ_in_denying)
            ]
            if comparison is not None and endpoints
            else []
        )
        for endpoint in (*asked, *off_routes):
            found = _asked(space, role, others, endpoint)
            if found is not None:
                yield found, endpoint, 0


def _asked(space: Space, role: Caller, others: Iterable[Caller], endpoint: Endpoint) -> Caller | None:
    """The first pair of ``role`` and one of ``others`` who are answered differently, though neither is alone."""

    def answers(caller: Caller) -> list[tuple[bool, bool]]:
        request = space.request({**caller.words, **endpoint.words})
        decisions = [answer(policy, request, caller.roles) for policy in space.policies]
        return [(decision.allowed, decision.reason == "denied_by_rule") for decision in decisions]

    (allowed, denied), (allowed_now, denied_now) = answers(role)
    if allowed or allowed_now or denied == denied_now:
        return None
    for other in others:
        if all(allowed for allowed, _ in answers(other)):
            pair = _both(other, role) if other.kind == "role" else _person_with(other, role)
            before, after = answers(pair)
            if before[0] != after[0]:
                return pair
    return None


def roles_alone(callers: Sequence[Caller]) -> Iterator[int]:
    """The places of the roles that a token may bring: a rule about one person makes them no role of others."""
    people = {caller.name for caller in callers if caller.kind == "subject"}
    yield from (n for n, one in enumerate(callers) if one.kind == "role" and one.name not in people)


def _by_place(callers: Sequence[Caller]) -> Mapping[tuple[tuple[str, str], ...], list[int]]:
    """The callers' numbers by what they ask with besides, such as a domain."""
    found: dict[tuple[tuple[str, str], ...], list[int]] = {}
    for number, caller in enumerate(callers):
        found.setdefault(_place(caller), []).append(number)
    return found


def _place(caller: Caller) -> tuple[tuple[str, str], ...]:
    return tuple(caller.besides.items())


def _both(partner: Caller, role: Caller) -> Caller:
    """Somebody who brings both roles."""
    label = role.label.replace(role.name, f"{partner.name} with {role.name}", 1)
    return replace(
        role, name=f"{partner.name} with {role.name}", label=label, roles=(partner.name, role.name)
    )


def _person_with(person: Caller, role: Caller) -> Caller:
    """The person, who brings the role."""
    words = {word: value for word, value in person.words.items() if value}
    return Caller(
        "subject", person.name, f"{person.name} as {role.label}", {**role.words, **words}, role.besides
    )
