"""``/openapi.json`` and ``/docs``: the description of the API, and a page to try it, served without any other host."""

import copy
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from fastapi.staticfiles import StaticFiles
from starlette.requests import Request
from starlette.responses import HTMLResponse

from app.problems import MEDIA_TYPE, PROBLEMS

DESCRIPTION = """AWS Cognito says who is calling, `policy.csv` says what they may do.

Sign in, press **Authorize**, paste the ID token. A refusal is a problem document (RFC 9457); its `error` is a stable
code.
"""
_ASSETS = "/docs/assets"
_SCHEME = "cognito"
# The tags of endpoints that make sense without a token, too. Who reaches them says the policy.
_FOR_ANYONE = frozenset({"public", "health"})
_REFUSALS = ("invalid_path", "invalid_token", "access_denied", "keys_unavailable")


def install(app: FastAPI, described: Mapping[str, dict[str, Any]] | None = None) -> None:
    """Serves ``/docs``, and adds the bearer scheme and what any endpoint may refuse with to ``/openapi.json``.

    ``described`` are paths that FastAPI does not know how to describe, as OpenAPI has them.
    """
    app.mount(_ASSETS, StaticFiles(packages=[("fastapi_swagger", "resources")]), name="docs-assets")

    @app.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> HTMLResponse:
        root = request.scope.get("root_path", "")
        return get_swagger_ui_html(
            openapi_url=f"{root}/openapi.json",
            title=app.title,
            swagger_js_url=f"{root}{_ASSETS}/swagger-ui-bundle.js",
            swagger_css_url=f"{root}{_ASSETS}/swagger-ui.css",
            swagger_favicon_url=f"{root}{_ASSETS}/favicon-32x32.png",
            swagger_ui_parameters={
                "persistAuthorization": True,
                "tryItOutEnabled": True,
                "displayRequestDuration": True,
            },
        )

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _describe(app, described or {})
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # the way FastAPI documents for extending the description


def _describe(app: FastAPI, described: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    description = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        openapi_version="3.1.0",
    )
    components = description.setdefault("components", {})
    components["securitySchemes"] = {
        _SCHEME: {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "A Cognito ID token.",
        }
    }
    components.setdefault("schemas", {})["Problem"] = _PROBLEM_SCHEMA
    description["paths"] |= copy.deepcopy(dict(described))
    token: dict[str, list[str]] = {_SCHEME: []}
    for path in description["paths"].values():
        for operation in path.values():
            operation["security"] = [{}, token] if _FOR_ANYONE.issuperset(operation["tags"]) else [token]
            operation["responses"] = _refusals() | operation["responses"]
    return description


def _refusals() -> dict[str, Any]:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        str(PROBLEMS[code].status): {"description": PROBLEMS[code].english, "content": content}
        for code in _REFUSALS
    }


_PROBLEM_SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "description": "RFC 9457, with `error` as a stable code to branch on.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "error", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "English, or Japanese where Accept-Language prefers it."},
        "instance": {"type": "string", "description": "The path that was asked for."},
        "error": {"type": "string", "enum": list(PROBLEMS)},
        "request_id": {"type": "string"},
        "decision_id": {"type": "string", "description": "On a 403: finds the decision in the log."},
        "policy_revision": {"type": "string", "description": "On a 403: the document that decided."},
    },
}
