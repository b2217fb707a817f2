"""What an endpoint may ask about its caller: who it is. What they may do was decided before."""

from typing import Annotated

from fastapi import Depends
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from app.auth.middleware import PRINCIPAL
from app.auth.principal import Principal


async def optional_user(connection: HTTPConnection) -> Principal | None:
    """The caller, ``None`` without a token."""
    principal: Principal | None = connection.scope.get(PRINCIPAL)
    return principal


async def current_user(connection: HTTPConnection) -> Principal:
    """The caller; 401 without a token, which only an endpoint that the policy opens to everyone can meet."""
    principal: Principal | None = connection.scope.get(PRINCIPAL)
    if principal is None:
        raise HTTPException(401)
    return principal


CurrentUser = Annotated[Principal, Depends(current_user)]
OptionalUser = Annotated[Principal | None, Depends(optional_user)]
