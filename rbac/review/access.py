"""Questions over a whole document: what a caller reaches, who reaches an endpoint, and why. The enforcer answers
each cell."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, overload

from rbac.asking import CallingProgram, answer, ask_as, caller_words, document_names
from rbac.decision import Decision, Explanation
from rbac.policy import Policy
from rbac.review.through import Through
from rbac.review.told_of_templates import decided
from rbac.routes import Route
from rbac.space.callers import (
    Caller,
    Endpoint,
    NamedWords,
    besides_of,
    callers_of,
    check_given,
    endpoint_at,
    endpoints_of,
    places_of,
)
from rbac.space.space import Space

Item = TypeVar("Item")


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
class Accesses(Listing["Access"]):
    """Who reaches an endpoint. ``parts`` are those who reach some paths in a template that was asked about, and not
    the others, and ``program`` what is decided about the program that all of them call through."""

    parts: tuple["Access", ...]
    program: Decision | None = None

    def to_json(self) -> dict[str, Any]:
        """As ``rbac who-can --format json`` shows it; ``parts`` and ``program`` only where there are such."""
        kinds = {reach.caller.kind for reach in self}
        half = self.program
        return {
            "nobody": "nobody" in kinds,
            "any_valid_token": "token" in kinds,
            "roles": [reach.to_json() for reach in self if reach.caller.kind == "role"],
            "subjects": [reach.to_json() for reach in self if reach.caller.kind == "subject"],
            **({"parts": [reach.to_json() for reach in self.parts]} if self.parts else {}),
            **({} if half is None else {"program": {"allowed": half.allowed, "rule": half.line}}),
            "complete": not self.notes,
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True)
class Access:
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
    def besides(self) -> NamedWords:
        """The words besides with which it is so."""
        return {**self.caller.besides, **self.endpoint.besides}

    def to_json(self) -> dict[str, Any]:
        """Who, by the kind of name that it is, and how."""
        key = {"role": "role", "subject": "sub"}.get(self.caller.kind, "caller")
        return {
            key: self.caller.name,
            **({} if self.part is None else {"obj": self.part}),
            "rule": self.decision.line,
            "role_path": list(self.role_path),
            **({"with": dict(self.besides)} if self.besides else {}),
            **({"but_not": list(self.but_not)} if self.but_not else {}),
        }


def can(
    policy: Policy,
    routes: Sequence[Route] = (),
    *,
    roles: Sequence[str] = (),
    sub: str | None = None,
    through: CallingProgram | None = None,
    given: NamedWords | None = None,
) -> Listing[tuple[Endpoint, Decision]]:
    """What is decided for this caller on every endpoint, in the order of the endpoints; behind a known route a path of
    each kind in it that is decided otherwise.

    Without ``sub`` but with a role, the caller is somebody with a valid token whom the document does not
    name; with neither, nobody. ``through`` is a program that they call through: then both must be allowed. ``given`` are
    words besides; every other is tried with each value that makes a difference. Raises RequestError for what the model
    cannot be asked.
    """
    space = Space((policy,), routes, given=given)
    who = caller_words(space.shape, _names(space), roles or None, sub)
    check_given(space, given)
    known = {word: value for word, value in who.items() if len(roles) < 2 or word != space.shape.role}
    places = tuple(places_of(space, known))

    bound = Through(space, through).bounded

    def decide(endpoint: Endpoint) -> list[Decision]:
        own = answer(policy, space.request({**who, **endpoint.words}), roles)
        return [bound(own, endpoint.words)]

    found = [
        (shown, decisions[0])
        for endpoint in endpoints_of(space)
        for place in places
        for shown, decisions in decided(space, endpoint.also(place), decide)
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
    through: CallingProgram | None = None,
    given: NamedWords | None = None,
) -> Accesses:
    """Every caller of the space that may do ``act`` to ``obj``: nobody and any valid token first, roles,
    then people.

    ``obj`` is a path, or a template such as ``/users/{id}``, of which a path of each kind is asked about. ``through`` and
    words besides are as in :func:`can`; nobody, and no program, calls through one.
    """
    template = next((route for route in routes if route.obj == obj), Route(act, obj))
    known = routes if template in routes or template.literal else (*routes, template)
    space = Space((policy,), known, given=given)
    check_given(space, given)
    shape = space.shape
    paths = (obj,) if template.literal or shape.obj is None else _paths_in(space, act, template)
    asked = {} if shape.act is None else {shape.act: act}
    words = [{**asked, **({shape.obj: path} if shape.obj else {})} for path in paths]
    tied = [word for word in space.besides if word not in space.tied_to_callers]
    everywhere, in_part = [], []
    program = Through(space, through)
    for caller in program.people(callers_of(space, subjects)):
        for besides in besides_of(space, words[0], tied):
            found = [_reach(space, caller, {**one, **besides}, program) for one in words]
            if found[0] is not None:
                shut = tuple(path for path, one in zip(paths, found, strict=True) if one is None)
                everywhere.append(_with(found[0], but_not=shut))
            else:
                in_part += [
                    _with(one, part=path) for path, one in zip(paths, found, strict=True) if one is not None
                ]
    about = (*shape.caller, *space.besides)
    return Accesses(tuple(everywhere), space.notes_about(about), tuple(in_part), program.decision(words[0]))


def explain(
    policy: Policy, roles: Sequence[str], sub: str | None, words: NamedWords
) -> tuple[Explanation, NamedWords, Listing[tuple[NamedWords, Decision]]]:
    """Why a request is answered as it is; with each value of the words besides that are not in ``words``.

    The explanation is that of the first that is allowed, else the first that a rule denies, else the first; with it
    come its words besides, and what is decided with all others.
    """
    space = Space((policy,), given=words)
    who = caller_words(space.shape, _names(space), roles or None, sub)
    known = {word: value for word, value in who.items() if len(roles) < 2 or word != space.shape.role}
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


def _paths_in(space: Space, act: str, template: Route) -> tuple[str, ...]:
    """One path in the template for each kind that the rules tell apart, the usual one first."""
    return (space.samples[template], *space.template_paths.others(act, template.obj))


def _reach(space: Space, caller: Caller, words: NamedWords, through: Through) -> Access | None:
    """How the caller reaches what these words ask for; ``None`` if they do not."""
    policy = space.policies[0]
    request = space.request({**caller.words, **words})
    decision = answer(policy, request)
    if not through.bounded(decision, {**caller.besides, **words}).allowed:
        return None
    path = policy.explain(**dict(zip(space.words, request, strict=True))).role_path
    # The caller of a role is somebody; the way begins with the role.
    somebody = caller.kind != "subject" and path[:1] == (caller.words.get(space.shape.sub or ""),)
    return Access(
        caller, endpoint_at(space, words), decision, path[1:] if somebody and path[0] != caller.name else path
    )


def _with(reach: Access, *, part: str | None = None, but_not: tuple[str, ...] = ()) -> Access:
    return Access(reach.caller, reach.endpoint, reach.decision, reach.role_path, part, but_not)
