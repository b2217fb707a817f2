"""``/openapi.json`` and ``/docs``: the description of the API, and a page to try it, served without any other host."""

import copy
from collections.abc import Mapping
from html import escape
from typing import Any

import orjson
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.staticfiles import StaticFiles
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from app.http.problems import PROBLEMS
from rbac.guard.http import MEDIA_TYPE

DESCRIPTION = """AWS Cognito says who is calling, `policy.csv` says what they may do.

Sign in, press **Authorize**, paste the ID token. A refusal is a problem document (RFC 9457); its `error` is a stable
code.
"""
_ASSETS = "/docs/assets"
_SCHEME = "cognito"
# Endpoints that answer without a token, too, as the shipped policy has them. Who reaches them says the policy.
_FOR_ANYONE = frozenset(
    {
        "/",
        "/public",
        "/healthz",
        "/readyz",
        "/forward-auth",
        "/.well-known/authzen-configuration",
        "/.well-known/oauth-protected-resource",
    }
)
_REFUSALS = ("invalid_path", "invalid_token", "access_denied", "uri_too_long", "keys_unavailable")


def install(app: FastAPI, described: Mapping[str, dict[str, Any]] | None = None) -> None:
    """Serves ``/docs``, and adds the bearer scheme and what any endpoint may refuse with to ``/openapi.json``.

    ``described`` are paths that FastAPI does not know how to describe, as OpenAPI has them.
    """

    @app.get("/openapi.json", include_in_schema=False)
    async def description(request: Request) -> Response:
        return Response(text.of(request.scope.get("root_path", "")), media_type="application/json")

    @app.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> HTMLResponse:
        page = _page(app.title, request.scope.get("root_path", ""))
        return HTMLResponse(page, headers=_PAGE_HEADERS)

    @app.get(_START, include_in_schema=False)
    async def start() -> Response:
        return Response(_SCRIPT, headers={"X-Content-Type-Options": "nosniff"}, media_type="text/javascript")

    app.mount(_ASSETS, StaticFiles(packages=[("fastapi_swagger", "resources")]), name="docs-assets")

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _describe(app, described or {})
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # the way FastAPI documents for extending the description
    text = _Text(app)


class _Text:
    """The description as JSON, written once: everybody may ask for it, and writing it takes milliseconds."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._schema: dict[str, Any] | None = None
        self._root = ""
        self._written = b""

    def of(self, root: str) -> bytes:
        """The description below ``root``, the path that a proxy put before all others."""
        schema = self._app.openapi()
        if schema is not self._schema or root != self._root:
            servers = {"servers": [{"url": root}]} if root else {}
            self._schema, self._root, self._written = schema, root, orjson.dumps(schema | servers)
        return self._written


# Nothing but our own files runs or is asked. Swagger UI sets styles of its own, and draws icons from data addresses.
_PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_START = f"{_ASSETS}/start.js"
# The token is gone with the page: persistAuthorization would leave it in the browser's storage.
_SCRIPT = """const base = document.currentScript.dataset.base;
SwaggerUIBundle({
  url: `${base}/openapi.json`,
  dom_id: "#swagger-ui",
  deepLinking: true,
  displayRequestDuration: true,
  persistAuthorization: false,
  tryItOutEnabled: true,
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIBundle.SwaggerUIStandalonePreset],
});
"""


def _page(title: str, root: str) -> str:
    shown, base = escape(title), escape(root)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{shown}</title>
<link rel="icon" href="{base}{_ASSETS}/favicon-32x32.png">
<link rel="stylesheet" href="{base}{_ASSETS}/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="{base}{_ASSETS}/swagger-ui-bundle.js"></script>
<script src="{base}{_START}" data-base="{base}"></script>
</body>
</html>
"""


def _describe(app: FastAPI, described: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    description = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        openapi_version="3.1.0",
        servers=[{"url": app.root_path or "/"}],
        contact={"name": app.title},
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
    schemas = components.setdefault("schemas", {})
    schemas["Problem"] = _PROBLEM_SCHEMA
    schemas["ValidationProblem"] = _VALIDATION_SCHEMA
    for name in ("HTTPValidationError", "ValidationError"):  # FastAPI's own form, which is not what is sent
        schemas.pop(name, None)
    description["paths"] |= copy.deepcopy(dict(described))
    token: dict[str, list[str]] = {_SCHEME: []}
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            if method in _METHODS:
                operation["security"] = [{}, token] if path in _FOR_ANYONE else [token]
                operation["responses"] = _refusals() | _as_sent(operation["responses"])
    used = {
        tag
        for path in description["paths"].values()
        for each in path.values()
        for tag in each.get("tags", ())
    }
    description["tags"] = [{"name": tag, "description": _TAGS.get(tag, tag)} for tag in sorted(used)]
    return description


_TAGS = {
    "authzen": "The AuthZEN Authorization API 1.0: questions of other programs.",
    "debug": "In development alone.",
    "health": "Probes, and numbers for Prometheus.",
    "me": "What the caller may do.",
    "policy": "The security team's questions about the policy, its versions in a database, and the next one.",
    "protected": "Example endpoints. Who reaches them is written in the policy.",
    "public": "Open to everyone, because the policy says so.",
}


_METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace"})


def _as_sent(responses: dict[str, Any]) -> dict[str, Any]:
    """An operation's answers with validation errors as they are sent: a problem, not FastAPI's own form."""
    if "HTTPValidationError" in str(responses.get("422", "")):
        responses["422"] = _answer(PROBLEMS["validation_failed"].english, "ValidationProblem")
    return responses


def _answer(text: str, schema: str) -> dict[str, Any]:
    return {
        "description": text,
        "content": {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{schema}"}}},
    }


def _refusals() -> dict[str, Any]:
    return {str(PROBLEMS[code].status): _answer(PROBLEMS[code].english, "Problem") for code in _REFUSALS}


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
        "error": {"type": "string", "description": "A stable code.", "examples": list(PROBLEMS)},
        "request_id": {"type": "string"},
        "decision_id": {"type": "string", "description": "On a 403: finds the decision in the log."},
        "policy_revision": {"type": "string", "description": "On a 403: the document that decided."},
    },
}
_VALIDATION_SCHEMA: dict[str, Any] = {
    "title": "ValidationProblem",
    "description": "A problem that names each fault of the request's parameters and body.",
    "allOf": [{"$ref": "#/components/schemas/Problem"}],
    "required": ["errors"],
    "properties": {
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["loc", "msg", "type"],
                "properties": {
                    "loc": {
                        "type": "array",
                        "items": {"type": "string"},
                        "description": "The way to the value.",
                    },
                    "msg": {"type": "string", "description": "In the language of `detail`."},
                    "type": {"type": "string", "description": "A stable word for the fault."},
                },
            },
        }
    },
}
