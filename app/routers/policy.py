"""The security team's questions about the policy: the document, who can do what, why, and what a draft would change.

Nothing here changes anything; ``versions`` publishes. Who may ask is written in ``policy.csv``.
"""

import asyncio
import time
from contextlib import suppress
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Header, HTTPException, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import AfterValidator, BaseModel, Field

from app.checkpoint import ServiceCheckpoint, checkpoint_of
from app.console.desk import BusyError, Desk, GivenUpError, NotAnsweredError
from rbac import Problem
from rbac.decision_log.buffer import DecisionLogUnavailable
from rbac.guard.middleware import PRINCIPAL

router = APIRouter(prefix="/policy", tags=["policy"])

DIFFERENCE_S = 30.0
"""Seconds for whose access a draft changes; of one that takes longer, everything else is told."""
PRIVATE = {"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"}


def _whole(text: str) -> str:
    """Raises ``ValueError`` for halves of surrogate pairs, which no file holds."""
    text.encode()
    return text


Text = Annotated[str, AfterValidator(_whole)]
_Name = Annotated[Text, Field(max_length=8192)]
ANSWERS: dict[int | str, dict[str, Any]] = {
    409: {"description": "The document in force cannot be asked this; `detail` says why."},
    422: {"description": "It is malformed, or takes more time or memory than a question may take."},
    429: {"description": "Too many questions wait already; `Retry-After` says when to come again."},
}


class Question(BaseModel, extra="forbid"):
    """Who asks for what. Without ``sub`` but with roles it is somebody with a valid token; with neither, nobody.

    ``with`` are further words of the model's request.
    """

    roles: list[_Name] = Field([], max_length=100)
    sub: _Name = ""
    act: _Name = ""
    obj: _Name = ""
    words: dict[_Name, _Name] = Field({}, alias="with", max_length=50)

    def asked(self, act: str | None, obj: str | None) -> dict[str, Any]:
        """As :func:`app.console.answers.explain` takes it, for a model with these words for method and path."""
        named = {word: value for word, value in ((act, self.act), (obj, self.obj)) if word and value}
        return {"roles": self.roles, "sub": self.sub, "words": {**named, **self.words}}


class Explain(Question):
    """A question, or a ``decision_id`` of a recent decision, which is then asked again as it was recorded."""

    decision_id: Annotated[Text, Field(max_length=100)] = ""


class Draft(BaseModel, extra="forbid"):
    """What would stand in the policy file, and in the model where that changes, too.

    ``questions`` are answered by the document in force and by the draft.
    """

    policy: Text
    model: Text | None = None
    questions: list[Question] = Field([], max_length=50)


@router.get("", summary="The document in force", responses=ANSWERS)
async def document(request: Request) -> Response:
    """Its revision, its text, the words of its model, its policy tests, and for each name its rules and links."""
    return await _answered(request, "document", keep=True)


@router.get(
    "/matrix",
    summary="Who can do what",
    responses=ANSWERS | {200: {"content": {"text/csv": {}}, "description": "As `rbac matrix` shows it"}},
)
async def matrix(
    request: Request, shape: Annotated[Literal["json", "csv"], Query(alias="format")] = "json"
) -> Response:
    """Every role and every person whom the document names, against every endpoint of the service."""
    if shape == "csv":
        return await _answered(request, "matrix.csv", keep=True, media_type="text/csv; charset=utf-8")
    return await _answered(request, "matrix", keep=True)


@router.post(
    "/explain",
    summary="Why a request is allowed or refused",
    responses=ANSWERS | {404: {"description": "No recent decision has this id"}},
)
async def explain(request: Request, asked: Explain) -> Response:
    """The deciding rule with the lines around it and the way to its role, or the rules that were nearly met."""
    checkpoint = checkpoint_of(request)
    if asked.decision_id:
        line = await _recorded(checkpoint, asked.decision_id)
        if line is None:
            raise HTTPException(
                404, "No recent decision of this worker has this id. The decision log has older ones."
            )
        return await _answered(request, "explain-recorded", line=line)
    shape = checkpoint.terms.shape
    return await _answered(request, "explain", **asked.asked(shape.act, shape.obj))


@router.post("/draft", summary="What a draft would change", responses=ANSWERS)
async def draft(request: Request, asked: Draft) -> Response:
    """Its problems, the policy tests it fails, whose access changes, and which recent decisions would come out otherwise.

    Nothing is saved. Drafts are worked out one after the other, beside the service.
    """
    checkpoint = checkpoint_of(request)
    shape = checkpoint.terms.shape
    lines = b"".join((await _recent(checkpoint))[1]).decode("ascii")
    via = ["http"] if checkpoint.settings.pdp_document else ["http", "authzen"]
    drafted: dict[str, Any] = {"policy": asked.policy, "model": asked.model}
    questions = [one.asked(shape.act, shape.obj) for one in asked.questions]
    drafts = checkpoint.service.drafts
    found = await asked_of(drafts, "draft", **drafted, questions=questions, lines=lines, via=via)
    told = orjson.loads(found) | {"diff": None}
    if told["readable"]:
        try:
            difference = await drafts.answer("draft-difference", limit=DIFFERENCE_S, **drafted)
            told["diff"] = orjson.Fragment(difference)
        except (BusyError, GivenUpError, NotAnsweredError) as error:
            told["diff"] = {"complete": False, "notes": [f"what it changes is not known: {error}"]}
    return Response(orjson.dumps(told), headers=PRIVATE, media_type="application/json")


@router.get(
    "/decisions",
    summary="Recent decisions",
    responses={
        200: {
            "description": "Lines of the decision log, the oldest first; with `Accept: text/event-stream` as they come",
            "content": {"application/json": {}, "text/event-stream": {}},
        },
        429: {"description": "Too many viewers follow the decisions already"},
    },
)
async def decisions(
    request: Request,
    accept: Annotated[str, Header()] = "*/*",
    limit: Annotated[int, Query(ge=0, le=500)] = 200,
) -> Response:
    """What this worker decided lately, as the decision log has it: no token, no e-mail address, no query string.

    ``complete`` is false where other workers decide, too.
    """
    checkpoint = checkpoint_of(request)
    number, lines = await _recent(checkpoint)
    if "text/event-stream" in accept:
        if checkpoint.service.streams.full:
            raise HTTPException(429, headers={"Retry-After": "30"})
        kept = min(limit, len(lines))
        events = checkpoint.service.streams.events(
            checkpoint, request.scope, request.scope.get(PRINCIPAL), number - kept
        )
        return StreamingResponse(
            events, headers=PRIVATE | {"X-Accel-Buffering": "no"}, media_type="text/event-stream"
        )
    body = {
        "complete": checkpoint.settings.workers == 1 and number == len(lines),
        "decisions": [orjson.Fragment(line) for line in lines[len(lines) - min(limit, len(lines)) :]],
    }
    return Response(orjson.dumps(body), headers=PRIVATE, media_type="application/json")


class PolicyStatus(BaseModel):
    """``refused`` says why a newer document is not in force. ``unused`` are rules that decided nothing yet; ``hour`` has
    sixty minutes of answers. ``version`` is the number of the document in a store that counts, else 0. ``complete`` is
    false where this is one of several workers: counts and decisions are its own.
    """

    revision: str
    loaded_at: float
    age_seconds: float
    checking: bool
    last_good: bool
    gate: str
    store: str
    version: int
    tests: int
    held: int
    warnings: list[dict[str, object]]
    refused: list[dict[str, object]]
    reloads: int
    refusals: int
    keys: dict[str, Any]
    decision_log: dict[str, Any]
    shadow: dict[str, Any] | None
    service: dict[str, Any]
    hour: list[dict[str, int]]
    unused: dict[str, Any]
    complete: bool


@router.get("/status", summary="How the policy is doing")
async def status(request: Request) -> PolicyStatus:
    """What is in force and since when, what was refused and why, the issuer's keys, the decision log, and the last hour."""
    checkpoint = checkpoint_of(request)
    live, settings, log = checkpoint.live, checkpoint.settings, checkpoint.log
    keys, policy, tested = checkpoint.service.authenticator, live.policy, live.tested
    writer, shadow = log.writer, checkpoint.service.shadow
    return PolicyStatus(
        revision=policy.revision,
        loaded_at=live.loaded_at,
        age_seconds=max(0.0, time.time() - live.loaded_at),
        checking=live.checking,
        last_good=live.last_good,
        gate=settings.policy_gate,
        store="file" if settings.reads_files else "postgresql",
        version=live.version,
        tests=0 if tested is None else tested.tests,
        held=0 if tested is None else tested.held,
        warnings=_told(live.warnings),
        refused=_told(live.problems),
        reloads=live.reloads,
        refusals=live.refused,
        keys={"known": keys.keys_known, "fresh": keys.last_fetch_ok, "age_seconds": keys.keys_age},
        decision_log={
            "to": _log_place(settings.decision_log),
            "failing": writer.failing,
            "pending": log.pending,
            "written": writer.written,
            "lost": writer.lost,
        },
        shadow=None
        if shadow is None
        else {
            "revision": None if shadow.policy is None else shadow.policy.revision,
            "compared": shadow.compared,
            "granted": shadow.granted,
            "revoked": shadow.revoked,
        },
        service={
            "version": settings.api_version,
            "environment": settings.environment,
            "workers": settings.workers,
        },
        hour=checkpoint.service.tally.hour(),
        unused=await asyncio.to_thread(checkpoint.service.tally.unused, policy),
        complete=settings.workers == 1,
    )


_MOST_PROBLEMS = 100


def _told(problems: tuple[Problem, ...]) -> list[dict[str, object]]:
    return [problem.to_json() for problem in problems[:_MOST_PROBLEMS]]


def _log_place(setting: str) -> str:
    """``stdout``, ``off``, or ``file``: where it lies is nobody's business here."""
    return setting if setting in {"stdout", "off"} else "file"


async def _recent(checkpoint: ServiceCheckpoint) -> tuple[int, list[bytes]]:
    """How many lines the log has had, and the newest, up to this request; while it cannot be written, those before."""
    with suppress(DecisionLogUnavailable):
        await checkpoint.log.settle()
    return checkpoint.log.writer.since(0)


async def _recorded(checkpoint: ServiceCheckpoint, decision_id: str) -> str | None:
    """The line of a recent decision."""
    _, lines = await _recent(checkpoint)
    wanted = orjson.dumps(decision_id)
    for line in reversed(lines):
        if wanted in line and orjson.loads(line).get("decision_id") == decision_id:
            return line.decode("ascii")
    return None


async def _answered(
    request: Request, kind: str, *, keep: bool = False, media_type: str = "application/json", **asked: Any
) -> Response:
    """The answer to a question about the document in force."""
    checkpoint = checkpoint_of(request)
    body = await asked_of(checkpoint.service.questions, kind, keep=keep, **asked)
    return Response(body, headers=PRIVATE, media_type=media_type)


async def asked_of(desk: Desk, kind: str, **asked: Any) -> bytes:
    """The answer of ``desk``, or the problem that it has with the question."""
    try:
        return await desk.answer(kind, **asked)
    except BusyError as error:
        raise HTTPException(429, headers={"Retry-After": "5"}) from error
    except NotAnsweredError as error:
        raise HTTPException(409, str(error)) from error
    except GivenUpError as error:
        raise HTTPException(422, str(error)) from error
