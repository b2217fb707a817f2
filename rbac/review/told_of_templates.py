"""Known routes whose paths are not all decided alike: each kind of paths that is decided differently, by an example."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from rbac.comparison.sides import Masks
from rbac.decision import Decision
from rbac.routes import Route
from rbac.space.callers import Endpoint, parts_of
from rbac.space.space import Space

DecideEndpoint = Callable[[Endpoint], Sequence[Decision]]
"""What is decided about an endpoint, for each caller in their order."""


def decided(
    space: Space, endpoint: Endpoint, decide: DecideEndpoint
) -> Iterator[tuple[Endpoint, Sequence[Decision]]]:
    """``endpoint`` with what is decided, and behind it one path of each kind in its template that is decided otherwise.

    Kinds that the same rules decide the same way are shown by one path.
    """
    usual = decide(endpoint)
    allowed = [decision.allowed for decision in usual]
    found: dict[tuple[tuple[bool, object], ...], tuple[Endpoint, Sequence[Decision]]] = {}
    for part in parts_of(space, endpoint):
        decisions = decide(part)
        if [decision.allowed for decision in decisions] != allowed:
            kind = tuple((decision.allowed, decision.rule) for decision in decisions)
            found.setdefault(kind, (part, decisions))
    but_not = tuple(part.obj for part, _ in found.values())
    yield (replace(endpoint, but_not=but_not) if but_not else endpoint), usual
    yield from found.values()


ChangedEndpoints = Sequence[tuple[Endpoint, Masks]]
"""Endpoints with the callers for whom they are granted, and for whom revoked."""


def by_template(
    found: ChangedEndpoints, exact: ChangedEndpoints | None = None
) -> Iterator[tuple[Endpoint, Masks]]:
    """``found``, in which a path of a route is told only to those who are not told the same of the route as a whole.

    A route comes once for each choice of its paths of which it is not so. ``exact`` says what is so, where not all of it
    is to be told; both hold every path of a route that they hold.
    """
    parts: dict[tuple[str, ...], list[tuple[str, Masks]]] = defaultdict(list)
    for endpoint, sides in found if exact is None else exact:
        if endpoint.template:
            parts[endpoint.route].append((endpoint.obj, sides))
    wholes = {endpoint.route: sides for endpoint, sides in found if endpoint.known and not endpoint.template}
    for endpoint, sides in found:
        if endpoint.template:
            whole = wholes.get(endpoint.route, (0, 0))
            yield endpoint, (sides[0] & ~whole[0], sides[1] & ~whole[1])
        elif endpoint.known and endpoint.route in parts:
            yield from _divided(endpoint, sides, parts[endpoint.route])
        else:
            yield endpoint, sides


def _divided(
    endpoint: Endpoint, sides: Masks, parts: Sequence[tuple[str, Masks]]
) -> Iterator[tuple[Endpoint, Masks]]:
    """The route for callers of whom the same of its paths are not what it is."""
    for side in (0, 1):
        groups: dict[tuple[str, ...], int] = {(): sides[side]}
        for path, masks in parts:
            split = {
                key: some
                for but_not, callers in groups.items()
                for key, some in (
                    (but_not, callers & masks[side]),
                    ((*but_not, path), callers & ~masks[side]),
                )
                if some
            }
            groups = split
        for but_not, callers in groups.items():
            yield replace(endpoint, but_not=but_not), (callers, 0) if side == 0 else (0, callers)


def as_routed(endpoint: Endpoint, routes: Sequence[Route]) -> Endpoint:
    """The endpoint as a path of the known route that answers it, if there is one."""
    found = [
        route
        for route in routes
        if route.act == endpoint.act and (route.obj == endpoint.obj or route.matches(endpoint.obj))
    ]
    if not found:
        return endpoint
    own = any(route.literal for route in found)
    return replace(endpoint, known=True, template="" if own else found[0].obj)
