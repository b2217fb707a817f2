"""``GET /me/permissions``: what the caller may do, for a front end that shows or hides, never to decide by."""

from hashlib import sha256
from typing import Annotated

import orjson
from fastapi import APIRouter, Header, Request, Response
from pydantic import BaseModel

from app.checkpoint import checkpoint_of
from rbac.guard.fastapi import Caller
from rbac.guard.identity.principal import Principal

router = APIRouter(prefix="/me", tags=["me"])


class Permission(BaseModel):
    """One endpoint: its method, and its path with parameters as the documentation shows it."""

    act: str
    obj: str


class Program(BaseModel):
    """The program that somebody calls through: its name, and its words for the policy."""

    sub: str
    roles: list[str]


class MyPermissions(BaseModel):
    """``incomplete``: on some endpoint it depends on the path's parameters, so ask by calling it.

    ``through`` is the program that the caller calls through, where it has to be allowed the same; ``permissions`` are what
    both may do.
    """

    sub: str
    roles: list[str]
    through: Program | None = None
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
    request: Request, user: Caller, if_none_match: Annotated[str | None, Header()] = None
) -> Response | MyPermissions:
    """Every known endpoint that the policy opens to this caller. The ETag changes with the policy and with the caller."""
    checkpoint = checkpoint_of(request)
    terms = checkpoint.terms
    policy = terms.policy
    tag = _tag(policy.revision, user, terms.words.read("", "", request.scope, user))
    headers = {"ETag": f'"{tag}"', "Cache-Control": "private, no-cache", "Vary": "Authorization"}
    if if_none_match is not None and _names(if_none_match, tag):
        return Response(status_code=304, headers=headers)
    found = await checkpoint.service.permissions.of(request.scope, user, terms)
    body = MyPermissions(
        sub=user.sub,
        roles=list(user.roles),
        through=None
        if user.through is None
        else Program(sub=user.through.sub, roles=list(user.through.roles)),
        policy_revision=policy.revision,
        permissions=[Permission(act=route.act, obj=route.obj) for route in found.routes],
        incomplete=found.incomplete,
    )
    return Response(body.model_dump_json(exclude_none=True), headers=headers, media_type="application/json")


def _tag(revision: str, user: Principal, words: tuple[str, ...]) -> str:
    """The answer's entity tag: of the document and of all that it is asked about this caller.

    Browsers keep answers by address alone, so that the next who signs in at one brings the tag of the one before.
    """
    program = None if user.through is None else [user.through.sub, user.through.roles]
    return sha256(orjson.dumps([revision, user.sub, user.roles, program, words])).hexdigest()[:24]


def _names(if_none_match: str, tag: str) -> bool:
    """Whether a list of entity tags holds this one, compared weakly (RFC 9110, section 13.1.2)."""
    tags = {each.strip().removeprefix("W/") for each in if_none_match.split(",")}
    return "*" in tags or f'"{tag}"' in tags
