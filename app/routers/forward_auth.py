"""``/forward-auth``: may this request pass? For nginx, Traefik, Caddy, and Envoy's ext_authz over HTTP.

It answers 200, 401 or 403 and nothing else, because a proxy takes anything else for an accident.
"""

from collections.abc import Awaitable
from time import perf_counter_ns
from urllib.parse import quote

from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.checkpoint import ServiceCheckpoint
from app.decision_point.point import DecisionPoint
from app.http.original_request import PREFIX, OriginalRequest, named_target
from app.http.problems import problem
from rbac.decision_log.ruling import Asked, Ruling
from rbac.guard.http import BEARER, INSTANCE
from rbac.guard.http.asgi import Response as PlainResponse
from rbac.guard.http.asgi import called, refuse
from rbac.guard.http.target import AmbiguousTargetError, route_path
from rbac.guard.identity.errors import InvalidToken
from rbac.guard.identity.principal import Principal
from rbac.guard.middleware import PRINCIPAL

WORDS = frozenset({"sub", "role", "obj", "act", "host"})

# What stands for nobody, and for no role: a proxy may take an empty header for none, and leave the client's own there.
NOBODY = "-"

_VERDICTS = frozenset({200, 401, 403})


class ForwardAuth:
    """An ASGI endpoint, so that it takes every method: Envoy asks with the one of the original request."""

    def __init__(self, checkpoint: ServiceCheckpoint) -> None:
        self.checkpoint = checkpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # A proxy may put its client's upgrade headers on the question, which then looks like a WebSocket handshake.
        await refuse(await self._verdict(scope), scope, receive, send)

    async def _verdict(self, scope: Scope) -> Response | PlainResponse:
        started = perf_counter_ns()
        principal: Principal | None = scope[PRINCIPAL]
        checkpoint, point = self.checkpoint, self.checkpoint.service.documents.proxy_point
        try:
            asked = OriginalRequest.of(scope, parameters=checkpoint.settings.allows_path_parameters)
        except AmbiguousTargetError as error:
            return await self._rejected(scope, error.code, _ambiguous(scope, str(error)), "", "", started)
        method, path = asked.methods[0], asked.paths[0]
        if point is None or not WORDS.issuperset(point.policy.words):
            return await self._rejected(
                scope, "unfit_model", problem(scope, "access_denied"), method, path, started
            )
        if principal is not None and principal.sub in point.roles_by_sub:
            # Casbin makes no difference between a subject and a role, and this document has roles of its own.
            taken = InvalidToken("subject_is_role")
            refusal: Response | PlainResponse = problem(
                scope, "invalid_token", headers=BEARER.headers("invalid_token", str(taken))
            )
            return await self._rejected(scope, taken.reason, refusal, method, path, started)
        who = Asked(principal.sub, principal.roles) if principal is not None else Asked("")
        ruling, agreed = _decided(point, asked, who)
        if principal is not None and principal.through is not None:
            program = principal.through
            client, client_agreed = _decided(point, asked, Asked(program.sub, program.roles))
            ruling, agreed = ruling.bounded_by(client, program), agreed and client_agreed
        if not agreed:
            refusal = _ambiguous(scope, "allowed as one server reads it, and not as another")
            return await self._rejected(scope, AmbiguousTargetError.code, refusal, method, path, started)
        decision_id = checkpoint.record(
            scope, ruling, principal, method, path, started=started, via="forward-auth"
        )
        await checkpoint.recorded()
        return _answer(scope, ruling, who if principal is not None else None, decision_id)

    async def _rejected(
        self,
        scope: Scope,
        reason: str,
        answer: Response | PlainResponse,
        method: str,
        path: str,
        started: int,
    ) -> Response | PlainResponse:
        """``answer``, to a question that no decision led to; once it is recorded."""
        self.checkpoint.reject(
            scope, reason, answer.status_code, method, path, started=started, via="forward-auth"
        )
        await self.checkpoint.recorded()
        return answer


def _ambiguous(scope: Scope, why: str) -> Response | PlainResponse:
    return problem(scope, AmbiguousTargetError.code, detail=f"({why})")


def _answer(scope: Scope, ruling: Ruling, who: Asked | None, decision_id: str) -> Response | PlainResponse:
    if ruling.decision.allowed:
        return Response(headers=_identity(who or Asked(""), decision_id))
    if who is None:
        return problem(scope, "authentication_required", headers=BEARER.headers())
    extra = {"decision_id": decision_id, "policy_revision": ruling.decision.revision}
    return problem(scope, "access_denied", extra=extra)


class OnlyVerdicts:
    """Plain ASGI, outermost: whatever else would be answered under ``/forward-auth`` is a 403."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._next = called(app)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] != "lifespan" and PREFIX in scope["path"]:
            path = route_path(scope)
            if path == PREFIX or path.startswith(f"{PREFIX}/"):
                scope[INSTANCE] = named_target(scope)
                send = _verdicts(send)
        return self._next(scope, receive, send)


def _verdicts(send: Send) -> Send:
    refused = False

    async def send_verdict(message: Message) -> None:
        nonlocal refused
        kind = message["type"]
        if kind.endswith("http.response.start") and message["status"] not in _VERDICTS:
            refused = True
            kept = [(name, value) for name, value in message["headers"] if name == b"x-request-id"]
            await send({**message, "status": 403, "headers": [*kept, (b"content-length", b"0")]})
            await send({"type": kind.replace("start", "body"), "body": b""})
        elif not refused:
            await send(message)

    return send_verdict


def routes(checkpoint: ServiceCheckpoint) -> list[BaseRoute]:
    """The endpoint, plain and with the original path behind it, for every method and for what looks like a handshake."""
    endpoint = ForwardAuth(checkpoint)
    below = PREFIX + "/{path:path}"
    return [
        Route(PREFIX, endpoint, name="forward_auth", include_in_schema=False),
        Route(below, endpoint, name="forward_auth_path", include_in_schema=False),
        WebSocketRoute(PREFIX, endpoint, name="forward_auth_upgrade"),
        WebSocketRoute(below, endpoint, name="forward_auth_path_upgrade"),
    ]


def hindrance(point: DecisionPoint | None) -> str:
    """Why ``point`` can decide nothing about a proxy's request; "" when it can."""
    if point is None:
        return "there is no document about the servers behind a proxy (FORWARD_AUTH_POLICY)"
    foreign = set(point.policy.words) - WORDS
    if foreign:
        return f"its model has words that a proxy does not send ({', '.join(sorted(foreign))})"
    return ""


def _decided(point: DecisionPoint, asked: OriginalRequest, who: Asked) -> tuple[Ruling, bool]:
    """What the plain reading comes to, by one document; and whether no other reading is denied what it is allowed."""
    policy = point.policy

    def rule(method: str, path: str) -> Ruling:
        words = {"sub": who.sub, "role": who.roles, "obj": path, "act": method, "host": asked.host}
        return point.ask(words, policy)

    ruling = rule(asked.methods[0], asked.paths[0])
    if not ruling.decision.allowed:
        return ruling, True
    readings = [(method, path) for method in asked.methods for path in asked.paths][1:]
    return ruling, all(rule(method, path).decision.allowed for method, path in readings)


def _identity(who: Asked, decision_id: str) -> dict[str, str]:
    """Who was let through, for the server behind the proxy: percent-encoded where a header or the list could not hold it.

    No value is ever empty.
    """
    return {
        "X-Auth-Subject": _named(who.sub, safe=_SAFE + ",") if who.sub else NOBODY,
        "X-Auth-Roles": ",".join(_named(role, safe=_SAFE) for role in who.roles if role) or NOBODY,
        "X-Auth-Decision-Id": decision_id,
        "Cache-Control": "no-store",
    }


def _named(name: str, safe: str) -> str:
    """``name`` as a header holds it; one that would look like nobody is told from that."""
    return quote(name, safe=safe) if name != NOBODY else f"%{ord(NOBODY):02X}"


# Every visible ASCII character but the percent sign and the comma.
_SAFE = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in "%,")
