"""``GET /.well-known/oauth-protected-resource``: where a program that has no token finds the issuer (RFC 9728)."""

from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import JSONResponse

from app.checkpoint import checkpoint_of
from rbac.document.names import SCOPE
from rbac.guard.refusals import scope_words

router = APIRouter(prefix="/.well-known/oauth-protected-resource", tags=["public"])


def metadata_url(resource: str) -> str:
    """Where the metadata of ``resource`` are (RFC 9728, section 3.1); "" for one that is no address of http."""
    parts = urlsplit(resource)
    if parts.scheme not in {"https", "http"} or not parts.netloc or parts.query:
        return ""
    return f"{parts.scheme}://{parts.netloc}{router.prefix}{parts.path.rstrip('/')}"


@router.get(
    "",
    summary="Where a program finds the issuer of its access tokens",
    response_model=None,
    responses={404: {"description": "Access tokens are not accepted, or not for this resource"}},
)
async def root(request: Request) -> JSONResponse:
    """The metadata of a resource without a path."""
    return _metadata(request)


@router.get("/{path:path}", response_model=None, include_in_schema=False)
async def below(request: Request, path: str) -> JSONResponse:  # noqa: ARG001 - read off the request
    """The metadata of a resource with a path, which stands behind the prefix."""
    return _metadata(request)


def _metadata(request: Request) -> JSONResponse:
    """What RFC 9728, section 2, asks for. 404 where access tokens are not accepted, or not for this resource."""
    checkpoint = checkpoint_of(request)
    settings = checkpoint.settings
    url = checkpoint.challenge.metadata
    if not url or urlsplit(url).path != request.url.path:
        raise HTTPException(404)
    metadata: dict[str, Any] = {
        "resource": settings.oidc_resource,
        "authorization_servers": [settings.issuer],
        "bearer_methods_supported": ["header"],
        "scopes_supported": [name.removeprefix(SCOPE) for name in scope_words(checkpoint.live.policy)],
        "resource_name": settings.api_title,
    }
    return JSONResponse(metadata, headers={"Cache-Control": "public, max-age=300"})
