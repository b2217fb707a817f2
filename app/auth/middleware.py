"""Every request passes here: who is calling, may they, and only then the router. Nothing is exempt; ``policy.csv`` says
what is open."""

import logging
import re
from collections.abc import Set as AbstractSet
from contextlib import suppress
from time import perf_counter_ns

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.auth.errors import AuthError, InvalidToken, KeysUnavailable
from app.auth.principal import Principal
from app.auth.tokens import LONGEST_CREDENTIALS, USUAL_SCHEME, bearer_token
from app.checkpoint import WATCHED, Checkpoint
from app.decision_log import RETRY_AFTER, DecisionLog, DecisionLogUnavailable
from app.decision_record import NO_TOKEN, REMEMBERED
from app.problems import challenge, problem
from app.request_words import InvalidHost
from app.ruling import Ruling
from rbac import Decision, EvaluationError, NearMiss

log = logging.getLogger("app.auth.middleware")

# C0, DEL and C1: no path needs them, and the patterns' `$` matches before a trailing newline.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")

LONGEST_PATH = 8192
"""Bytes of a decoded path that is still decided about: what matching may cost is in proportion to them."""

PRINCIPAL = "sekisho.principal"
RULING = "sekisho.ruling"


# Who is calling, and the nanoseconds that verifying their token took.
Caller = tuple[Principal | None, int]

_NOBODY: Caller = (None, NO_TOKEN)


class InvalidPath(Exception):  # noqa: N818 - what the answer calls it
    """The path holds a control character."""

    code = "invalid_path"


class PathTooLong(InvalidPath):
    """The path is longer than :data:`LONGEST_PATH`."""

    code = "uri_too_long"


class AuthorizationMiddleware:
    """Plain ASGI. Authenticates, decides by the live policy, records, and routes what it allows."""

    def __init__(self, app: ASGIApp, checkpoint: Checkpoint) -> None:
        self.app = app
        self.checkpoint = checkpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind == "lifespan":
            await self.app(scope, receive, send)
            return
        started = perf_counter_ns()
        path = route_path(scope) if scope.get("root_path") else scope["path"]
        method = "GET" if kind == "websocket" or scope["method"] == "HEAD" else scope["method"]
        checkpoint = self.checkpoint
        try:
            _check(path, checkpoint.log)
            principal, spent = self._recognised(scope) or await self._authenticated(scope)
            if principal is not None:
                _check_subject(principal.sub, checkpoint.roles_by_sub)
            ruling = checkpoint.rule(path, method, scope, principal)
            decision_id = checkpoint.record(
                scope, ruling, principal, method, path, started=started, verification_ns=spent
            )
            if checkpoint.log.waits and path not in WATCHED:
                await checkpoint.recorded()
        except (InvalidPath, InvalidHost, AuthError, DecisionLogUnavailable) as error:
            await refuse(await self._rejected(scope, error, method, path, started), scope, receive, send)
            return
        except Exception:
            checkpoint.reject(scope, "internal_error", 500, method, path, started=started)
            raise
        if not ruling.decision.allowed:
            await refuse(self._denied(scope, principal, ruling, decision_id), scope, receive, send)
            return
        scope[PRINCIPAL] = principal
        scope[RULING] = ruling
        if scope.get("method") == "HEAD":
            scope, send = {**scope, "method": "GET"}, _without_body(send)
        try:
            await self.app(scope, receive, send)
        except DecisionLogUnavailable as error:  # an endpoint decides for other programs, and records that
            await refuse(await self._rejected(scope, error, method, path, started), scope, receive, send)

    def _recognised(self, scope: Scope) -> Caller | None:
        """Whoever sends no token, or one that was verified before, spelled as usual; ``None`` for any other."""
        credentials = None
        for name, value in scope["headers"]:
            if name == b"authorization":
                if credentials is not None:
                    return None
                credentials = value
        if credentials is None:
            return _NOBODY
        if not credentials.startswith(USUAL_SCHEME) or len(credentials) > LONGEST_CREDENTIALS:
            return None
        principal = self.checkpoint.authenticator.recall(credentials[len(USUAL_SCHEME) :])
        return None if principal is None else (principal, REMEMBERED)

    async def _authenticated(self, scope: Scope) -> Caller:
        credentials = [value for name, value in scope["headers"] if name == b"authorization"]
        token = bearer_token(credentials)
        authenticator = self.checkpoint.authenticator
        known = None if credentials[0].startswith(USUAL_SCHEME) else authenticator.known(token)
        if known is not None:
            return known, REMEMBERED
        began = perf_counter_ns()
        principal = await authenticator.authenticate(token)
        return principal, perf_counter_ns() - began

    async def _rejected(
        self, scope: Scope, error: Exception, method: str, path: str, started: int
    ) -> Response:
        """The answer to a request about which nothing was decided; once it is recorded, as far as it can be."""
        reason, response = _rejection(scope, error)
        spent = perf_counter_ns() - started if isinstance(error, AuthError) else NO_TOKEN
        self.checkpoint.reject(
            scope, reason, response.status_code, method, path, started=started, verification_ns=spent
        )
        if isinstance(error, DecisionLogUnavailable) or path in WATCHED:
            return response
        try:
            await self.checkpoint.recorded()
        except DecisionLogUnavailable as unavailable:
            return await self._rejected(scope, unavailable, method, path, started)
        return response

    def _denied(
        self, scope: Scope, principal: Principal | None, ruling: Ruling, decision_id: str
    ) -> Response:
        if principal is None:
            return problem(scope, "authentication_required", headers=challenge())
        extra: dict[str, object] = {"decision_id": decision_id, "policy_revision": ruling.decision.revision}
        if self.checkpoint.settings.explain_denials:
            extra["explanation"] = _explain(principal, ruling)
        return problem(scope, "access_denied", extra=extra)


def _check(path: str, decision_log: DecisionLog) -> None:
    """Raises for a request that nothing is decided about, whoever sends it."""
    if decision_log.required and decision_log.refusing and path not in WATCHED:
        raise DecisionLogUnavailable
    if len(path) > LONGEST_PATH or (
        not path.isascii() and len(path.encode(errors="surrogatepass")) > LONGEST_PATH
    ):
        raise PathTooLong
    # What is printable holds no control character: most paths need no second look.
    if not path.isprintable() and _CONTROL.search(path):
        raise InvalidPath


def _check_subject(sub: str, roles: AbstractSet[str]) -> None:
    """Raises for a ``sub`` that the policy would take for a role: Casbin makes no difference between the two."""
    if sub in roles:
        log.warning("refused the subject `%s`, which the policy names as a role", sub)
        raise InvalidToken("subject_is_role")


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


def _rejection(scope: Scope, error: Exception) -> tuple[str, Response]:
    """The reason that the log names, and the answer."""
    match error:
        case InvalidPath() | InvalidHost():
            return error.code, problem(scope, error.code)
        case DecisionLogUnavailable():
            return error.code, problem(scope, error.code, headers={"Retry-After": str(RETRY_AFTER)})
        case KeysUnavailable():
            return error.code, problem(scope, error.code, headers={"Retry-After": str(error.retry_after)})
    reason = error.reason if isinstance(error, InvalidToken) else InvalidToken.code
    return reason, problem(scope, "invalid_token", headers=challenge("invalid_token", str(error)))


def _explain(principal: Principal, ruling: Ruling) -> dict[str, object]:
    decision: Decision = ruling.decision
    words = dict(zip(ruling.policy.words, ruling.words, strict=True))
    nearest: tuple[NearMiss, ...] = ()
    if decision.rule is None:
        with suppress(EvaluationError):  # what could not be decided has nothing near it
            nearest = ruling.policy.explain(**words).nearest
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
