"""Every request passes here: who is calling, may they, and only then the router. Nothing is exempt; ``policy.csv`` says
what is open."""

import re

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.auth.errors import AuthError, KeysUnavailable
from app.auth.principal import Principal
from app.auth.tokens import bearer_token
from app.checkpoint import Checkpoint, Ruling
from app.problems import challenge, problem
from app.request_id import new_id
from rbac import Decision

# C0, DEL and C1: no path needs them, and the patterns' `$` matches before a trailing newline.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")

PRINCIPAL = "sekisho.principal"
RULING = "sekisho.ruling"


class AuthorizationMiddleware:
    """Plain ASGI. Authenticates, decides by the live policy, routes what it allows and refuses the rest itself."""

    def __init__(self, app: ASGIApp, checkpoint: Checkpoint) -> None:
        self.app = app
        self.checkpoint = checkpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind == "lifespan":
            await self.app(scope, receive, send)
            return
        path = route_path(scope)
        if _CONTROL.search(path):
            await refuse(problem(scope, "invalid_path"), scope, receive, send)
            return
        try:
            principal = await self._authenticate(scope)
        except AuthError as error:
            await refuse(_unauthenticated(scope, error), scope, receive, send)
            return
        method = "GET" if kind == "websocket" or scope["method"] == "HEAD" else scope["method"]
        ruling = self.checkpoint.rule(path, method, scope, principal)
        if not ruling.decision.allowed:
            await refuse(self._denied(scope, principal, ruling), scope, receive, send)
            return
        scope[PRINCIPAL] = principal
        scope[RULING] = ruling
        if kind == "http" and scope["method"] == "HEAD":
            scope, send = {**scope, "method": "GET"}, _without_body(send)
        await self.app(scope, receive, send)

    async def _authenticate(self, scope: Scope) -> Principal | None:
        credentials = [value for name, value in scope["headers"] if name == b"authorization"]
        token = bearer_token(credentials)
        if token is None:
            return None
        authenticator = self.checkpoint.authenticator
        return authenticator.known(token) or await authenticator.authenticate(token)

    def _denied(self, scope: Scope, principal: Principal | None, ruling: Ruling) -> Response:
        if principal is None:
            return problem(scope, "authentication_required", headers=challenge())
        extra = {"decision_id": new_id(), "policy_revision": ruling.decision.revision}
        if self.checkpoint.settings.explain_denials:
            extra["explanation"] = _explain(principal, ruling)
        return problem(scope, "access_denied", extra=extra)


def route_path(scope: Scope) -> str:
    """The decoded path exactly as the router matches it: without a ``root_path`` that a proxy put before it."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    if root and path.startswith(root) and path[len(root) : len(root) + 1] in {"", "/"}:
        return path[len(root) :]
    return path


async def refuse(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Sends ``response`` instead of routing, also to a WebSocket handshake."""
    if scope["type"] == "websocket":
        await receive()  # websocket.connect
        if "websocket.http.response" not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": 1008})
            return
    await response(scope, receive, send)


def _unauthenticated(scope: Scope, error: AuthError) -> Response:
    if isinstance(error, KeysUnavailable):
        return problem(scope, "keys_unavailable", headers={"Retry-After": str(error.retry_after)})
    return problem(scope, "invalid_token", headers=challenge("invalid_token", str(error)))


def _explain(principal: Principal, ruling: Ruling) -> dict[str, object]:
    decision: Decision = ruling.decision
    words = dict(zip(ruling.policy.words, ruling.words, strict=True))
    nearest = ruling.policy.explain(**words).nearest if decision.rule is None else ()
    return {
        "roles": list(principal.roles),
        "reason": decision.reason,
        "rule": {"line": decision.rule.line, "text": decision.rule.text} if decision.rule else None,
        "nearest": [
            {"line": miss.rule.line, "text": miss.rule.text, "missing": miss.missing} for miss in nearest
        ],
    }


def _without_body(send: Send) -> Send:
    """A HEAD is answered as its GET would be, without the content (RFC 9110, section 9.3.2)."""

    async def send_headers_only(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return send_headers_only
