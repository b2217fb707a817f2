"""An application's OpenAPI description, told about the guard before it: how to sign in, and what a refusal looks like."""

from collections.abc import Iterator
from typing import Any, Protocol

from rbac.errors import RbacError
from rbac.guard.checkpoint import Checkpoint
from rbac.guard.http import MEDIA_TYPE, PROBLEMS, Wording
from rbac.guard.identity.credentials import Cookie
from rbac.policy import Policy
from rbac.routes import Route

_METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace", "query"})
_COOKIE = "cookie"
_SCHEMA = "Problem"


class Described(Protocol):
    """What is described: a :class:`rbac.guard.Guard`."""

    checkpoint: Checkpoint

    @property
    def policy(self) -> Policy: ...

    def open_to_everyone(self, act: str, obj: str) -> bool: ...


def describe(app: Any, guard: Described) -> None:
    """Adds to the description of ``app``, a FastAPI application, the scheme by which callers sign in, and the 401 and
    403 of every operation.

    An operation that the policy opens to everyone needs nobody to sign in; that follows the policy that is in force.
    A name that the application uses for something else stays its own.
    """
    made = app.openapi
    told: dict[str, bool] = {}

    def openapi() -> dict[str, Any]:
        description: dict[str, Any] = made()
        components = description.setdefault("components", {})
        schemes = components.setdefault("securitySchemes", {})
        signing_in: list[dict[str, list[str]]] = [
            {_put(schemes, name, scheme): []} for name, scheme in _schemes(guard).items()
        ]
        problem = _put(components.setdefault("schemas", {}), _SCHEMA, _problem_schema())
        for path, method, operation in _operations(description):
            responses = operation.setdefault("responses", {})
            for code in ("invalid_token", "access_denied"):
                responses.setdefault(str(PROBLEMS[code].status), _answer(PROBLEMS[code], problem))
            if told.setdefault(f"{method} {path}", "security" not in operation):
                everyone = _is_open(guard, method.upper(), path)
                operation["security"] = [{}, *signing_in] if everyone else signing_in
        return description

    app.openapi = openapi


def _is_open(guard: Described, act: str, path: str) -> bool:
    try:
        return guard.open_to_everyone("GET" if act == "HEAD" else act, Route(act, path).sample())
    except RbacError:  # a policy that is refused stops the start, and no description
        return False


def _schemes(guard: Described) -> dict[str, Any]:
    scheme, credentials = guard.checkpoint.challenge.scheme.lower(), guard.checkpoint.recognition.credentials
    schemes: dict[str, Any] = {scheme: {"type": "http", "scheme": scheme}}
    if isinstance(credentials, Cookie):
        schemes[_COOKIE] = {"type": "apiKey", "in": "cookie", "name": credentials.name}
    return schemes


def _operations(description: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in description.get("paths", {}).items():
        for method, operation in methods.items():
            if method in _METHODS:
                yield path, method, operation


def _put(components: dict[str, Any], name: str, component: dict[str, Any]) -> str:
    """The name under which ``component`` is there now: one of its own where the application has something else by it."""
    while components.setdefault(name, component) != component:
        name += ".guard"
    return name


def _answer(wording: Wording, problem: str) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{problem}"}
    return {"description": wording.english, "content": {MEDIA_TYPE: {"schema": schema}}}


def _problem_schema() -> dict[str, Any]:
    text = {"type": "string"}
    members = ("type", "title", "detail", "instance", "error", "request_id")
    return {
        "title": _SCHEMA,
        "description": "An error (RFC 9457). Programs branch on `error`.",
        "type": "object",
        "properties": dict.fromkeys(members, text) | {"status": {"type": "integer"}},
        "required": [*members, "status"],
    }
