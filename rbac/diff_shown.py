"""The part of a diff that people are shown: each cell once, and none that no request asks for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from rbac.asking import answer
from rbac.callers import callers_of, endpoints_of
from rbac.compare import Comparison
from rbac.crowd import Crowd
from rbac.differences import Change, Diff
from rbac.endpoint_classes import EndpointClasses
from rbac.names import SUBJECT
from rbac.policy import Policy
from rbac.routes import KnownRoutes, Route
from rbac.space import Space


def shown(found: Diff, old: Policy, new: Policy, routes: Sequence[Route] = ()) -> Diff:
    """``found`` with each cell once, and what no HTTP request asks for moved to ``unsent``.

    A rule about one person makes them a role to Casbin, too: what changes for them both ways is told as theirs.
    """
    people = {(change.caller.name, _cell(change)) for change in found.people}
    cells = [change for change in found.cells if (change.caller.name, _cell(change)) not in people]
    known = KnownRoutes(tuple(routes))
    sendable = [EndpointClasses(policy, known) for policy in (old, new)]
    sent: dict[bool, list[Change]] = {True: [], False: []}
    told: dict[bool, list[Change]] = {True: [], False: []}
    for change in cells:
        sent[_can_be_sent(change, sendable)].append(change)
    for change in found.people:
        told[_can_be_sent(change, sendable)].append(change)
    return replace(
        found, cells=tuple(sent[True]), people=tuple(told[True]), unsent=(*sent[False], *told[False])
    )


def _cell(change: Change) -> tuple[str, bool]:
    return change.endpoint.label, change.granted


def _can_be_sent(change: Change, policies: Sequence[EndpointClasses]) -> bool:
    axes = policies[0].axes
    act, obj = (change.endpoint.words.get(word or "", "") for word in (axes.act, axes.obj))
    return change.endpoint.known or all(policy.can_be_sent(act, obj) for policy in policies)


def locked_out(
    found: Diff, old: Policy, new: Policy, routes: Sequence[Route] = (), *, subjects: str = SUBJECT
) -> Iterator[str]:
    """The people who lose something and may do nothing any more, whatever their role."""
    losing = sorted({change.caller.name for change in found.people if not change.granted})
    if losing:
        left = _Left(Space((old, new), routes), subjects)
        yield from (person for person in losing if not left.to(person))


class _Left:
    """What the second policy of a space leaves to people, whatever their role."""

    def __init__(self, space: Space, subjects: str) -> None:
        self._space = space
        self._comparison = Comparison(space, 1, 1) if space.tables else None
        self._people = [caller for caller in callers_of(space, subjects) if caller.kind == "subject"]
        apart = space.axes.sub not in {None, space.axes.role}
        self._roles = ("", *space.policies[1].roles) if apart else ("",)

    def to(self, person: str) -> bool:
        """Whether there is anything that they are let in to."""
        callers = [
            {**caller.words, self._space.axes.role or "": role} if role else caller.words
            for caller in self._people
            if caller.name == person
            for role in self._roles
        ]
        comparison = self._comparison
        if comparison is None or not all(map(comparison.settled, callers)):
            return _asked(self._space, callers)
        crowd = Crowd(comparison, [comparison.masks(who) for who in callers])
        if self._space.routes:
            return crowd.reaches(endpoint.words for endpoint in endpoints_of(self._space))
        return crowd.reaches_anything()


def _asked(space: Space, callers: Sequence[Mapping[str, str]]) -> bool:
    """Whether one of the callers is let in anywhere, by asking for each."""
    endpoints = endpoints_of(space)
    requests = (space.request({**who, **endpoint.words}) for who in callers for endpoint in endpoints)
    return any(answer(space.policies[1], request).allowed for request in requests)
