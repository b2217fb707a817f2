"""A trace goes through the running service: into both logs, and as spans to a collector over OTLP."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.collector import collecting
from tests.support.issuer import Issuer
from tests.support.raw_http import ask
from tests.support.service import Service, serving
from tests.support.waiting import comes_true

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GOOD = f"00-{TRACE}-{PARENT}-01"


def decisions(service: Service, log: Path) -> dict[str, Any]:
    """The lines of the decision log by their request ids."""
    return {line["request_id"]: line for line in map(json.loads, log.read_text().splitlines())}


def access(service: Service) -> dict[str, Any]:
    """The access lines of the application's log by their request ids."""
    lines = [json.loads(line) for line in service.log().splitlines() if line.startswith("{")]
    return {line["request_id"]: line for line in lines if line["logger"] == "app.access"}


def test_a_trace_is_in_both_logs_and_its_spans_arrive(issuer: Issuer, tmp_path: Path) -> None:
    log = tmp_path / "decisions.jsonl"
    with collecting() as collector:
        environment = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_BSP_SCHEDULE_DELAY": "50",
            "DECISION_LOG": str(log),
            "LOG_FORMAT": "json",
        }
        with serving(issuer, tmp_path, **environment) as service:
            token = issuer.token(**{"custom:role": "user"})
            sent = {"traceparent": GOOD, "X-Request-ID": "traced"}
            assert service.get("/user?access_token=secret", token, **sent).status_code == 200
            assert service.get("/admin", token, X_Request_ID="begun").status_code == 403
            service.get("/user", "eyJ.eyJ.x", traceparent=GOOD, X_Request_ID="refused")
            assert comes_true(lambda: len([s for s in collector.spans if s.parent_id == PARENT]) == 1)
            by_trace = {span.trace_id: span for span in collector.spans}
            written = decisions(service, log)
            assert comes_true(lambda: "refused" in decisions(service, log))
            begun = decisions(service, log)["begun"]["trace_id"]
            assert comes_true(lambda: begun in {span.trace_id for span in collector.spans})
            by_trace = {span.trace_id: span for span in collector.spans}
            lines = access(service)
        written = decisions(service, log)
    assert [written[name]["trace_id"] for name in ("traced", "refused")] == [TRACE, TRACE]
    assert [lines[name]["trace_id"] for name in ("traced", "begun", "refused")] == [TRACE, begun, TRACE]
    traced = by_trace[TRACE]
    assert traced.attributes["sekisho.decision_id"] == written["traced"]["decision_id"]
    assert traced.attributes["sekisho.rule_line"] == written["traced"]["rule_line"]
    assert by_trace[begun].parent_id == ""
    assert by_trace[begun].attributes["sekisho.allowed"] is False
    assert collector.resources[0]["service.name"] == "sekisho"
    assert b"secret" not in collector.raw
    assert b"alice" not in collector.raw
    assert b"/user" not in collector.raw


def port_of(service: Service) -> int:
    return int(service.base_url.rpartition(":")[2])


HOSTILE = [
    f"00-{TRACE}-{PARENT}-01-more",
    f"ff-{TRACE}-{PARENT}-01",
    f"00-{'0' * 32}-{PARENT}-01",
    f'00-{TRACE[:-9]}","x":"{PARENT}-01',
    "\x1b[2J\x1b[1;1H" + GOOD,
    "${jndi:ldap://example.com/a}",
    "0" * 4000,
]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Any:
    directory = tmp_path_factory.mktemp("untraced")
    with Issuer() as issuer:
        settings = {"DECISION_LOG": str(directory / "decisions.jsonl"), "LOG_FORMAT": "text"}
        with serving(issuer, directory, **settings) as running:
            yield running


def test_a_trace_is_in_both_logs_where_no_spans_are_made(service: Service) -> None:
    service.get("/public", traceparent=GOOD, X_Request_ID="given")
    assert service.eventually_logs(f" trace_id={TRACE}\n")
    log = service.directory / "decisions.jsonl"
    assert service.eventually_records(log, '"given"')
    assert decisions(service, log)["given"]["trace_id"] == TRACE
    assert service.get("/public", X_Request_ID="none").status_code == 200
    assert service.eventually_records(log, '"none"')
    assert "trace_id" not in decisions(service, log)["none"]


@pytest.mark.parametrize("value", HOSTILE)
def test_what_is_no_trace_gets_into_no_log(service: Service, value: str) -> None:
    before = len(service.log())
    status, _, _ = ask(port_of(service), "/public", None, "GET", ("traceparent", value))
    assert status in {200, 400}  # a control character is no HTTP
    if status == 200:
        assert service.eventually_logs("GET /public 200", before)
    assert "trace_id" not in service.log()[before:]
    assert value not in service.log()[before:]


def test_two_of_them_are_none(service: Service) -> None:
    before = len(service.log())
    twice = [("traceparent", GOOD)] * 2
    assert ask(port_of(service), "/public", None, "GET", *twice)[0] == 200
    assert service.eventually_logs("GET /public 200", before)
    assert "trace_id" not in service.log()[before:]
