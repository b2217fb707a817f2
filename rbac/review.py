"""Questions over a whole document: what a caller reaches, who reaches an endpoint, and why. The enforcer answers
each cell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, overload

from rbac.asking import answer, ask_as, caller_words, document_names
from rbac.callers import (
    Caller,
    Endpoint,
    besides_of,
    callers_of,
    check_given,
    endpoint_at,
    endpoints_of,
    places_of,
)
from rbac.decision import Decision, Explanation
from rbac.policy import Policy
from rbac.routes import Route
from rbac.space import Space

Item = TypeVar("Item")
Words = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Listing(Sequence[Item], Generic[Item]):
    """What was found, in order. ``notes`` say why something may be missing, in sentences; without any, nothing is."""

    items: tuple[Item, ...]
    notes: tuple[str, ...]

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Item, ...]: ...
    def __getitem__(self, index: int | slice) -> Item | tuple[Item, ...]:
        return self.items[index]

    def __len__(self) -> int:
        return len(self.items)


@dataclass(frozen=True, slots=True)
class Reaches(Listing["Reach"]):
    """Who reaches an endpoint. ``parts`` are those who reach some paths in a template that was asked about, and not
    the others."""

    parts: tuple["Reach", ...]


@dataclass(frozen=True, slots=True)
class Reach:
    """Who reaches an endpoint, and how: ``role_path`` leads from the caller to the role that the rule
    names.

    ``part`` is the path that a caller reaches in a template, and not the others; ``but_not`` are paths in the template
    that are closed to a caller who reaches the others.
    """

    caller: Caller
    endpoint: Endpoint
    decision: Decision
    role_path: tuple[str, ...]
    part: str | None = None
    but_not: tuple[str, ...] = ()

    @property
    def besides(self) -> Words:
        """The words besides with which it is so."""
        return {**self.caller.besides, **self.endpoint.besides}


def can(
    policy: Policy,
    routes: Sequence[Route] = (),
    *,
    roles: Sequence[str] = (),
    sub: str | None = None,
    given: Words | None = None,
) -> Listing[tuple[Endpoint, Decision]]:
    """What is decided for this caller on every endpoint, in the order of the endpoints.

    Without ``sub`` but with a role, the caller is somebody with a valid token whom the document does not
    name; with neither, nobody. ``given`` are words besides; every other is tried with each value that makes a
    difference. Raises RequestError for what the model cannot be asked.
    """
    space = Space((policy,), routes, given=given)
    who = caller_words(space.axes, _names(space), roles or None, sub)
    check_given(space, given)
    known = {word: value for word, value in who.items() if len(roles) < 2 or word != space.axes.role}
    places = tuple(places_of(space, known))
    found = [
        (endpoint.also(place), answer(policy, space.request({**who, **endpoint.words, **place}), roles))
        for endpoint in endpoints_of(space)
        for place in places
    ]
    about = space.besides if routes else tuple(word for word in space.words if word not in who)
    return Listing(tuple(found), space.notes_about(about))


def who_can(
    policy: Policy,
    act: str,
    obj: str,
    routes: Sequence[Route] = (),
    *,
    subjects: str | None = None,
    given: Words | None = None,
) -> Reaches:
    """Every caller of the space that may do ``act`` to ``obj``: nobody and any valid token first, roles,
    then people.

    ``obj`` is a path, or a template such as ``/users/{id}``, of which a path of each kind is asked about. Words besides
    are as in :func:`can`.
    """
    template = next((route for route in routes if route.obj == obj), Route(act, obj))
    known = routes if template in routes or template.literal else (*routes, template)
    space = Space((policy,), known, given=given)
    check_given(space, given)
    axes = space.axes
    paths = (obj,) if template.literal or axes.obj is None else _paths_in(space, template)
    asked = {} if axes.act is None else {axes.act: act}
    words = [{**asked, **({axes.obj: path} if axes.obj else {})} for path in paths]
    tied = [word for word in space.besides if word not in space.tied_to_callers]
    everywhere, in_part = [], []
    for caller in callers_of(space, subjects):
        for besides in besides_of(space, words[0], tied):
            found = [_reach(space, caller, {**one, **besides}) for one in words]
            if found[0] is not None:
                shut = tuple(path for path, one in zip(paths, found, strict=True) if one is None)
                everywhere.append(_with(found[0], but_not=shut))
            else:
                in_part += [
                    _with(one, part=path) for path, one in zip(paths, found, strict=True) if one is not None
                ]
    about = (*axes.caller, *space.besides, *((axes.obj,) if len(paths) > 1 and axes.obj else ()))
    return Reaches(tuple(everywhere), space.notes_about(about), tuple(in_part))


def explain(
    policy: Policy, roles: Sequence[str], sub: str | None, words: Words
) -> tuple[Explanation, Words, Listing[tuple[Words, Decision]]]:
    """Why a request is answered as it is; with each value of the words besides that are not in ``words``.

    The explanation is that of the first that is allowed, else the first that a rule denies, else the first; with it
    come its words besides, and what is decided with all others.
    """
    space = Space((policy,), given=words)
    who = caller_words(space.axes, _names(space), roles or None, sub)
    known = {word: value for word, value in who.items() if len(roles) < 2 or word != space.axes.role}
    loose = [word for word in space.besides if word not in space.tied_to_callers]
    found = [
        ({**place, **besides}, answer(policy, space.request({**who, **place, **besides}), roles))
        for place in places_of(space, known)
        for besides in besides_of(space, {}, loose)
    ]
    ranks = {"allowed_by_rule": 0, "allowed_by_default": 1, "denied_by_rule": 2, "denied_by_default": 3}
    best = min(found, key=lambda one: ranks[one[1].reason])
    explanation = ask_as(policy, roles, sub, {**words, **best[0]})
    return explanation, best[0], Listing(tuple(found), space.notes_about(space.besides))


def _names(space: Space) -> frozenset[str]:
    """The names that a caller whom nothing names must not have."""
    return frozenset().union(*map(document_names, space.policies))


def _paths_in(space: Space, template: Route) -> tuple[str, ...]:
    """One path in the template for each kind that the rules tell apart, the usual one first."""
    obj = space.axes.obj or ""
    values = (value for value in space.vocabularies[obj].values if template.matches(value))
    return tuple(dict.fromkeys((space.samples[template], *values)))


def _reach(space: Space, caller: Caller, words: Words) -> Reach | None:
    """How the caller reaches what these words ask for; ``None`` if they do not."""
    policy = space.policies[0]
    request = space.request({**caller.words, **words})
    decision = answer(policy, request)
    if not decision.allowed:
        return None
    path = policy.explain(**dict(zip(space.words, request, strict=True))).role_path
    # The caller of a role is somebody; the way begins with the role.
    somebody = caller.kind != "subject" and path[:1] == (caller.words.get(space.axes.sub or ""),)
    return Reach(
        caller, endpoint_at(space, words), decision, path[1:] if somebody and path[0] != caller.name else path
    )


def _with(reach: Reach, *, part: str | None = None, but_not: tuple[str, ...] = ()) -> Reach:
    return Reach(reach.caller, reach.endpoint, reach.decision, reach.role_path, part, but_not)
