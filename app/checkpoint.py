"""The service's checkpoint: the guard's, and what else the service is made of, with one owner and one life."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from time import perf_counter_ns, time_ns
from typing import TYPE_CHECKING

from starlette.requests import HTTPConnection
from starlette.types import Scope

from app.config import Settings
from app.console.desk import Desk
from app.console.stream import Streams
from app.console.tally import Tally
from app.decision_point.shadow import Shadow
from app.documents import Documents, HeadStart
from app.metrics import Metrics
from app.server.listener import Listener
from rbac.decision_log.buffer import DecisionLog
from rbac.decision_log.record import NO_TOKEN, Decided, Via
from rbac.decision_log.ruling import Ruling, Subject
from rbac.guard.checkpoint import Checkpoint
from rbac.guard.http.request_id import new_ids, request_id_var
from rbac.guard.http.trace_context import trace_var
from rbac.guard.http.turns import Turns
from rbac.guard.permissions import PermissionLists
from rbac.routes import KnownRoutes

if TYPE_CHECKING:
    from app.console.archive import Archive
    from rbac.guard.issuers.authenticator import Authenticator  # loaded at the start: see app.lifespan

# INVARIANT: whoever watches over the service is answered however the decision log fares. Decided and recorded like
# every other request, these never wait for their record.
WATCHED = frozenset({"/healthz", "/readyz", "/metrics"})


@dataclass(frozen=True, slots=True)
class ServiceParts:
    """What the service is made of besides its checkpoint's parts."""

    documents: Documents
    authenticator: "Authenticator"
    routes: KnownRoutes
    metrics: Metrics
    listener: Listener
    shadow: Shadow | None
    tally: Tally
    questions: Desk
    drafts: Desk
    archive: "Archive | None"
    turns: Turns
    permissions: PermissionLists
    streams: Streams


class ServiceCheckpoint(Checkpoint):
    """Knows who is calling and decides what they may do.

    The application's lifespan opens it and gives it ``service`` before the server routes the first request; they exist
    from then on. ``head_start`` is what whoever starts the application knows already.
    """

    head_start: HeadStart | None = None
    service: ServiceParts
    log: DecisionLog

    @property
    def settings(self) -> Settings:
        """What the service was started with."""
        return self.service.documents.settings

    def record_each(
        self,
        scope: Scope,
        rulings: Sequence[Ruling],
        asked: Iterable[tuple[Subject, str, str]],
        taken: Iterable[int],
        spent: Iterable[int],
        *,
        via: Via,
        most: int,
    ) -> list[str]:
        """Records several decisions in one go, as :meth:`record` does each of them; their ids, of those that are recorded:
        up to the first by which the records are more than ``most`` bytes.

        ``asked`` says of each whom it is about, and what they would do to what. ``taken`` is the ``perf_counter_ns()`` when
        it was decided, and ``spent`` the nanoseconds that it took.
        """
        ids = new_ids(len(rulings))
        request_id, trace = request_id_var.get(), trace_var.get()
        client = scope.get("client")
        host = client[0] if client else ""
        since_1970 = time_ns() - perf_counter_ns()
        new = tuple.__new__  # what a NamedTuple's own function comes to
        records = [
            new(
                Decided,
                (since_1970 + at, each, request_id, who, ruling, act, obj, host, via, ns, NO_TOKEN, trace),
            )
            for each, ruling, (who, act, obj), at, ns in zip(ids, rulings, asked, taken, spent, strict=False)
        ]
        return ids[: self.log.record_each(records, most)]


def checkpoint_of(connection: HTTPConnection) -> ServiceCheckpoint:
    """The checkpoint of the service that a request came to."""
    checkpoint: ServiceCheckpoint = connection.app.state.checkpoint
    return checkpoint
