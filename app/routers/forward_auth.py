"""``/forward-auth``: may this request pass? For nginx, Traefik, Caddy, and Envoy's ext_authz over HTTP.

It answers 200, 401 or 403 and nothing else, because a proxy takes anything else for an accident.
"""

import re
from collections.abc import Awaitable
from time import perf_counter_ns
from urllib.parse import quote

from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.auth.middleware import PRINCIPAL
from app.auth.principal import Principal
from app.checkpoint import Checkpoint
from app.decision_point import DecisionPoint, Word
from app.problems import challenge, problem
from app.request_target import AmbiguousTargetError, path_of
from app.ruling import Asked

PREFIX = "/forward-auth"
WORDS = frozenset({"sub", "role", "obj", "act", "host"})

_VERDICTS = frozenset({200, 401, 403})
_METHOD = re.compile(r"[A-Za-z]{1,32}\Z")
_HOST = re.compile(r"(?P<name>[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?\Z")
_TARGET_HEADERS = (b"x-original-uri", b"x-forwarded-uri")
_METHOD_HEADERS = (b"x-original-method", b"x-forwarded-method")
_HOST_HEADERS = (b"x-forwarded-host",)


class ForwardAuth:
    """An ASGI endpoint, so that it takes every method: Envoy asks with the one of the original request."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._verdict(scope)
        await response(scope, receive, send)

    async def _verdict(self, scope: Scope) -> Response:
        started = perf_counter_ns()
        principal: Principal | None = scope[PRINCIPAL]
        point = self.checkpoint.decision_point
        try:
            method, path, host = _asked_about(scope)
        except AmbiguousTargetError as error:
            self.checkpoint.reject(scope, error.code, 403, "", "", started=started, via="forward-auth")
            await self.checkpoint.recorded()
            return problem(scope, "ambiguous_target", detail=f"({error})")
        if not answers(point):
            self.checkpoint.reject(
                scope, "unfit_model", 403, method, path, started=started, via="forward-auth"
            )
            await self.checkpoint.recorded()
            return problem(scope, "access_denied")
        who = Asked(principal.sub, principal.roles) if principal is not None else Asked("")
        given: dict[str, Word] = {"sub": who.sub, "role": who.roles, "obj": path, "act": method, "host": host}
        ruling = point.ask(given)
        decision_id = self.checkpoint.record(
            scope, ruling, principal, method, path, started=started, via="forward-auth"
        )
        await self.checkpoint.recorded()
        if ruling.decision.allowed:
            return Response(headers=_identity(who, decision_id))
        if principal is None:
            return problem(scope, "authentication_required", headers=challenge())
        extra = {"decision_id": decision_id, "policy_revision": ruling.decision.revision}
        return problem(scope, "access_denied", extra=extra)


class OnlyVerdicts:
    """Plain ASGI, outermost: whatever else would be answered under ``/forward-auth`` is a 403."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            beyond = scope["path"][len(PREFIX) : len(PREFIX) + 1]
            if beyond in {"", "/"}:
                send = _verdicts(send)
        return self.app(scope, receive, send)


def _verdicts(send: Send) -> Send:
    refused = False

    async def send_verdict(message: Message) -> None:
        nonlocal refused
        if message["type"] == "http.response.start" and message["status"] not in _VERDICTS:
            refused = True
            kept = [(name, value) for name, value in message["headers"] if name == b"x-request-id"]
            await send({**message, "status": 403, "headers": [*kept, (b"content-length", b"0")]})
            await send({"type": "http.response.body"})
        elif not refused:
            await send(message)

    return send_verdict


def routes(checkpoint: Checkpoint) -> list[Route]:
    """The endpoint, plain and with the original path behind it, for every method."""
    endpoint = ForwardAuth(checkpoint)
    return [
        Route(PREFIX, endpoint, name="forward_auth", include_in_schema=False),
        Route(PREFIX + "/{path:path}", endpoint, name="forward_auth_path", include_in_schema=False),
    ]


def answers(point: DecisionPoint) -> bool:
    """Whether a proxy's request has all the words of the decision point's model."""
    return WORDS.issuperset(point.policy.words)


def _asked_about(scope: Scope) -> tuple[str, str, str]:
    """Method, decoded path and host of the original request. Raises :class:`AmbiguousTargetError` in any doubt."""
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    behind = scope["raw_path"].decode("latin-1").removeprefix(scope.get("root_path", "")).removeprefix(PREFIX)
    targets, methods = _values(headers, _TARGET_HEADERS), _values(headers, _METHOD_HEADERS)
    hosts = _values(headers, _HOST_HEADERS)
    if behind:  # Envoy: path, method and host are the original request's own
        targets, methods = targets | {behind}, methods | {scope["method"]}
        hosts |= _values(headers, (b"host",))
    paths = {path_of(target) for target in targets}
    if not paths or not methods:
        raise AmbiguousTargetError("no target" if not paths else "no method")
    if len(paths) > 1 or len(methods) > 1 or len(hosts) > 1:
        raise AmbiguousTargetError("headers that disagree")
    method = methods.pop()
    if not _METHOD.match(method):
        raise AmbiguousTargetError("not a method")
    return "GET" if method == "HEAD" else method, paths.pop(), _host_name(hosts)


def _values(headers: list[tuple[bytes, bytes]], names: tuple[bytes, ...]) -> set[str]:
    return {value.decode("latin-1") for name, value in headers if name in names}


def _host_name(hosts: set[str]) -> str:
    if not hosts:
        return ""
    match = _HOST.match(hosts.pop())
    if match is None:
        raise AmbiguousTargetError("not a host")
    return match["name"].lower()


def _identity(who: Asked, decision_id: str) -> dict[str, str]:
    """Who was let through, for the upstream: percent-encoded where a header or the list could not hold it."""
    return {
        "X-Auth-Subject": quote(who.sub, safe=_SAFE + ","),
        "X-Auth-Roles": ",".join(quote(role, safe=_SAFE) for role in who.roles),
        "X-Auth-Decision-Id": decision_id,
        "Cache-Control": "no-store",
    }


# Every visible ASCII character but the percent sign and the comma.
_SAFE = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in "%,")
