"""The numbers of one worker, counted in the decision log's thread, a batch at a time, and not in requests."""

import threading
import time
from bisect import bisect_right
from collections import Counter as Tally
from collections.abc import Callable, Sequence
from math import isinf
from typing import TYPE_CHECKING, get_args

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from app.decision_point.shadow import Shadow
from app.metrics.sampled import SAMPLED, Sampled, Watched
from app.metrics.shared import exposition
from app.server.listener import Listener, ListenerReason
from rbac import Decision, LivePolicy
from rbac.decision import Reason
from rbac.decision_log.buffer import DecisionLog
from rbac.decision_log.record import NO_TOKEN, REMEMBERED, Decided, Record, Rejected, Via
from rbac.guard.http.connections import Connections
from rbac.revocations.live import LiveRevocations

if TYPE_CHECKING:
    from rbac.guard.issuers.authenticator import Authenticator  # loaded at the start: see app.lifespan

_NOT_VERIFIED = frozenset({NO_TOKEN, REMEMBERED})
_MICROSECONDS = (5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 100_000, 1_000_000)
_LAGS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_BUCKETS = tuple(each / 1_000_000 for each in _MICROSECONDS)

# There from the start: an alarm for what grew does not see a series that begins with 1.
_ALARMING = ("internal_error", "keys_unavailable", "decision_log_unavailable")

prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]  # the library does not annotate it


class _Durations(Histogram):
    """A histogram that takes many observations at once."""

    def observe_all(self, nanoseconds: Sequence[int]) -> None:
        """As if each were observed, in seconds."""
        self._sum.inc(sum(nanoseconds) / 1_000_000_000)
        ordered = sorted(nanoseconds)
        counted = 0
        for bucket, bound in zip(self._buckets, self._upper_bounds, strict=True):
            within = bisect_right(ordered, bound if isinf(bound) else round(bound * 1_000_000_000))
            if within > counted:
                bucket.inc(within - counted)
                counted = within


class _Total:
    """A counter that follows a number which somebody else counts."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._last = 0.0

    def follow(self, number: float) -> None:
        """Adds what ``number`` grew by; one that became smaller begins anew."""
        self._counter.inc(number - self._last if number >= self._last else number)
        self._last = number


class Metrics:
    """The numbers of one worker: ``count`` takes batches of records, ``sample`` looks at what counts by itself."""

    def __init__(self) -> None:
        self._sampling = threading.Lock()
        self._watched: Watched | None = None
        self.registry = CollectorRegistry()
        self._decisions = self._counter("decisions", "Decisions taken.", "via", "result", "reason")
        self._rejections = self._counter("rejections", "Answers that no decision led to.", "reason")
        self._decision_time = self._durations("decision", "Authentication and decision together.", "via")
        self._verification_time = self._durations(
            "token_verification", "Verification of a token not yet known."
        )
        self._tokens = self._counter("tokens", "Tokens presented.", "result")
        self._differences = self._counter(
            "shadow_differences", "Decisions that the shadow policy changes.", "change"
        )
        self._limited = self._counter("limited", "Requests and connections beyond a limit.", "reason")
        self._limits = {reason: _Total(self._limited.labels(reason)) for reason in get_args(ListenerReason)}
        self._sampled = {row.name: self._told(row) for row in SAMPLED}
        self.loop_lag = Histogram(
            "sekisho_event_loop_lag_seconds",
            "How much too late the event loop got to what was due.",
            buckets=_LAGS,
            registry=self.registry,
        )
        self._begin_at_zero()

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"sekisho_{name}", text, labels, registry=self.registry)

    def _durations(self, name: str, text: str, *labels: str) -> _Durations:
        return _Durations(f"sekisho_{name}_seconds", text, labels, buckets=_BUCKETS, registry=self.registry)

    def _told(self, row: Sampled) -> Callable[[float], None]:
        """What is told each number of ``row``."""
        if row.how == "total":
            return _Total(self._counter(row.name, row.text)).follow
        return Gauge(f"sekisho_{row.name}", row.text, registry=self.registry, multiprocess_mode=row.how).set

    def _begin_at_zero(self) -> None:
        """What an alarm or a panel looks for is there before it first happens."""
        for change in ("granted", "revoked"):
            self._differences.labels(change)
        for reason in _ALARMING:
            self._rejections.labels(reason)

    def _turned_away(self, reason: str) -> _Total:
        if reason not in self._limits:
            self._limits[reason] = _Total(self._limited.labels(reason))
        return self._limits[reason]

    def watch(
        self,
        *,
        live: LivePolicy,
        authenticator: "Authenticator",
        log: DecisionLog,
        shadow: Shadow | None,
        listener: Listener,
        revocations: LiveRevocations,
        connections: Connections | None,
    ) -> None:
        """What :meth:`sample` looks at."""
        began = time.monotonic()
        self._watched = Watched(live, authenticator, log, shadow, listener, revocations, connections, began)

    def count(self, records: Sequence[Record], shadows: Sequence[Decision] = ()) -> None:
        """Counts what one batch of records says, and the decisions of the shadow policy that came out differently."""
        decisions: dict[tuple[Via, bool, Reason], list[int]] = {}
        for each in records:
            if type(each) is Decided:
                allowed, _, reason, _ = each.ruling.decision
                spent = decisions.get((each.via, allowed, reason))
                if spent is None:
                    spent = decisions[each.via, allowed, reason] = []
                spent.append(each.duration_ns)
        times: dict[Via, list[int]] = {}
        for (via, allowed, reason), spent in decisions.items():
            self._decisions.labels(via, "allow" if allowed else "deny", reason).inc(len(spent))
            times.setdefault(via, []).extend(spent)
        for via, spent in times.items():
            self._decision_time.labels(via).observe_all(spent)
        if sum(map(len, times.values())) < len(records):
            rejections = Tally(each.reason for each in records if isinstance(each, Rejected))
            for cause, number in rejections.items():
                self._rejections.labels(cause).inc(number)
        for allowed, number in Tally(shadow.allowed for shadow in shadows).items():
            self._differences.labels("granted" if allowed else "revoked").inc(number)
        self._count_tokens(records)

    def _count_tokens(self, records: Sequence[Record]) -> None:
        times = Tally([each.verification_ns for each in records])
        del times[NO_TOKEN]
        remembered = times.pop(REMEMBERED, 0)
        if remembered:
            self._tokens.labels("remembered").inc(remembered)
        if not times:
            return
        taken = [each for each in records if each.verification_ns not in _NOT_VERIFIED]
        for refused, number in Tally(isinstance(each, Rejected) for each in taken).items():
            self._tokens.labels("refused" if refused else "verified").inc(number)
        self._verification_time.observe_all([each.verification_ns for each in taken])

    def sample(self) -> None:
        """Takes over the numbers of everything that counts by itself. May be called from any thread."""
        if self._watched is None:
            return
        with self._sampling:
            for row in SAMPLED:
                number = row.read(self._watched)
                if number is not None:
                    self._sampled[row.name](number)
            for reason, number in list(self._watched.listener.refused.items()):
                self._turned_away(reason).follow(number)

    def exposition(self) -> bytes:
        """The text that Prometheus reads: of all workers that share a directory, or of this one."""
        self.sample()
        return exposition(self.registry)
