"""What a caller may do, asked of the live policy route by route. For showing, never for deciding."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from starlette.requests import Request

from app.auth.principal import Principal
from app.checkpoint import Checkpoint
from app.ruling import Ruling
from app.turns import OncePerPolicy
from rbac import Policy
from rbac.routes import KnownRoutes, Route

# Beyond so many comparisons of rules with routes nobody looks whether a rule singles out a path.
_MOST_COMPARISONS = 1_000_000
# So many callers' lists are remembered while the document stays in force.
_MOST_REMEMBERED = 256


@dataclass(frozen=True, slots=True)
class Permissions:
    """The routes that are open to a caller. ``incomplete``: on some route it depends on more than the route.

    That is so where a rule singles out paths of a route with parameters (``/users/42`` of ``/users/{id}``).
    """

    routes: tuple[Route, ...]
    incomplete: bool


# All that is asked about besides path and method: who shares it shares the list.
_Key = tuple[tuple[str, ...], tuple[str, ...]]
_remembered: WeakKeyDictionary[Policy, OrderedDict[_Key, Permissions]] = WeakKeyDictionary()


async def permissions(request: Request, principal: Principal | None, policy: Policy) -> Permissions:
    """What ``policy`` opens to ``principal``, in order of path and method.

    A route with parameters is asked about as one path that no rule singles out. Others are answered meanwhile, and the
    list is remembered as long as the document is in force.
    """
    checkpoint: Checkpoint = request.app.state.checkpoint
    roles = principal.roles if principal is not None else ()
    key = (checkpoint.words.read("", "", request.scope, principal), roles)
    lists = _remembered.setdefault(policy, OrderedDict())
    found = lists.get(key)
    if found is None:
        found = lists[key] = await _asked(request, principal, policy)
        if len(lists) > _MOST_REMEMBERED:
            lists.popitem(last=False)
    return found


async def _asked(request: Request, principal: Principal | None, policy: Policy) -> Permissions:
    checkpoint: Checkpoint = request.app.state.checkpoint
    asked, roles = checkpoint.words, principal.roles if principal is not None else ()

    async def allowed(act: str, path: str) -> bool:
        if turn.over:
            await turn.pass_on()
        words = asked.read(path, act, request.scope, principal)
        return Ruling.of_caller(policy, words, asked.role_index, roles).decision.allowed

    singled_out = await _known.of(policy, lambda: _single_out(policy, checkpoint.routes, asked.path_word))
    open_routes = []
    incomplete = singled_out is None
    with checkpoint.turns.begin() as turn:
        for route in checkpoint.routes:
            here = await allowed(route.act, route.sample())
            if here:
                open_routes.append(route)
            for path in singled_out.get(route.obj, ()) if singled_out and not incomplete else ():
                if await allowed(route.act, path) is not here:
                    incomplete = True
                    break
    return Permissions(tuple(open_routes), incomplete)


# For each route with parameters one path for each rule that is about some of its paths; `None`: nobody can tell.
_SingledOut = Mapping[str, tuple[str, ...]] | None
_known: OncePerPolicy[_SingledOut] = OncePerPolicy()


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
