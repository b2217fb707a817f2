"""Every request passes here: who is calling, may they, and only then the router. Nothing is exempt; the policy says what
is open."""

import logging
from asyncio import CancelledError
from collections.abc import Callable
from time import perf_counter_ns
from typing import NoReturn

from rbac.decision_log.buffer import DecisionLogUnavailable
from rbac.decision_log.record import NO_TOKEN
from rbac.guard.checkpoint import Checkpoint
from rbac.guard.http.asgi import ASGIApp, Message, Receive, Response, Scope, Send, called, refuse
from rbac.guard.http.connections import OpenConnection
from rbac.guard.http.target import method_asked, path_asked, route_path
from rbac.guard.identity.errors import AuthError, InvalidToken
from rbac.guard.refusals import REFUSALS, AccessDenied, InvalidPath, PathTooLong, denied, rejection
from rbac.text.visible import has_control

logger = logging.getLogger("rbac.guard")

# C0, DEL and C1: no path needs them, and the patterns' `$` matches before a trailing newline.

LONGEST_PATH = 8192
"""Bytes of a decoded path that is still decided about: what matching may cost is in proportion to them."""

PRINCIPAL = "sekisho.principal"
RULING = "sekisho.ruling"
CHECKPOINT = "sekisho.checkpoint"
UNSETTLED = "sekisho.unsettled"
"""In a scope, where records are required: the ids of decisions that an endpoint took without waiting for their record."""


class AuthorizationMiddleware:
    """Plain ASGI. Authenticates, decides by the live policy, records, and routes what it allows.

    ``around`` wraps whatever is answered instead of routing: a layer of CORS that stands further in.
    """

    def __init__(
        self, app: ASGIApp, checkpoint: Checkpoint, *, around: Callable[[ASGIApp], ASGIApp] | None = None
    ) -> None:
        self.app = app
        self._next = called(app)
        self.checkpoint = checkpoint
        self.around = around

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: C901, PLR0912, PLR0915 - calls saved in every request
        kind = scope["type"]
        if kind == "lifespan":
            await self.app(scope, receive, send)
            return
        started = perf_counter_ns()
        path = route_path(scope) if scope.get("root_path") else scope["path"]
        method = "GET" if kind == "websocket" or scope["method"] == "HEAD" else scope["method"]
        checkpoint = self.checkpoint
        log = checkpoint.log
        try:
            if log.required or len(path) > LONGEST_PATH or not (path.isascii() and path.isprintable()):
                _check(path, checkpoint)
            recognition = checkpoint.recognition
            principal, spent = recognition.at_once(scope) or await recognition.verified(scope)
            terms = checkpoint.latest
            if terms is None or terms.policy is not checkpoint.live.policy:
                terms = checkpoint.terms
            if principal is not None and principal.sub in terms.roles_by_sub:
                _refuse_subject(principal.sub)
            if terms.decides:
                ruling = terms.rule(path, method, scope, principal)
                decision_id = checkpoint.record(
                    scope, ruling, principal, method, path, started=started, verification_ns=spent
                )
                if log.waits and path not in checkpoint.watched:
                    await checkpoint.recorded()
                if not ruling.decision.allowed:
                    raise AccessDenied(principal, ruling, decision_id)  # noqa: TRY301 - a call saved in every request
                scope[RULING] = ruling
        except REFUSALS as error:
            await self._refuse(error, scope, receive, send, started=started)
            return
        except Exception:
            checkpoint.reject(scope, "internal_error", 500, method, path, started=started)
            raise
        scope[PRINCIPAL] = principal
        scope[CHECKPOINT] = checkpoint
        if scope.get("method") == "HEAD" or log.required:
            scope, send = _prepared(scope, send, checkpoint)
        connections = checkpoint.connections
        if connections is None or principal is None:
            try:
                await self._next(scope, receive, send)
            except REFUSALS as error:  # an endpoint asked, and the answer was no, or could not be recorded
                await self._refuse(error, scope, receive, send, started=started)
            return
        connection = OpenConnection(connections, principal, send, kind == "websocket")
        try:
            if kind == "websocket":
                connection.begin()
            await self._next(scope, receive, connection.send)
        except CancelledError:
            if not await connection.end():
                raise
        except REFUSALS as error:
            await self._refuse(error, scope, receive, send, started=started)
        finally:
            connections.open.discard(connection)

    async def _refuse(
        self, error: Exception, scope: Scope, receive: Receive, send: Send, *, started: int
    ) -> None:
        if isinstance(error, AccessDenied):
            explain, challenge = self.checkpoint.explain_denials, self.checkpoint.challenge
            reply = denied(scope, error, explain=explain, challenge=challenge)
        else:
            reply = await self._rejected(scope, error, method_asked(scope), path_asked(scope), started)
        await refuse(reply if self.around is None else self.around(reply), scope, receive, send)

    async def _rejected(
        self, scope: Scope, error: Exception, method: str, path: str, started: int
    ) -> Response:
        """The answer to a request about which nothing was decided; once it is recorded, as far as it can be."""
        reason, response = rejection(scope, error, challenge=self.checkpoint.challenge)
        spent = perf_counter_ns() - started if isinstance(error, AuthError) else NO_TOKEN
        self.checkpoint.reject(
            scope, reason, response.status_code, method, path, started=started, verification_ns=spent
        )
        if isinstance(error, DecisionLogUnavailable) or path in self.checkpoint.watched:
            return response
        try:
            await self.checkpoint.recorded()
        except DecisionLogUnavailable as unavailable:
            return await self._rejected(scope, unavailable, method, path, started)
        return response


def _check(path: str, checkpoint: Checkpoint) -> None:
    """Raises for a request that nothing is decided about, whoever sends it."""
    if checkpoint.log.required and checkpoint.log.refusing and path not in checkpoint.watched:
        raise DecisionLogUnavailable
    if len(path) > LONGEST_PATH or (
        not path.isascii() and len(path.encode(errors="surrogatepass")) > LONGEST_PATH
    ):
        raise PathTooLong
    if has_control(path):
        raise InvalidPath


def _refuse_subject(sub: str) -> NoReturn:
    """Raises for a ``sub`` that the policy would take for a role: Casbin makes no difference between the two."""
    logger.warning("refused the subject `%s`, which the policy names as a role", sub)
    raise InvalidToken("subject_is_role")


def _prepared(scope: Scope, send: Send, checkpoint: Checkpoint) -> tuple[Scope, Send]:
    """The request as it is routed where it is not routed as it came."""
    if checkpoint.log.required:
        unsettled: list[str] = []
        scope[UNSETTLED] = unsettled
        send = _settled_first(send, unsettled, checkpoint)
    if scope.get("method") == "HEAD":
        scope, send = {**scope, "method": "GET"}, _without_body(send)
    return scope, send


def _settled_first(send: Send, unsettled: list[str], checkpoint: Checkpoint) -> Send:
    """Answers once what the endpoint asked is recorded."""

    async def send_settled(message: Message) -> None:
        if unsettled and message["type"] in _STARTS:
            unsettled.clear()
            await checkpoint.recorded()
        await send(message)

    return send_settled


_STARTS = frozenset({"http.response.start", "websocket.accept", "websocket.http.response.start"})


def _without_body(send: Send) -> Send:
    """A HEAD is answered as its GET would be, without the content (RFC 9110, section 9.3.2)."""

    async def send_headers_only(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return send_headers_only
