"""What a caller may do, asked of the live policy route by route. For showing, never for deciding."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from starlette.requests import Request

from app.auth.principal import Principal
from app.checkpoint import Checkpoint
from app.ruling import Ruling
from rbac import Policy
from rbac.routes import KnownRoutes, Route

# Beyond so many comparisons of rules with routes nobody looks whether a rule singles out a path.
_MOST_COMPARISONS = 1_000_000


@dataclass(frozen=True, slots=True)
class Permissions:
    """The routes that are open to a caller. ``incomplete``: on some route it depends on more than the route.

    That is so where a rule singles out paths of a route with parameters (``/users/42`` of ``/users/{id}``).
    """

    routes: tuple[Route, ...]
    incomplete: bool


def permissions(request: Request, principal: Principal | None, policy: Policy) -> Permissions:
    """What ``policy`` opens to ``principal``, in order of path and method.

    A route with parameters is asked about as one path that no rule singles out.
    """
    checkpoint: Checkpoint = request.app.state.checkpoint

    def allowed(act: str, path: str) -> bool:
        words = asked.read(path, act, request.scope, principal)
        return Ruling.of(policy, words, asked.role_index, roles).decision.allowed

    asked, roles = checkpoint.words, principal.roles if principal is not None else ()
    singled_out = _singled_out(checkpoint, policy)
    open_routes = []
    incomplete = singled_out is None
    for route in checkpoint.routes:
        here = allowed(route.act, route.sample())
        if here:
            open_routes.append(route)
        if singled_out and not incomplete:
            incomplete = any(allowed(route.act, path) is not here for path in singled_out.get(route.obj, ()))
    return Permissions(tuple(open_routes), incomplete)


# For each route with parameters one path for each rule that is about some of its paths; `None`: nobody can tell.
_SingledOut = Mapping[str, tuple[str, ...]] | None
_known: WeakKeyDictionary[Policy, _SingledOut] = WeakKeyDictionary()


def _singled_out(checkpoint: Checkpoint, policy: Policy) -> _SingledOut:
    if policy not in _known:
        _known[policy] = _single_out(policy, checkpoint.routes, checkpoint.words.path_word)
    return _known[policy]


def _single_out(policy: Policy, routes: KnownRoutes, word: str | None) -> _SingledOut:
    columns = policy.document.definition.policy_words
    open_ended = {route.obj: route for route in routes if not route.literal}
    if not open_ended:
        return {}
    if word is None or word not in columns:
        return None
    index = columns.index(word)
    patterns = {row[index] for row in policy.document.rows["p"]}
    if len(patterns) * len(open_ended) > _MOST_COMPARISONS:
        return None
    samples = sorted({Route("", pattern).sample() for pattern in patterns})
    return {obj: tuple(_matching(route, samples)) for obj, route in open_ended.items()}


def _matching(route: Route, samples: list[str]) -> Iterator[str]:
    return (path for path in samples if route.matches(path))
