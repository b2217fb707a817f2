"""Spans are made where OpenTelemetry's variables ask for them, and cost nothing where none does."""

import re
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from app.logs.tracing import Tracing, exporters_wanted
from app.start_error import StartError
from tests.support.collector import collecting
from tests.support.decisions import decided
from tests.support.ports import free_port
from tests.support.service import ROOT

AT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


@pytest.mark.parametrize(
    ("environ", "names"),
    [
        ({}, []),
        ({"OTEL_SERVICE_NAME": "shop"}, []),
        (AT, ["otlp_proto_http"]),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://a/v1/traces"}, ["otlp_proto_http"]),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://a"}, []),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": " "}, []),
        ({**AT, "OTEL_TRACES_EXPORTER": "none"}, []),
        ({**AT, "OTEL_SDK_DISABLED": "True"}, []),
        ({**AT, "OTEL_SDK_DISABLED": "false"}, ["otlp_proto_http"]),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, ["otlp_proto_http"]),
        ({"OTEL_TRACES_EXPORTER": "console, otlp"}, ["console", "otlp_proto_http"]),
        ({**AT, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, ["otlp_proto_http"]),
        ({**AT, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, ["otlp_proto_grpc"]),
        (
            {
                **AT,
                "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
                "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
            },
            ["otlp_proto_http"],
        ),
    ],
)
def test_the_usual_variables_say_where_spans_go(environ: Mapping[str, str], names: list[str]) -> None:
    assert exporters_wanted(environ) == names
    if not names:
        assert Tracing.of(environ) is None


@pytest.mark.parametrize("name", ["otlp_proto_grpc", "zipkin", "nonsense"])
def test_an_exporter_that_is_not_there_stops_the_start(name: str) -> None:
    with pytest.raises(StartError, match=name):
        Tracing.of({"OTEL_TRACES_EXPORTER": name})


def test_spans_without_the_extra_stop_the_start_and_say_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("opentelemetry.sdk.trace", "opentelemetry.sdk.resources"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(StartError, match=r"sekisho\[otel\]"):
        Tracing.of(AT)


def test_spans_that_cannot_be_made_are_told_and_harm_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tracing = Tracing.of({"OTEL_TRACES_EXPORTER": "console"})
    assert tracing is not None
    tracing.observe([decided()._replace(trace="no-trace-at-all")])
    assert "the spans of 1 records could not be made" in caplog.text
    tracing.close()


def test_a_collector_that_is_gone_does_not_hold_up_a_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setattr("app.logs.tracing._CLOSING_S", 0.2)
    tracing = Tracing.of(AT)
    assert tracing is not None
    tracing.observe([decided()])
    began = time.monotonic()
    tracing.close()
    assert time.monotonic() - began < 10


def test_what_waits_is_sent_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
        tracing = Tracing.of({**AT, "OTEL_SERVICE_NAME": "shop"})
        assert tracing is not None
        tracing.observe([decided(), decided("/admin")])
        tracing.close()
        assert [span.attributes["sekisho.allowed"] for span in collector.spans] == [True, False]
        assert collector.resources[0]["service.name"] == "shop"
        assert collector.resources[0]["deployment.environment.name"] == "test"


def test_where_nothing_asks_for_spans_nothing_of_theirs_is_loaded() -> None:
    program = (
        "import sys, app.main; from app.logs.tracing import Tracing; assert Tracing.of({}) is None;"
        "print(*(name for name in sys.modules if name.startswith(('opentelemetry.sdk', 'opentelemetry.exporter'))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []


def test_the_page_names_every_attribute_and_its_python_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (ROOT / "docs/tracing.md").read_text(encoding="utf-8")
    record = decided("/user")
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr("opentelemetry.trace.get_tracer", provider.get_tracer)
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    made: dict[str, Any] = {}
    exec(code, made)
    made["log"].writer.write([record])
    made["log"].writer.close()
    (span,) = exporter.get_finished_spans()
    assert set(re.findall(r"^\| `(sekisho\.\w+)`", page, re.MULTILINE)) == set(span.attributes or ())
