"""What a caller may do, asked of the live policy route by route. For showing, never for deciding."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from rbac.decision import Decision
from rbac.guard.checkpoint import Terms, asked_of
from rbac.guard.http.asgi import Scope
from rbac.guard.http.turns import OncePerPolicy, Turns
from rbac.guard.identity.principal import Principal
from rbac.guard.requirements import GuardedEndpoint
from rbac.policy import Policy
from rbac.routes import KnownRoutes, Route
from rbac.space.space import Space

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
_Key = tuple[tuple[str, ...], ...]
# For each route that rules divide its usual path and one of each other kind; `None`: nobody can tell.
_Divided = Mapping[Route, tuple[str, ...]] | None


class PermissionLists:
    """What callers may do on ``routes``. Lists are remembered as long as their document is in force."""

    def __init__(self, routes: KnownRoutes, turns: Turns, endpoints: Sequence[GuardedEndpoint] = ()) -> None:
        """``endpoints`` are those of the application, for a checkpoint that leaves it to them to ask."""
        self._endpoints = endpoints
        self._routes = routes
        self._turns = turns
        self._remembered: WeakKeyDictionary[Policy, OrderedDict[_Key, Permissions]] = WeakKeyDictionary()
        self._divided: OncePerPolicy[_Divided] = OncePerPolicy()

    async def of(self, scope: Scope, principal: Principal | None, terms: Terms) -> Permissions:
        """What the policy opens to ``principal``, who sent the request in ``scope``, in order of path and method.

        A route with parameters is asked about as one path that no rule singles out. Others are answered meanwhile.
        """
        key = _key(terms, scope, principal)
        lists = self._remembered.setdefault(terms.policy, OrderedDict())
        found = lists.get(key)
        if found is None:
            asked = self._asked if terms.decides else self._required
            found = lists[key] = await asked(scope, principal, terms)
            if len(lists) > _MOST_REMEMBERED:
                lists.popitem(last=False)
        return found

    async def _asked(self, scope: Scope, principal: Principal | None, terms: Terms) -> Permissions:
        policy, asked = terms.policy, terms.words

        async def decided(act: str, path: str) -> Decision:
            if turn.over:
                await turn.pass_on()
            return terms.rule(path, act, scope, principal).decision

        divided = await self._divided.of(policy, lambda: _divided(policy, self._routes, asked.path_word))
        open_routes = []
        incomplete = divided is None
        with self._turns.begin() as turn:
            for route in self._routes:
                usual, *others = (divided or {}).get(route, (route.sample(),))
                here = (await decided(route.act, usual)).allowed
                if here:
                    open_routes.append(route)
                for path in others if not incomplete else ():
                    there = await decided(route.act, path)
                    # Below an application that is mounted, such as files, not every path that is closed is of interest.
                    about_it = there.rule is not None or not route.obj.endswith("/*")
                    if there.allowed is not here and about_it:
                        incomplete = True
                        break
        return Permissions(tuple(open_routes), incomplete)

    async def _required(self, scope: Scope, principal: Principal | None, terms: Terms) -> Permissions:
        """What of that which endpoints require is allowed; an endpoint that asks in its own code may ask for anything."""
        required = [each for endpoint in self._endpoints for each in endpoint.requirements]
        answers: dict[tuple[str, str], set[bool]] = {}
        with self._turns.begin() as turn:
            for each in required:
                if turn.over:
                    await turn.pass_on()
                given = each.given(terms.shape, terms.words.unfilled)
                decision = asked_of(terms, given, scope, principal).decision
                answers.setdefault((each.act, each.obj), set()).add(decision.allowed)
        # The same may be required with other words besides: then it depends on more than can be shown.
        depends = any(len(each) > 1 for each in answers.values()) or any(
            each.asks for each in self._endpoints
        )
        allowed = (Route(act, obj) for (act, obj), each in sorted(answers.items()) if each == {True})
        return Permissions(tuple(allowed), depends)


def _key(terms: Terms, scope: Scope, principal: Principal | None) -> _Key:
    words = terms.words.read("", "", scope, principal)
    if principal is None:
        return (words,)
    own = (words, principal.roles)
    return own if principal.through is None else own + _key(terms, scope, principal.through)


def _divided(policy: Policy, routes: KnownRoutes, word: str | None) -> _Divided:
    columns = policy.document.definition.policy_words
    open_ended = [route for route in routes if not route.literal]
    if not open_ended:
        return {}
    if word is None or word not in columns:
        return None
    index = columns.index(word)
    patterns = {row[index] for row in policy.document.rows["p"]}
    if len(patterns) * len(open_ended) > _MOST_COMPARISONS:
        return None
    space = Space((policy,), routes)
    if space.shape.obj != word:
        return None
    paths = {
        route: (space.samples[route], *others)
        for route in open_ended
        if (others := space.template_paths.others(route.act, route.obj))
    }
    return None if space.notes_about(()) else paths
