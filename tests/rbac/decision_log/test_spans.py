"""A span a decision says what was decided and by what, is in the caller's trace, and holds nothing that a caller chose."""

from collections.abc import Sequence

import pytest
from opentelemetry import context, trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from rbac.decision_log.record import Record, Via, entry
from rbac.decision_log.spans import GivenIds, Spans
from rbac.guard.identity.principal import Principal
from tests.support.decisions import SHIPPED, decided, rejected

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def made(records: Sequence[Record]) -> tuple[ReadableSpan, ...]:
    """The spans of ``records``, as an exporter gets them."""
    ids = GivenIds()
    provider = TracerProvider(id_generator=ids, shutdown_on_exit=False)
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    Spans(provider.get_tracer("test"), ids).observe(records)
    return exporter.get_finished_spans()


def test_a_span_says_result_rule_and_revision() -> None:
    allowed, denied = decided("/user"), decided("/admin")
    first, second = made([allowed, rejected(), denied])
    rule = allowed.ruling.decision.rule
    assert rule is not None
    assert first.attributes == {
        "sekisho.allowed": True,
        "sekisho.reason": "allowed_by_rule",
        "sekisho.rule_line": rule.line,
        "sekisho.policy_revision": SHIPPED.revision,
        "sekisho.decision_id": allowed.decision_id,
        "sekisho.via": "http",
    }
    assert second.attributes is not None
    assert second.attributes["sekisho.allowed"] is False
    assert "sekisho.rule_line" not in second.attributes
    assert (first.name, first.end_time) == ("policy decision", allowed.time_ns)
    assert first.start_time == allowed.time_ns - allowed.duration_ns


def test_a_span_is_the_child_of_the_callers() -> None:
    (span,) = made([decided()._replace(trace=f"{TRACE}-{PARENT}-01")])
    assert span.parent is not None
    assert (f"{span.context.trace_id:032x}", f"{span.parent.span_id:016x}") == (TRACE, PARENT)
    assert span.parent.is_remote


def test_what_the_caller_did_not_sample_is_not_sent() -> None:
    assert made([decided()._replace(trace=f"{TRACE}-{PARENT}-00")]) == ()
    assert made([decided()._replace(trace=f"{TRACE}-{PARENT}-fe")]) == ()


def test_a_trace_that_begins_here_has_the_id_that_is_in_the_logs_and_the_next_one_another() -> None:
    record = decided()._replace(trace=TRACE)
    spans = made([record, decided()])
    assert all(span.parent is None for span in spans)
    assert f"{spans[0].context.trace_id:032x}" == entry(record)["trace_id"] == TRACE
    assert f"{spans[1].context.trace_id:032x}" != TRACE


def test_a_sampler_that_drops_a_trace_leaves_its_id_to_no_other() -> None:
    ids = GivenIds()
    ids.begin(int(TRACE, 16))
    assert ids.generate_trace_id() == int(TRACE, 16)
    assert ids.generate_trace_id() != int(TRACE, 16)
    assert ids.generate_span_id() != ids.generate_span_id()


def test_what_the_thread_is_in_is_nobodys_parent() -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    token = context.attach(trace.set_span_in_context(provider.get_tracer("other").start_span("other")))
    try:
        (span,) = made([decided()])
        assert span.parent is None
    finally:
        context.detach(token)


@pytest.mark.parametrize("via", ["http", "authzen", "forward-auth"])
def test_nothing_that_a_caller_chose_is_in_a_span(via: Via) -> None:
    chosen = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.secret?q=1&mail=bob@example.com"
    who = Principal(chosen, (chosen, f"{chosen}2"), chosen, chosen)
    record = decided(chosen, chosen, who, request_id=chosen)._replace(client=chosen, via=via)
    (span,) = made([record])
    assert "secret" not in span.to_json()
    assert "bob@" not in span.to_json()


def test_the_log_has_a_trace_only_where_there_is_one() -> None:
    for record in (decided(), rejected()):
        assert "trace_id" not in entry(record)
        assert entry(record._replace(trace=f"{TRACE}-{PARENT}-01"))["trace_id"] == TRACE
