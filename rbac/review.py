"""Questions over a whole document: what a caller reaches, and who reaches an endpoint. The enforcer answers
each cell."""

from collections.abc import Sequence
from dataclasses import dataclass

from rbac.callers import Caller, Endpoint, callers_of, endpoints_of
from rbac.decision import Decision
from rbac.errors import RequestError
from rbac.names import SUBJECT
from rbac.policy import Policy
from rbac.routes import Route
from rbac.space import Space, decide


@dataclass(frozen=True, slots=True)
class Reach:
    """Who reaches an endpoint, and how: ``role_path`` leads from the caller to the role that the rule
    names."""

    caller: Caller
    decision: Decision
    role_path: tuple[str, ...]


def can(
    policy: Policy, routes: Sequence[Route] = (), *, roles: Sequence[str] = (), sub: str | None = None
) -> tuple[tuple[Endpoint, Decision], ...]:
    """What is decided for this caller on every endpoint, in the order of the endpoints.

    Without ``sub`` but with a role, the caller is somebody with a valid token whom the document does not
    name; with neither, nobody. Raises RequestError for several roles that the model cannot take.
    """
    space = Space((policy,), routes)
    axes = space.axes
    who: dict[str, str] = {}
    if axes.sub is not None and (sub is not None or (roles and axes.sub != axes.role)):
        who[axes.sub] = space.stranger(axes.sub) if sub is None else sub
    if roles and axes.role == axes.sub and sub is not None:
        raise RequestError(f"this model asks with `{axes.role}` alone: give a person or a role, not both")
    found = []
    for endpoint in endpoints_of(space):
        request = space.request({**who, **endpoint.words})
        decision = policy.decide_roles(request, space.words.index(axes.role), roles)
        found.append((endpoint, decision))
    return tuple(found)


def who_can(
    policy: Policy, act: str, obj: str, routes: Sequence[Route] = (), *, subjects: str = SUBJECT
) -> tuple[Reach, ...]:
    """Every caller of the space that may do ``act`` to ``obj``: nobody and any valid token first, roles,
    then people.

    ``obj`` is a path, or the template of a known route.
    """
    space = Space((policy,), routes)
    words = _endpoint_words(space, act, obj)
    found = []
    for caller in callers_of(space, subjects):
        request = {**caller.words, **words}
        decision = decide(policy, space.request(request))
        if decision.allowed:
            path = policy.explain(**{word: request.get(word, "") for word in space.words}).role_path
            # The caller of a role is somebody; the way begins with the role.
            known = (
                path[1:]
                if caller.kind != "subject" and path[:1] == (space.stranger(space.axes.sub),)
                else path
            )
            found.append(Reach(caller, decision, known))
    return tuple(found)


def _endpoint_words(space: Space, act: str, obj: str) -> dict[str, str]:
    for route, path in space.samples.items():
        if route.obj == obj and not route.literal:
            obj = path
            break
    axes = space.axes
    return {**({axes.act: act} if axes.act else {}), **({axes.obj: obj} if axes.obj else {})}
