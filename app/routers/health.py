"""Probes: alive, and ready for traffic."""

from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from app.checkpoint import Checkpoint

router = APIRouter(tags=["health"])


class Health(BaseModel):
    status: Literal["ok"] = "ok"


class PolicyState(BaseModel):
    """``current`` is false while a newer document has been refused and the last good one goes on deciding; ``checking``
    is true while a newer one is being judged, of which nothing is said yet. ``last_good``: this worker
    started on the last good one, as ``POLICY_CACHE`` keeps it."""

    revision: str
    current: bool
    checking: bool
    problems: int
    last_good: bool


class KeysState(BaseModel):
    """``known`` while there are keys that may be trusted; ``fresh`` while the last fetch of them worked."""

    known: bool
    fresh: bool


class DecisionLogState(BaseModel):
    """``failing`` while lines cannot be written; ``pending`` records are waiting."""

    failing: bool
    pending: int


class Readiness(BaseModel):
    status: Literal["ready", "not ready", "stopping"]
    policy: PolicyState
    keys: KeysState
    decision_log: DecisionLogState


@router.get("/healthz", summary="Alive")
async def healthz() -> Health:
    """The process answers."""
    return Health()


@router.get(
    "/readyz", summary="Ready for traffic", responses={503: {"description": "Not ready", "model": Readiness}}
)
async def readyz(request: Request, response: Response) -> Readiness:
    """Whether a policy is loaded, the issuer's keys are known, and decisions can be recorded where they must be.

    From the beginning of a stop on it is not, though everything is answered for ``SHUTDOWN_DELAY``. A newer document
    that was refused changes nothing.
    """
    checkpoint: Checkpoint = request.app.state.checkpoint
    live, keys, log = checkpoint.live, checkpoint.authenticator, checkpoint.log
    stopping = checkpoint.listener.draining
    ready = keys.keys_known and not log.refusing and not stopping
    if not ready:
        response.status_code = 503
    return Readiness(
        status="ready" if ready else "stopping" if stopping else "not ready",
        policy=PolicyState(
            revision=live.policy.revision,
            current=not live.problems,
            checking=live.checking,
            problems=len(live.problems),
            last_good=live.last_good,
        ),
        keys=KeysState(known=keys.keys_known, fresh=keys.last_fetch_ok),
        decision_log=DecisionLogState(failing=log.writer.failing, pending=log.pending),
    )
