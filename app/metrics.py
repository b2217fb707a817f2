"""What Prometheus may know of the service. Counted in the decision log's thread, a batch at a time, not in requests.

Several workers share a directory (``PROMETHEUS_MULTIPROC_DIR``), and whichever is asked answers for all of them. No
label grows with what callers send. docs/metrics.md is the list.
"""

import os
import tempfile
import threading
import time
from bisect import bisect_right
from collections import Counter as Tally
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import isinf
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from app.auth.tokens import Authenticator
from app.decision_log import DecisionLog
from app.decision_record import NO_TOKEN, REMEMBERED, Decided, Record, Rejected
from app.server.listener import Listener, Reason
from app.shadow import Shadow
from rbac import Decision, LivePolicy

SHARED_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
CONTENT_TYPE = prometheus_client.CONTENT_TYPE_LATEST

_NOT_VERIFIED = frozenset({NO_TOKEN, REMEMBERED})
_MICROSECONDS = (5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 100_000, 1_000_000)
_LAGS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_BUCKETS = tuple(each / 1_000_000 for each in _MICROSECONDS)

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
        self._told = 0

    def follow(self, number: int) -> None:
        """Adds what ``number`` grew by; one that became smaller begins anew."""
        self._counter.inc(number - self._told if number >= self._told else number)
        self._told = number


class _Watched(NamedTuple):
    """What counts by itself."""

    live: LivePolicy
    authenticator: Authenticator
    log: DecisionLog
    shadow: Shadow | None
    listener: Listener


class Metrics:
    """The numbers of one worker: ``count`` takes batches of records, ``sample`` looks at what counts by itself."""

    def __init__(self) -> None:
        self._sampling = threading.Lock()
        self._watched: _Watched | None = None
        self.registry = registry = CollectorRegistry()

        def counter(name: str, text: str, labels: Sequence[str] = ()) -> Counter:
            return Counter(f"sekisho_{name}", text, labels, registry=registry)

        def total(name: str, text: str) -> _Total:
            return _Total(counter(name, text))

        def durations(name: str, text: str, labels: Sequence[str] = ()) -> _Durations:
            return _Durations(f"sekisho_{name}", text, labels, buckets=_BUCKETS, registry=registry)

        def gauge(name: str, text: str, among: Literal["livesum", "livemin", "livemax"]) -> Gauge:
            return Gauge(f"sekisho_{name}", text, registry=registry, multiprocess_mode=among)

        self._decisions = counter("decisions", "Decisions taken.", ("via", "result", "reason"))
        self._rejections = counter("rejections", "Answers that no decision led to.", ("reason",))
        self._decision_time = durations("decision_seconds", "Authentication and decision together.", ("via",))
        self._verification_time = durations(
            "token_verification_seconds", "Verification of a token not yet known."
        )
        self._tokens = counter("tokens", "Tokens presented.", ("result",))
        self._cached = gauge("token_cache_tokens", "Verified tokens remembered.", "livesum")
        self._fetches = total("key_fetches", "Fetches of the issuer's keys begun.")
        self._fetch_failures = total("key_fetch_failures", "Fetches of the issuer's keys that failed.")
        self._keys_known = gauge("keys_known", "1 while there are keys of the issuer's to trust.", "livemin")
        self._keys_age = gauge("keys_age_seconds", "Time since the issuer's keys were fetched.", "livemax")
        self._reloads = total("policy_reloads", "Documents that replaced another one.")
        self._refused = total("policy_refused", "Documents that were refused while another one was in force.")
        self._age = gauge("policy_age_seconds", "Time since the live document came into force.", "livemax")
        self._loaded = gauge(
            "policy_loaded_timestamp_seconds", "When the live document came into force.", "livemin"
        )
        self._current = gauge("policy_current", "0 while a newer document is refused.", "livemin")
        self._last_good = gauge("policy_last_good", "1 after a start on the kept document.", "livemax")
        self._connections = gauge("connections", "Connections that are open.", "livesum")
        self._limited = counter("limited", "Requests and connections beyond a limit.", ("reason",))
        self._limits: dict[str, _Total] = {}
        for reason in get_args(Reason):
            self._turned_away(reason)
        self._draining = gauge("draining", "1 while a stop lets others hear of it.", "livemax")
        self._buffered = gauge("decision_log_buffer_records", "Records not written yet.", "livesum")
        self._written = total("decision_log_written", "Decision log lines written.")
        self._failures = total("decision_log_failures", "Attempts to write the decision log that failed.")
        self._lost = total("decision_log_lost", "Records that there was no room to keep.")
        self._failing = gauge(
            "decision_log_failing", "1 while the decision log cannot be written.", "livemax"
        )
        self._buffered_bytes = gauge("decision_log_buffer_bytes", "About what those records take.", "livesum")
        self._blocked = gauge(
            "decision_log_write_seconds", "How long the write under way has taken so far.", "livemax"
        )
        self.loop_lag = Histogram(
            "sekisho_event_loop_lag_seconds",
            "How much too late the event loop got to what was due.",
            buckets=_LAGS,
            registry=registry,
        )
        self._compared = total("shadow_decisions", "Decisions that the shadow policy took, too.")
        self._differences = counter(
            "shadow_differences", "Decisions that the shadow policy changes.", ("change",)
        )
        self._shadow_failures = total("shadow_failures", "Decisions that the shadow policy could not take.")
        self._shadow_loaded = gauge(
            "shadow_loaded", "1 while there is a shadow policy to compare with.", "livemin"
        )
        for change in ("granted", "revoked"):
            self._differences.labels(change)

    def _turned_away(self, reason: str) -> _Total:
        if reason not in self._limits:
            self._limits[reason] = _Total(self._limited.labels(reason))
        return self._limits[reason]

    def watch(
        self,
        *,
        live: LivePolicy,
        authenticator: Authenticator,
        log: DecisionLog,
        shadow: Shadow | None,
        listener: Listener,
    ) -> None:
        """What :meth:`sample` looks at."""
        self._watched = _Watched(live, authenticator, log, shadow, listener)

    def count(self, records: Sequence[Record], shadows: Sequence[Decision] = ()) -> None:
        """Counts what one batch of records says, and the decisions of the shadow policy that came out differently."""
        decided = [each for each in records if isinstance(each, Decided)]
        decisions = Tally([(each.via, each.ruling.decision[0], each.ruling.decision[2]) for each in decided])
        for (via, allowed, reason), number in decisions.items():
            self._decisions.labels(via, "allow" if allowed else "deny", reason).inc(number)
        for via in {via for via, _, _ in decisions}:
            self._decision_time.labels(via).observe_all(
                [each.duration_ns for each in decided if each.via == via]
            )
        if len(decided) < len(records):
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
        live, authenticator, log, shadow, listener = self._watched
        with self._sampling:
            self._reloads.follow(live.reloads)
            self._refused.follow(live.refused)
            self._age.set(max(0.0, time.time() - live.loaded_at))
            self._loaded.set(live.loaded_at)
            self._current.set(not live.problems)
            self._last_good.set(live.last_good)
            self._connections.set(listener.connections)
            self._draining.set(listener.draining)
            for reason, number in list(listener.refused.items()):
                self._turned_away(reason).follow(number)
            self._fetches.follow(authenticator.fetches)
            self._fetch_failures.follow(authenticator.failures)
            self._keys_known.set(authenticator.keys_known)
            self._keys_age.set(authenticator.keys_age)
            self._cached.set(authenticator.cached_tokens)
            self._buffered.set(log.pending)
            self._written.follow(log.writer.written)
            self._failures.follow(log.writer.failures)
            self._lost.follow(log.writer.lost)
            self._failing.set(log.writer.failing)
            self._buffered_bytes.set(log.pending_bytes)
            self._blocked.set(log.writer.blocked_for)
            if shadow is not None:
                self._compared.follow(shadow.compared)
                self._shadow_failures.follow(shadow.failed)
                self._shadow_loaded.set(shadow.policy is not None)

    def exposition(self) -> bytes:
        """The text that Prometheus reads: of all workers that share a directory, or of this one."""
        self.sample()
        directory = os.environ.get(SHARED_DIRECTORY)
        if not directory:
            return generate_latest(self.registry)
        _forget_the_dead(Path(directory))
        everybody = CollectorRegistry()
        MultiProcessCollector(everybody)  # type: ignore[no-untyped-call]  # the library does not annotate it
        return generate_latest(everybody)


@contextmanager
def shared_by(workers: int) -> Iterator[None]:
    """Gives several workers a directory to share their numbers in, with nothing of an earlier run."""
    given = os.environ.get(SHARED_DIRECTORY)
    if given:
        for file in Path(given).glob("*.db"):
            file.unlink(missing_ok=True)
    if given or workers == 1:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="sekisho-metrics-") as directory:
        os.environ[SHARED_DIRECTORY] = directory
        try:
            yield
        finally:
            del os.environ[SHARED_DIRECTORY]


def _forget_the_dead(directory: Path) -> None:
    """A worker that died without a word leaves the gauges it last set."""
    for process in {file.stem.rpartition("_")[2] for file in directory.glob("gauge_live*_*.db")}:
        if process.isdigit() and not Path(f"/proc/{process}").exists():
            mark_process_dead(int(process), str(directory))  # type: ignore[no-untyped-call]  # the library's
