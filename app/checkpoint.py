"""The checkpoint: everything that stands between a request and its endpoint, with one owner and one life."""

from dataclasses import dataclass
from time import perf_counter_ns, time_ns

from starlette.types import Scope

from app.auth.principal import Principal
from app.auth.tokens import Authenticator
from app.config import Settings
from app.decision_log import DecisionLog
from app.decision_point import DecisionPoint
from app.decision_record import NO_TOKEN, Decided, Rejected, Via
from app.metrics import Metrics
from app.pdp_request import PdpRequest
from app.request_id import new_id, request_id_var
from app.request_words import RequestWords
from app.ruling import Ruling, Subject, made
from app.server.listener import Listener
from app.shadow import Shadow
from app.turns import Turns
from rbac import LivePolicy, Policy
from rbac.asking import roles_by_sub
from rbac.routes import KnownRoutes

# INVARIANT: whoever watches over the service is answered however the decision log fares. Decided and recorded like
# every other request, these never wait for their record.
WATCHED = frozenset({"/healthz", "/readyz", "/metrics"})


@dataclass(frozen=True, slots=True)
class Parts:
    """What a checkpoint is made of."""

    settings: Settings
    authenticator: Authenticator
    live: LivePolicy
    words: RequestWords
    routes: KnownRoutes
    log: DecisionLog
    metrics: Metrics
    listener: Listener
    shadow: Shadow | None
    decision_point: DecisionPoint
    pdp_request: PdpRequest
    proxy_point: DecisionPoint | None


class Checkpoint:
    """Knows who is calling and decides what they may do.

    The application's lifespan opens it before the server routes the first request; its parts exist from then on.
    """

    settings: Settings
    authenticator: Authenticator
    live: LivePolicy
    words: RequestWords
    routes: KnownRoutes
    log: DecisionLog
    metrics: Metrics
    listener: Listener
    shadow: Shadow | None
    decision_point: DecisionPoint
    pdp_request: PdpRequest
    proxy_point: DecisionPoint | None
    turns: Turns
    _roles_by_sub: tuple[Policy | None, frozenset[str]] = (None, frozenset())

    def open(self, parts: Parts) -> None:
        """Takes up its parts."""
        self.settings = parts.settings
        self.authenticator = parts.authenticator
        self.live = parts.live
        self.words = parts.words
        self.routes = parts.routes
        self.log = parts.log
        self.metrics = parts.metrics
        self.listener = parts.listener
        self.shadow = parts.shadow
        self.decision_point = parts.decision_point
        self.pdp_request = parts.pdp_request
        self.proxy_point = parts.proxy_point
        self.turns = Turns()

    @property
    def roles_by_sub(self) -> frozenset[str]:
        """The roles of the live document that a ``sub`` would be taken for; worked out once a document."""
        policy = self.live.policy
        if self._roles_by_sub[0] is not policy:
            self._roles_by_sub = (policy, roles_by_sub(policy))
        return self._roles_by_sub[1]

    def rule(self, path: str, method: str, scope: Scope, principal: Principal | None) -> Ruling:
        """Decides one request by the document that is live now: one document, however many roles are asked about."""
        asked = self.words
        words = asked.read(path, method, scope, principal)
        roles = principal.roles if principal is not None else ()
        return Ruling.of_caller(self.live.policy, words, asked.role_index, roles)

    def record(
        self,
        scope: Scope,
        ruling: Ruling,
        who: Subject | None,
        act: str,
        obj: str,
        *,
        started: int,
        via: Via = "http",
        verification_ns: int = NO_TOKEN,
    ) -> str:
        """Records one decision; its id, which the answer carries where it names one.

        ``who`` is whom the question is about: the caller, or :class:`app.ruling.Asked` where another program asks.
        ``act`` and ``obj`` are what they would do, in the question's own terms, and ``started`` is the
        ``perf_counter_ns()`` from before the deciding. Never waits: await :meth:`recorded` once, after the last record
        and before the answer.
        """
        decision_id = new_id()
        client = scope.get("client")
        decided = (
            time_ns(),
            decision_id,
            request_id_var.get(),
            who,
            ruling,
            act,
            obj,
            client[0] if client else "",
            via,
            perf_counter_ns() - started,
            verification_ns,
        )
        self.log.record(made(Decided, decided))
        return decision_id

    def reject(
        self,
        scope: Scope,
        reason: str,
        status: int,
        act: str,
        obj: str,
        *,
        started: int,
        via: Via = "http",
        verification_ns: int = NO_TOKEN,
    ) -> None:
        """Records an answer that no decision led to. ``reason`` is one of a few codes, never a caller's text."""
        client = scope.get("client")
        self.log.record(
            Rejected(
                time_ns(),
                request_id_var.get(),
                reason,
                status,
                act,
                obj,
                client[0] if client else "",
                via,
                perf_counter_ns() - started,
                verification_ns,
            )
        )

    async def recorded(self) -> None:
        """Returns when what was recorded may be answered: at once, unless the buffer is full or records are required.

        Raises :class:`app.decision_log.DecisionLogUnavailable`, which is answered 503, where an answer without a record
        must not be.
        """
        if self.log.waits:
            await self.log.settle()
