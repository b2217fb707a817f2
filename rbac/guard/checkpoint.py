"""The checkpoint: what a request is judged by, and what is kept of each judgement. One owner, one life."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext
from dataclasses import dataclass, field
from time import perf_counter_ns, time_ns
from typing import ClassVar, Protocol, Self

from rbac.decision_log.record import NO_TOKEN, Decided, Record, Rejected, Via
from rbac.decision_log.ruling import Ruling, Subject
from rbac.errors import EvaluationError, RbacError
from rbac.guard.http import BEARER, SchemeChallenge
from rbac.guard.http.asgi import Scope
from rbac.guard.http.connections import Connections
from rbac.guard.http.request_id import new_id, request_id_var
from rbac.guard.http.trace_context import trace_var
from rbac.guard.identity.principal import Principal
from rbac.guard.identity.recognition import Recognition
from rbac.guard.request_words import RequestWords
from rbac.live import LivePolicy
from rbac.model.request_shape import RequestShape
from rbac.policy import Policy


class RecordKeeper(AbstractAsyncContextManager[object], Protocol):
    """Where records go: a :class:`rbac.decision_log.buffer.DecisionLog`, or :class:`Unrecorded`."""

    @property
    def required(self) -> bool: ...

    @property
    def waits(self) -> bool: ...

    @property
    def refusing(self) -> bool: ...

    def record(self, record: Record) -> None: ...

    async def settle(self) -> None: ...


class Unrecorded(nullcontext[None]):
    """Keeps nothing, where nobody asked for a decision log."""

    required = waits = refusing = False

    def record(self, record: Record) -> None:
        """Forgets it."""

    async def settle(self) -> None:
        """Has nothing to wait for."""


class SubjectIsRole(RbacError):  # noqa: N818 - a reason
    """A ``sub`` that the policy would take for a role: Casbin makes no difference between the two."""

    code: ClassVar[str] = "subject_is_role"

    def __init__(self, sub: str) -> None:
        super().__init__(f"the policy names the subject `{sub}` as a role")


RequestRule = Callable[[str, str, Scope, Principal | None], Ruling]
"""Decides a request by its path, its method, its scope and its caller."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What one document is asked by, worked out once for each.

    ``roles_by_sub`` are the roles that a ``sub`` would be taken for. ``decides`` says whether a request by itself is
    asked about. ``rule`` decides one, however many roles are asked about, and by both halves where somebody calls
    through a program.
    """

    policy: Policy
    words: RequestWords
    shape: RequestShape
    roles_by_sub: frozenset[str]
    decides: bool
    rule: RequestRule = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rule", _ruling_by(self.policy, self.words))

    @classmethod
    def of(cls, policy: Policy, words: RequestWords) -> "Terms":
        """What ``policy`` is asked by where requests fill its words as ``words`` say."""
        return cls(policy, words, policy.document.definition.shape, policy.roles_by_sub, words.decides)


def _ruling_by(policy: Policy, asked: RequestWords) -> RequestRule:
    """What decides requests by ``policy``: one function, because every call on a request's way counts."""
    read, place, decide = asked.read, asked.role_index, policy.decide_request
    new = tuple.__new__  # what a NamedTuple's own function comes to

    def rule(path: str, method: str, scope: Scope, principal: Principal | None) -> Ruling:
        words = read(path, method, scope, principal)
        if principal is None or (len(principal.roles) < 2 and principal.through is None):
            try:
                return new(Ruling, (decide(words), words, policy, None, None))
            except EvaluationError as error:
                return Ruling.denied(policy, words, place, error)
        ruling = Ruling.of_caller(policy, words, place, principal.roles)
        if principal.through is None:
            return ruling
        # INVARIANT: this does not hold itself: what a reload replaces is out of the collector's sight (rbac.background).
        other = _ruling_by(policy, asked)(path, method, scope, principal.through)
        return ruling.bounded_by(other, principal.through)

    return rule


def asked_of(
    terms: Terms, given: Mapping[str, str], scope: Scope | None, principal: Principal | None
) -> Ruling:
    """What is decided about a question of an endpoint's own, without a record. Raises as :meth:`Checkpoint.ask` does."""
    words, place = terms.words.filled(given, scope, principal)
    if principal is None:
        return Ruling.of_caller(terms.policy, words, place, ())
    if principal.sub in terms.roles_by_sub:
        return Ruling.denied(terms.policy, words, place, SubjectIsRole(principal.sub))
    ruling = Ruling.of_caller(terms.policy, words, place, principal.roles)
    if principal.through is None:
        return ruling
    return ruling.bounded_by(asked_of(terms, given, scope, principal.through), principal.through)


class Checkpoint:
    """Decides what callers may do, and records it.

    Whoever owns it gives it its parts and opens it before the first request is routed.
    """

    recognition: Recognition
    live: LivePolicy
    log: RecordKeeper
    explain_denials: bool
    watched: frozenset[str]
    challenge: SchemeChallenge
    connections: Connections | None
    _words: Callable[[Policy], RequestWords]
    latest: Terms | None = None
    """The terms that were worked out last: those in force as long as their policy is."""
    _opened: AsyncExitStack

    def take_up(
        self,
        live: LivePolicy,
        recognition: Recognition,
        words: Callable[[Policy], RequestWords],
        *,
        log: RecordKeeper | None = None,
        explain_denials: bool = False,
        watched: frozenset[str] = frozenset(),
        challenge: SchemeChallenge = BEARER,
    ) -> None:
        """Takes up its parts, none of which is begun by that.

        ``words`` says how a request fills the words of a policy's model. ``watched`` are paths that are answered however
        the decision log fares: decided and recorded like every other, they never wait for their record.
        ``explain_denials``: a 403 says which roles and rules it comes from. ``challenge`` is what a 401 asks for.
        """
        self.live = live
        self.recognition = recognition
        self._words = words
        self.log = log or Unrecorded()
        self.explain_denials = explain_denials
        self.watched = watched
        self.challenge = challenge
        self.connections = None
        revocations = recognition.revocations
        if revocations is not None:
            self.connections = Connections(lambda: revocations.table)
            revocations.on_swap = self.connections.revoke

    async def open(self) -> None:
        """Begins to record, to watch policy and revocations, and to fetch keys, in the event loop that is running."""
        async with AsyncExitStack() as stack:
            for part in (self.log, self.recognition, self.live):
                await stack.enter_async_context(part)
            self._opened = stack.pop_all()

    async def close(self) -> None:
        """Ends what :meth:`open` began, records last. It may be opened again."""
        await self._opened.aclose()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def terms(self) -> Terms:
        """The policy that decides now, and what it is asked by: read it once for each request.

        INVARIANT: a reload may bring another model, with other words or in another order. Nothing that was worked out
        for one document is used with the next.
        """
        policy = self.live.policy
        terms = self.latest
        if terms is None or terms.policy is not policy:
            terms = self.latest = Terms.of(policy, self._words(policy))
        return terms

    def ask(
        self, given: Mapping[str, str], principal: Principal | None, scope: Scope | None = None
    ) -> tuple[Ruling, str]:
        """Decides a question of an endpoint's own, and records it; with the id of the decision.

        ``given`` are words of the model's request, before those that the request in ``scope`` fills. Raises
        :class:`rbac.RequestError` where they do not make the question whole.
        """
        started = perf_counter_ns()
        terms = self.terms
        ruling = asked_of(terms, given, scope, principal)
        words = ruling.words
        asked = dict(zip(terms.policy.words, words, strict=True))
        shape = terms.shape
        act, obj = asked.get(shape.act or "", ""), asked.get(shape.obj or "", "")
        return ruling, self.record(scope or {}, ruling, principal, act, obj, started=started)

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

        ``who`` is whom the question is about: the caller, or :class:`Asked` where another program asks.
        ``act`` and ``obj`` are what they would do, in the question's own terms, and ``started`` is the
        ``perf_counter_ns()`` from before the deciding. Never waits: await :meth:`recorded` once, after the last record
        and before the answer.
        """
        decision_id = new_id()
        client = scope.get("client")
        record = (
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
            trace_var.get(),
        )
        self.log.record(tuple.__new__(Decided, record))  # as `Decided` does it: a call less in every request
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
                trace_var.get(),
            )
        )

    async def recorded(self) -> None:
        """Returns when what was recorded may be answered: at once, unless the buffer is full or records are required.

        Raises :class:`DecisionLogUnavailable`, which is answered 503, where an answer without a record must not be.
        """
        if self.log.waits:
            await self.log.settle()
