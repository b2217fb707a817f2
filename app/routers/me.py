"""``GET /me/permissions``: what the caller may do, for a front end that shows or hides, never to decide by."""

from hashlib import sha256
from typing import Annotated

import orjson
from fastapi import APIRouter, Header, Request, Response
from pydantic import BaseModel

from app.auth.dependencies import CurrentUser
from app.auth.principal import Principal
from app.checkpoint import Checkpoint
from app.permissions import permissions

router = APIRouter(prefix="/me", tags=["me"])


class Permission(BaseModel):
    """One endpoint: its method, and its path with parameters as the documentation shows it."""

    act: str
    obj: str


class MyPermissions(BaseModel):
    """``incomplete``: on some endpoint it depends on the path's parameters, so ask by calling it."""

    sub: str
    roles: list[str]
    policy_revision: str
    permissions: list[Permission]
    incomplete: bool


@router.get(
    "/permissions",
    summary="What the caller may do",
    response_model=MyPermissions,
    responses={304: {"description": "The policy is the one that `If-None-Match` names"}},
)
async def my_permissions(
    request: Request, user: CurrentUser, if_none_match: Annotated[str | None, Header()] = None
) -> Response | MyPermissions:
    """Every known endpoint that the policy opens to this caller. The ETag changes with the policy and with the caller."""
    checkpoint: Checkpoint = request.app.state.checkpoint
    policy = checkpoint.live.policy
    tag = _tag(policy.revision, user, checkpoint.words.read("", "", request.scope, user))
    headers = {"ETag": f'"{tag}"', "Cache-Control": "private, no-cache", "Vary": "Authorization"}
    if if_none_match is not None and _names(if_none_match, tag):
        return Response(status_code=304, headers=headers)
    found = await permissions(request, user, policy)
    body = MyPermissions(
        sub=user.sub,
        roles=list(user.roles),
        policy_revision=policy.revision,
        permissions=[Permission(act=route.act, obj=route.obj) for route in found.routes],
        incomplete=found.incomplete,
    )
    return Response(body.model_dump_json(), headers=headers, media_type="application/json")


def _tag(revision: str, user: Principal, words: tuple[str, ...]) -> str:
    """The answer's entity tag: of the document and of all that it is asked about this caller.

    Browsers keep answers by address alone, so that the next who signs in at one brings the tag of the one before.
    """
    return sha256(orjson.dumps([revision, user.sub, user.roles, words])).hexdigest()[:24]


def _names(if_none_match: str, tag: str) -> bool:
    """Whether a list of entity tags holds this one, compared weakly (RFC 9110, section 13.1.2)."""
    tags = {each.strip().removeprefix("W/") for each in if_none_match.split(",")}
    return "*" in tags or f'"{tag}"' in tags
