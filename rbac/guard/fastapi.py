"""What an endpoint of FastAPI may ask of the guard before it: who is calling, and what they may do.

``Caller`` and ``MaybeCaller`` are who is calling, ``Ask`` asks the policy, and ``require()`` lets nobody in whom the
policy does not. :func:`describe` tells the OpenAPI description about all of it. ``index_routes(app.router)`` has a large
application look its endpoints up instead of asking one after the other.
"""

from typing import Annotated, Any

from rbac.decision_log.ruling import Ruling
from rbac.guard.checkpoint import Checkpoint, Terms
from rbac.guard.guarded import PERMISSIONS
from rbac.guard.identity.principal import Principal
from rbac.guard.middleware import CHECKPOINT, PRINCIPAL, UNSETTLED
from rbac.guard.openapi import describe
from rbac.guard.permissions import PermissionLists, Permissions
from rbac.guard.refusals import AccessDenied, AuthenticationRequired
from rbac.guard.requirements import AsksItself, Requirement
from rbac.installed import brought_by

with brought_by("fastapi"):
    from fastapi import Depends
    from starlette.requests import HTTPConnection

    from rbac.guard.http.route_index import index_routes

__all__ = [
    "Ask",
    "Asking",
    "Caller",
    "MaybeCaller",
    "Permissions",
    "Principal",
    "describe",
    "index_routes",
    "require",
]


async def maybe_caller(connection: HTTPConnection) -> Principal | None:
    """The caller, ``None`` without a token."""
    _checkpoint(connection)
    principal: Principal | None = connection.scope[PRINCIPAL]
    return principal


async def caller(connection: HTTPConnection) -> Principal:
    """The caller; 401 without a token, which only an endpoint that is open to everyone can meet."""
    principal = await maybe_caller(connection)
    if principal is None:
        raise AuthenticationRequired
    return principal


Caller = Annotated[Principal, Depends(caller)]
MaybeCaller = Annotated[Principal | None, Depends(maybe_caller)]


class Asking:
    """Asks the policy about the caller of one request, in the model's own words.

    Words that are not given are filled as the guard's ``words`` say. Every answer is recorded. All raise
    :class:`rbac.RequestError` for a word that is missing or unknown, which is a mistake in the program.
    """

    def __init__(self, connection: HTTPConnection) -> None:
        self._checkpoint = _checkpoint(connection)
        self._connection = connection
        self._principal: Principal | None = connection.scope[PRINCIPAL]

    def may(self, **words: str) -> bool:
        """Whether the policy allows it."""
        ruling, _ = self._ask(words)
        return ruling.decision.allowed

    def check(self, **words: str) -> None:
        """Returns where the policy allows it. Else the request is answered 403, and 401 without a caller."""
        ruling, decision_id = self._ask(words)
        if not ruling.decision.allowed:
            raise AccessDenied(self._principal, ruling, decision_id)

    async def permissions(self) -> Permissions:
        """What the caller may do, for showing and never for deciding: the routes that are open to them; where endpoints
        ask for themselves, what they require."""
        lists: PermissionLists = self._connection.scope[PERMISSIONS]
        return await lists.of(self._connection.scope, self._principal, self._checkpoint.terms)

    def _ask(self, words: dict[str, str]) -> tuple[Ruling, str]:
        scope = self._connection.scope
        ruling, decision_id = self._checkpoint.ask(words, self._principal, scope)
        unsettled: list[str] | None = scope.get(UNSETTLED)
        if unsettled is not None:
            unsettled.append(decision_id)
        return ruling, decision_id


class _AskingOf(AsksItself):
    async def __call__(self, connection: HTTPConnection) -> Asking:
        return Asking(connection)


Ask = Annotated[Asking, Depends(_AskingOf())]


class _Required(Requirement):
    async def __call__(self, connection: HTTPConnection) -> None:
        checkpoint = _checkpoint(connection)
        terms: Terms = checkpoint.terms
        principal: Principal | None = connection.scope[PRINCIPAL]
        given = self.given(terms.shape, terms.words.unfilled)
        ruling, decision_id = checkpoint.ask(given, principal, connection.scope)
        await checkpoint.recorded()
        if not ruling.decision.allowed:
            raise AccessDenied(principal, ruling, decision_id)


def require(act: str, obj: str = "", **words: str) -> Any:
    """A dependency: whoever may not do ``act`` (to ``obj``) is answered 403, and 401 without a caller.

    ``dependencies=[require("orders:refund")]``. Other words of the model by their names. Nobody need be checked by the
    endpoint any more.
    """
    return Depends(_Required(act, obj, tuple(sorted(words.items()))))


def _checkpoint(connection: HTTPConnection) -> Checkpoint:
    checkpoint: Checkpoint | None = connection.scope.get(CHECKPOINT)
    if checkpoint is None:
        raise RuntimeError("no guard stands before this application: app.add_middleware(guard.middleware)")
    return checkpoint
