"""AuthZEN Authorization API 1.0 (OpenID): other programs ask here what a policy allows.

Plain ASGI endpoints: a question is answered many thousand times a second. What is malformed is answered with a message
as a JSON string, as the standard says; who may ask at all is for ``policy.csv``.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from time import perf_counter_ns
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from app.authzen.batch import MOST_EVALUATIONS, MOST_RECORDED, evaluations
from app.authzen.body import LARGEST, Disconnected, read_body, read_members
from app.authzen.evaluation import evaluation, record
from app.authzen.paging import MOST_RESULTS
from app.authzen.search import MOST_ASKED, EntityKind, Search, Searcher
from app.checkpoint import ServiceCheckpoint
from app.decision_point.question import MalformedRequest
from rbac.guard.http.asgi import called

PREFIX = "/access/v1"
CONFIGURATION = "/.well-known/authzen-configuration"

# Member of the configuration -> path behind the base URL.
ENDPOINTS: Mapping[str, str] = {
    "access_evaluation_endpoint": f"{PREFIX}/evaluation",
    "access_evaluations_endpoint": f"{PREFIX}/evaluations",
    "search_subject_endpoint": f"{PREFIX}/search/subject",
    "search_resource_endpoint": f"{PREFIX}/search/resource",
    "search_action_endpoint": f"{PREFIX}/search/action",
}

# What one request may ask for, said in the configuration beside the standard's own members.
LIMITS: Mapping[str, int] = {
    "body_bytes": LARGEST,
    "evaluations": MOST_EVALUATIONS,
    "evaluations_recorded_bytes": MOST_RECORDED,
    "search_candidates": MOST_ASKED,
    "search_results": MOST_RESULTS,
}

Respond = Callable[[ServiceCheckpoint, Scope, Mapping[str, Any], int], Awaitable[bytes]]

_HOST = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?\Z")


class AuthZenEndpoint:
    """One POST endpoint: reads the members, has them answered, and answers when that is recorded."""

    def __init__(self, checkpoint: ServiceCheckpoint, answer: Respond) -> None:
        self.checkpoint = checkpoint
        self.answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        checkpoint = self.checkpoint
        started = perf_counter_ns()
        status = 200
        try:
            members = read_members(await read_body(scope, receive))
            answer = await self.answer(checkpoint, scope, members, started)
        except MalformedRequest as error:
            checkpoint.reject(scope, error.code, error.status, "", "", started=started, via="authzen")
            status, answer = error.status, orjson.dumps(str(error))
        except Disconnected:
            return
        if checkpoint.log.waits:
            await checkpoint.recorded()
        await _send(send, status, answer)


class Shortcut:
    """Plain ASGI, behind the checkpoint: the endpoint that the router would find, without the way through it."""

    def __init__(self, app: ASGIApp, endpoints: Mapping[str, AuthZenEndpoint]) -> None:
        self.app = app
        self._next = called(app)
        self.endpoints = endpoints

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "http" and scope["method"] == "POST" and not scope.get("root_path"):
            endpoint = self.endpoints.get(scope["path"])
            if endpoint is not None:
                return endpoint(scope, receive, send)
        return self._next(scope, receive, send)


def endpoints_of(checkpoint: ServiceCheckpoint) -> Mapping[str, AuthZenEndpoint]:
    """What answers a POST, by path: for the router and for the shortcut past it."""
    answers: Mapping[str, Respond] = {
        "evaluation": evaluation,
        "evaluations": evaluations,
        "search/subject": partial(search, "subject"),
        "search/resource": partial(search, "resource"),
        "search/action": partial(search, "action"),
    }
    return {f"{PREFIX}/{name}": AuthZenEndpoint(checkpoint, answer) for name, answer in answers.items()}


def routes(endpoints: Mapping[str, AuthZenEndpoint]) -> list[Route]:
    """The endpoints, and the document that lists them."""
    return [
        *(_post(path, endpoint) for path, endpoint in endpoints.items()),
        Route(CONFIGURATION, configuration, methods=["GET"], name="authzen_configuration"),
    ]


async def search(
    kind: EntityKind, checkpoint: ServiceCheckpoint, scope: Scope, members: Mapping[str, Any], started: int
) -> bytes:
    """One page of a search. Raises :class:`MalformedRequest`.

    One line of the decision log stands for the page: the first result's decision, or that of the search as it was put.
    """
    asked = Search.read(kind, members)
    service, documents = checkpoint.service, checkpoint.service.documents
    searcher = Searcher(documents.point, documents.pdp_request, service.routes, service.turns)
    found = await searcher.find(asked)
    words = documents.pdp_request.read(found.question)
    decision_id = record(checkpoint, scope, found.question, words, found.ruling, started)
    answer: dict[str, Any] = {}
    if asked.page.asked_for or found.next_token:
        answer["page"] = {"next_token": found.next_token, "count": len(found.results)}
    answer["context"] = {
        "reason": found.ruling.decision.reason,
        "policy_revision": found.ruling.decision.revision,
        "decision_id": decision_id,
    }
    answer["results"] = found.results
    return orjson.dumps(answer)


async def configuration(request: Request) -> Response:
    """The metadata document (section 9), for the address that the caller reached it at."""
    host = request.headers.get("host", "")
    if not _HOST.match(host):
        return Response(orjson.dumps("the Host header names no host"), 400, media_type="application/json")
    base = f"{request.url.scheme}://{host}{request.scope.get('root_path', '')}"
    members: dict[str, object] = {"policy_decision_point": base}
    members |= {name: base + path for name, path in ENDPOINTS.items()}
    members["sekisho_limits"] = LIMITS
    return Response(
        orjson.dumps(members), headers={"Cache-Control": "no-store"}, media_type="application/json"
    )


def _post(path: str, endpoint: ASGIApp) -> Route:
    return Route(path, endpoint, methods=["POST"], name=path.removeprefix(f"{PREFIX}/").replace("/", "_"))


async def _send(send: Send, status: int, body: bytes) -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
