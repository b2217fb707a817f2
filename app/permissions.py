"""What a caller may do, asked of the live policy route by route. For showing, never for deciding."""

from collections.abc import Iterator

from starlette.requests import Request

from app.auth.principal import Principal
from app.checkpoint import Checkpoint
from rbac.routes import Route


def permitted(request: Request, principal: Principal | None) -> Iterator[Route]:
    """The routes that the policy opens to ``principal``, in order of path and method.

    A route with parameters is asked about as one path that no rule singles out.
    """
    checkpoint: Checkpoint = request.app.state.checkpoint
    for route in checkpoint.routes:
        if checkpoint.rule(route.sample(), route.act, request.scope, principal).decision.allowed:
            yield route
