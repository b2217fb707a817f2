"""Probes: alive, and ready for traffic."""

from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from app.checkpoint import checkpoint_of
from rbac import LivePolicy
from rbac.stores import DistantStore

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


class StoreHealth(BaseModel):
    """The database that the document comes from: ``version`` is in force here, ``newest`` the newest version heard of, and
    ``behind`` how many lie between. ``heard_seconds`` ago it answered (null: never); ``reachable`` is false while it
    does not."""

    version: int
    newest: int
    behind: int
    heard_seconds: float | None
    reachable: bool


class RevocationsState(BaseModel):
    """``rows`` are in force; ``current`` is false while newer ones are refused and these stay. ``last_good``: this worker
    started on the ones that ``POLICY_CACHE`` keeps."""

    rows: int
    current: bool
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
    revocations: RevocationsState
    decision_log: DecisionLogState
    store: StoreHealth | None = None


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
    that was refused changes nothing, and neither does a database that does not answer: the last good one goes on deciding.
    """
    checkpoint = checkpoint_of(request)
    live, keys, log = checkpoint.live, checkpoint.service.authenticator, checkpoint.log
    revocations = checkpoint.service.documents.revocations
    stopping = checkpoint.service.listener.draining
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
        revocations=RevocationsState(
            rows=revocations.table.rows,
            current=not revocations.problems,
            problems=len(revocations.problems),
            last_good=revocations.last_good,
        ),
        keys=KeysState(known=keys.keys_known, fresh=keys.last_fetch_ok),
        decision_log=DecisionLogState(failing=log.writer.failing, pending=log.pending),
        store=_store_state(live),
    )


def _store_state(live: LivePolicy) -> StoreHealth | None:
    if not isinstance(live.store, DistantStore):
        return None
    heard = live.store.state
    return StoreHealth(
        version=live.version,
        newest=heard.newest,
        behind=max(0, heard.newest - live.version),
        heard_seconds=None if heard.heard_s is None else round(heard.heard_s, 3),
        reachable=heard.reachable,
    )
