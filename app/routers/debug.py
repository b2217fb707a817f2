"""For development alone: mounted only when ``DEBUG=true`` and ``ENVIRONMENT=development``."""

from time import time
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel

from rbac.decision_log.ruling import Ruling
from rbac.guard.fastapi import Caller
from rbac.guard.middleware import RULING

router = APIRouter(prefix="/debug", tags=["debug"])


class TokenReport(BaseModel):
    """What the service makes of a token: the principal, its claims, and the words the policy was asked."""

    sub: str
    roles: list[str]
    username: str | None
    email: str | None
    expires_in: int
    claims: dict[str, Any]
    request: dict[str, str]
    policy_revision: str


@router.get("/token", summary="What the service makes of this token")
async def token(request: Request, user: Caller) -> TokenReport:
    """Shows the verified claims and what was made of them; never the token itself."""
    ruling: Ruling = request.scope[RULING]
    return TokenReport(
        sub=user.sub,
        roles=list(user.roles),
        username=user.username,
        email=user.email,
        expires_in=max(0, int(user.claims["exp"] - time())),
        claims=dict(user.claims),
        request=dict(zip(ruling.policy.words, ruling.words, strict=True)),
        policy_revision=ruling.decision.revision,
    )
