"""A span a decision, for OpenTelemetry: made of records, in the log's thread, so that a request does nothing for it.

A span says what was decided and by what: nothing in it was chosen by a caller, and no token, path, name or address is.
``decision_id`` leads to the line of the decision log, which says who asked for what.
"""

import threading
from collections.abc import Sequence

from rbac.decision import Decision
from rbac.decision_log.record import Decided, Record
from rbac.installed import brought_by

with brought_by("otel"):
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
    from opentelemetry.trace import (
        NonRecordingSpan,
        SpanContext,
        TraceFlags,
        Tracer,
        set_span_in_context,
    )

NAME = "policy decision"
_TRACE_ID = 32


class GivenIds(IdGenerator):
    """Random ids, but for the trace that a thread is told to begin: its id is in the logs already."""

    def __init__(self) -> None:
        self._random = RandomIdGenerator()
        self._given = threading.local()

    def begin(self, trace_id: int) -> None:
        """The next trace that this thread begins has this id."""
        self._given.trace_id = trace_id

    def generate_trace_id(self) -> int:
        """The id that was given, once, else a random one."""
        given: int = getattr(self._given, "trace_id", 0)
        self._given.trace_id = 0
        return given or self._random.generate_trace_id()

    def generate_span_id(self) -> int:
        """A random one."""
        return self._random.generate_span_id()


class Spans:
    """Makes spans with ``tracer``. ``ids`` is what its provider was made with, where traces begin here as well.

    A caller's span is the parent of theirs, and whether it was sampled is for the provider's sampler to heed.
    """

    def __init__(self, tracer: Tracer, ids: GivenIds | None = None) -> None:
        self._tracer = tracer
        self._ids = ids

    def observe(self, records: Sequence[Record], shadows: Sequence[Decision] = ()) -> None:  # noqa: ARG002 - a writer's `observe`
        """A span for each decision among ``records``."""
        for record in records:
            if isinstance(record, Decided):
                self._make(record)

    def _make(self, record: Decided) -> None:
        allowed, rule, reason, revision = record.ruling.decision
        attributes: dict[str, str | bool | int] = {
            "sekisho.allowed": allowed,
            "sekisho.reason": reason,
            "sekisho.policy_revision": revision,
            "sekisho.decision_id": record.decision_id,
            "sekisho.via": record.via,
        }
        if rule is not None:
            attributes["sekisho.rule_line"] = rule.line
        span = self._tracer.start_span(
            NAME,
            self._parent(record.trace),
            attributes=attributes,
            start_time=record.time_ns - record.duration_ns,
        )
        span.end(record.time_ns)

    def _parent(self, trace: str) -> Context:
        """The caller's span as a parent, or none. What this thread happens to be in is never one."""
        if len(trace) <= _TRACE_ID:
            if trace and self._ids is not None:
                self._ids.begin(int(trace, 16))
            return Context()
        trace_id, parent_id, flags = trace.split("-")
        remote = SpanContext(
            int(trace_id, 16), int(parent_id, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16) & 1)
        )
        return set_span_in_context(NonRecordingSpan(remote), Context())
