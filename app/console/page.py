"""``/console``: one static page and its files. Every number on it comes from an API call with the viewer's own token."""

import json
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from fastapi import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from app.config import Configured, Settings
from app.dev.people import PASSWORD, USERS
from app.settings.defaults import LOCAL_POOL_ID
from rbac.guard.identity.addresses import discovery_url

_FILES: Final = Path(__file__).parent / "static"
_ASSETS: Final = "/console/assets"
_LOCAL: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_HEADERS: Final = {
    "Cache-Control": "no-cache",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class _Files(StaticFiles):
    """The page's files; a browser asks each time whether they are still the same."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update(_HEADERS)
        return response


def routes() -> list[BaseRoute]:
    """The page and its files. Who reaches them is written in the policy."""
    page = (_FILES / "console.html").read_text(encoding="utf-8")

    async def console(request: Request) -> HTMLResponse:
        checkpoint: Configured = request.app.state.checkpoint
        base = request.scope.get("root_path", "")
        offered = sign_in(checkpoint.settings)
        about = {
            "base": base,
            "title": request.app.title,
            "version": request.app.version,
            "limit_body": checkpoint.settings.limit_body,
            **offered,
        }
        text = page.replace("{base}", escape(base)).replace("{about}", escape(json.dumps(about)))
        return HTMLResponse(text, headers=_HEADERS | _page_headers(offered))

    return [
        Route("/console", console),
        Mount(_ASSETS, _Files(directory=_FILES), name="console-assets"),
    ]


def sign_in(settings: Settings) -> dict[str, Any]:
    """How a viewer comes by a token: ``issuer`` with an authorization code and PKCE, or ``demo`` users of development.

    Either is ``None`` where there is none; a token can be pasted in any case.
    """
    return {"issuer": _issuer(settings), "demo": _demo(settings)}


def _issuer(settings: Settings) -> dict[str, str] | None:
    """Where the issuer signs people in, or the ``discovery`` document that says so, and the ``origin`` of both."""
    if settings.identity_provider == "cognito" and settings.cognito_domain:
        base = f"https://{settings.cognito_domain}"
        where = {"authorize": f"{base}/oauth2/authorize", "token": f"{base}/oauth2/token"}
    elif settings.identity_provider == "auth0":
        base = f"https://{settings.auth0_domain}"
        where = {"authorize": f"{base}/authorize", "token": f"{base}/oauth/token"}
    elif settings.identity_provider == "oidc":
        base = settings.oidc_issuer
        where = {"discovery": discovery_url(base)}
    else:
        return None
    if not settings.audiences:
        return None
    more = {"origin": _origin(base), "client_id": settings.audiences[0], "scope": "openid email profile"}
    kinds = {"id": "id", "access": "access", "both": "id"}
    return where | more | {"use": kinds[settings.token_use]}


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _demo(settings: Settings) -> dict[str, Any] | None:
    """The local Cognito's users, whose password is known to everybody; never outside development."""
    local = urlsplit(settings.cognito_endpoint_url).hostname in _LOCAL
    ours = settings.identity_provider == "cognito" and settings.cognito_user_pool_id == LOCAL_POOL_ID
    if not (settings.is_development and local and ours):
        return None
    return {
        "endpoint": settings.cognito_endpoint_url,
        "client_id": settings.cognito_app_client_id[0],
        "password": PASSWORD,
        "users": [{"name": name, "role": role} for name, role in USERS.items()],
    }


def _page_headers(offered: Mapping[str, Any]) -> dict[str, str]:
    """Nothing but our own files runs or is shown, and no text becomes a page's source; besides this service only the
    issuer is asked, for a token."""
    issuer, demo = offered["issuer"], offered["demo"]
    origins = [
        "'self'",
        *([issuer["origin"]] if issuer else []),
        *([_origin(demo["endpoint"])] if demo else []),
    ]
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        f"connect-src {' '.join(origins)}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    return {"Content-Security-Policy": policy, "X-Frame-Options": "DENY"}
