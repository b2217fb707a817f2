"""The part of a diff that people are shown: each cell once, and none that no request asks for."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rbac.asking import answer
from rbac.callers import callers_of, endpoints_of
from rbac.diff import Change, Diff
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
    unsent = [change for change in (*cells, *found.people) if not _can_be_sent(change, sendable)]
    return replace(
        found,
        cells=tuple(change for change in cells if change not in unsent),
        people=tuple(change for change in found.people if change not in unsent),
        unsent=tuple(unsent),
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
    losing = {change.caller.name for change in found.people if not change.granted}
    if not losing:
        return
    space = Space((old, new), routes)
    axes = space.axes
    endpoints = endpoints_of(space)
    roles = ("", *new.roles) if axes.sub not in {None, axes.role} else ("",)
    left = dict.fromkeys(sorted(losing), False)
    for caller in callers_of(space, subjects):
        if caller.kind == "subject" and caller.name in left:
            words = ({**caller.words, axes.role: role} if role else caller.words for role in roles)
            requests = (space.request({**who, **endpoint.words}) for who in words for endpoint in endpoints)
            left[caller.name] |= any(answer(new, request).allowed for request in requests)
    yield from (person for person, something in left.items() if not something)
