"""The service's checkpoint: the guard's, and what else the service is made of, with one owner and one life."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.requests import HTTPConnection

from app.config import Settings
from app.console.desk import Desk
from app.console.stream import Streams
from app.console.tally import Tally
from app.decision_point.shadow import Shadow
from app.documents import Documents, HeadStart
from app.metrics import Metrics
from app.server.listener import Listener
from rbac.decision_log.buffer import DecisionLog
from rbac.guard.checkpoint import Checkpoint
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


def checkpoint_of(connection: HTTPConnection) -> ServiceCheckpoint:
    """The checkpoint of the service that a request came to."""
    checkpoint: ServiceCheckpoint = connection.app.state.checkpoint
    return checkpoint
