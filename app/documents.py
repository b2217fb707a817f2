"""What the service decides by, loaded for its start: its own policy, those of others, and who was sent away.

A process that loaded it hands it on to the application that it serves, or its judgement to the workers that it starts.
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256

from app.config import Settings
from app.decision_point.document import decision_point, own_document
from app.decision_point.entities import EntitiesError
from app.decision_point.point import DecisionPoint
from app.decision_point.words import PdpRequest, PdpRequestError
from app.policy_gate import left_in_file, live_policy, live_revocations, proxy_policy
from app.start_error import StartError
from rbac import LivePolicy, PolicyError
from rbac.model.own_functions import FunctionsError
from rbac.reloading.judging import Approval, Judgement, not_yet
from rbac.revocations.live import LiveRevocations
from rbac.routes import KnownRoutes
from rbac.stores import Snapshot

log = logging.getLogger("app.start")

_OWN = "policy"
_POINT = "decision point's policy"
_PROXIES = "policy of the servers behind a proxy"
_CARRIED = 50
# What is found when rules and tests name paths that the application does not have.
_ELSEWHERE = frozenset({"rule-without-route", "test-unknown-path"})


@dataclass(frozen=True, slots=True)
class Judgements:
    """What the gates said in ``circumstances``: of each document by its name.

    A worker is sent it through a pipe that holds 64 KiB until it reads, so it is kept small: of many warnings, which
    were told where they were found, the first 50.
    """

    circumstances: str = ""
    by_name: Mapping[str, tuple[object, Judgement]] = field(default_factory=dict)

    def of(self, name: str, circumstances: str) -> Approval:
        """What was said of the document called ``name``, where nothing that it hangs on is another."""
        known = self.by_name.get(name)
        if known is None or circumstances != self.circumstances:
            return not_yet
        judged, judgement = known
        return lambda snapshot: judgement if _content(snapshot) == judged else None


def _content(snapshot: Snapshot) -> object:
    """What gates judge of it: all but which version it is."""
    return snapshot.digest, snapshot.passed_over


def _circumstances(settings: Settings, routes: KnownRoutes) -> str:
    """What a gate's answer hangs on besides the document."""
    return sha256(f"{settings.model_dump_json()}{routes!r}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Documents:
    """All of it, loaded and passed: ``live`` decides about the service's own requests, ``point`` for other programs,
    ``proxy_point`` for proxies (``None`` where nothing does). ``routes`` are what ``live`` was held against."""

    settings: Settings
    routes: KnownRoutes
    live: LivePolicy
    revocations: LiveRevocations
    point: DecisionPoint
    pdp_request: PdpRequest
    proxy_point: DecisionPoint | None

    @property
    def others(self) -> set[LivePolicy]:
        """The policies besides the service's own."""
        return {each.live for each in (self.point, self.proxy_point) if each is not None} - {self.live}

    def judgements(self) -> Judgements:
        """What another process at the same settings need not find out again."""
        return Judgements(_circumstances(self.settings, self.routes), dict(self._judged()))

    def _judged(self) -> Iterator[tuple[str, tuple[object, Judgement]]]:
        proxied = None if self.proxy_point is None else self.proxy_point.live
        for name, live in ((_OWN, self.live), (_POINT, self.point.live), (_PROXIES, proxied)):
            if live is not None and live.snapshot is not None:
                few = replace(live.judgement, warnings=live.warnings[:_CARRIED])
                yield name, (_content(live.snapshot), few)


HeadStart = Documents | Judgements
"""What a process that starts an application knows already of its documents."""


def documents(
    settings: Settings, routes: KnownRoutes, head_start: HeadStart | None = None, *, strictly: bool = False
) -> Documents:
    """What ``settings`` name, through its gates; as it is handed on, where it was loaded at the same settings.

    A document that is refused gives way to the one that ``POLICY_CACHE`` keeps; ``strictly``, a file does not. Raises
    :class:`StartError` with everything that is wrong.
    """
    if isinstance(head_start, Documents) and (head_start.settings, head_start.routes) == (settings, routes):
        return head_start
    known = head_start if isinstance(head_start, Judgements) else Judgements()
    return _Loading(settings, routes, known, strictly).documents()


@dataclass(frozen=True, slots=True)
class _Loading:
    settings: Settings
    routes: KnownRoutes
    known: Judgements
    strictly: bool

    def documents(self) -> Documents:
        live = self._own()
        revocations = self._revocations()
        point, pdp_request = self._point(live)
        return Documents(
            self.settings, self.routes, live, revocations, point, pdp_request, self._proxy_point(point)
        )

    def _own(self) -> LivePolicy:
        try:
            live = live_policy(self.settings, self.routes)
        except FunctionsError as error:
            raise StartError(f"cannot start: POLICY_FUNCTIONS is refused: {error}") from error
        return self._load(live, _OWN, strictly=self._strictly_own, prefix=self.settings.api_prefix)

    def _revocations(self) -> LiveRevocations:
        left = left_in_file(self.settings)
        if left and self.strictly:
            raise StartError(f"cannot start: {left}")
        if left:
            log.error("%s", left)
        live = live_revocations(self.settings)
        try:
            live.load(or_last_good=not self._strictly_own)
        except PolicyError as error:
            raise StartError(f"cannot start: the revocations are refused\n{error}") from error
        return live

    @property
    def _strictly_own(self) -> bool:
        """A database that is down keeps no replica from starting: files that are broken are somebody's edit."""
        return self.strictly and self.settings.reads_files

    def _point(self, live: LivePolicy) -> tuple[DecisionPoint, PdpRequest]:
        """What answers other programs: by ``live``, or by a document of its own."""
        own = own_document(self.settings)
        if own is not None:
            live = self._load(own, _POINT, strictly=self.strictly)
        try:
            return decision_point(self.settings, live)
        except EntitiesError as error:
            raise StartError(f"cannot start: PDP_ENTITIES is refused\n{error}") from error
        except PdpRequestError as error:
            raise StartError(
                f"cannot start: the decision point's model and PDP_REQUEST do not fit: {error}"
            ) from error

    def _proxy_point(self, point: DecisionPoint) -> DecisionPoint | None:
        """What answers proxies: a document of its own, or ``point``; ``None`` without either."""
        own = self.settings.forward_auth_document
        if own is None:
            return point
        if self.settings.forward_auth_policy is None and not own[1].exists():
            return None
        live = proxy_policy(self.settings, *own)
        return DecisionPoint(self._load(live, _PROXIES, strictly=self.strictly))

    def _load(self, live: LivePolicy, name: str, *, strictly: bool, prefix: str = "") -> LivePolicy:
        approved = self.known.of(name, _circumstances(self.settings, self.routes))
        try:
            live.load(or_last_good=not strictly, approved=approved)
        except PolicyError as error:
            count = len(error.problems)
            many = "1 problem" if count == 1 else f"{count} problems"
            reason = f"cannot start: the {name} is refused, with {many}"
            if prefix and any(problem.code in _ELSEWHERE for problem in error.problems):
                reason += f"\nAPI_PREFIX is `{prefix}`: rules and policy tests name whole paths, `{prefix}/user` for `/user`"
            raise StartError(f"{reason}\n{error}") from error
        return live
