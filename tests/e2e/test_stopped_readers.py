"""Whoever reads what the service prints stops reading: nothing hangs, everybody is told, and all comes right again."""

import fcntl
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.issuer import Issuer
from tests.support.service import Service, running, trusting
from tests.support.waiting import comes_true
from tests.support.wire import Connection, request, resident_mib

_SMALL_PIPE = 4096
LONG = "/public/" + "x" * 8_000  # a line of 16 KB


class Pipe:
    """What one process writes and another reads, or does not until :meth:`drain`."""

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe()
        fcntl.fcntl(self.writing, fcntl.F_SETPIPE_SZ, _SMALL_PIPE)
        self._content = bytearray()
        self._reader: threading.Thread | None = None

    def drain(self) -> None:
        """Reads on and on, in a thread."""
        if self._reader is None:
            self._reader = threading.Thread(target=self._read, daemon=True)
            self._reader.start()

    def everything(self) -> bytes:
        """All that was ever written, once the service has ended."""
        os.close(self.writing)
        if self._reader is not None:
            self._reader.join()
        return bytes(self._content)

    def _read(self) -> None:
        while data := os.read(self.reading, 65_536):
            self._content += data


@contextmanager
def unread() -> Iterator[Pipe]:
    pipe = Pipe()
    try:
        yield pipe
    finally:
        pipe.drain()  # else a stop waits ten seconds for somebody who reads


def failing(service: Service) -> bool:
    with Connection(service.base_url) as connection:
        return bool(json.loads(connection.ask(request("/readyz")).body)["decision_log"]["failing"])


def test_a_reader_of_the_decisions_that_stops_holds_nobody_up_and_fills_no_memory(
    issuer: Issuer, tmp_path: Path
) -> None:
    watcher = issuer.token(**{"custom:role": "security"})
    with unread() as pipe, running(tmp_path, trusting(issuer), stdout=pipe.writing) as service:
        assert service.eventually("/readyz", None, 200)
        asked = 0
        with Connection(service.base_url) as connection:
            while not failing(service):
                assert connection.ask(request(LONG)).status == 401
                asked += 1
            before = resident_mib(service.process.pid)
            for _ in range(2_500):
                assert connection.ask(request(LONG)).status == 401
            asked += 2_500
        assert service.get("/healthz").status_code == 200
        assert service.get("/readyz").status_code == 200
        told = service.get("/metrics", watcher).text
        assert "sekisho_decision_log_failing 1.0" in told
        assert "sekisho_decision_log_lost_total 0.0" not in told
        assert resident_mib(service.process.pid) - before < 100  # 40 MB came in
        assert service.log().count("the decision log cannot be written, records are kept: a write") == 1
        pipe.drain()
        assert service.eventually_logs("the decision log can be written again")
        assert comes_true(lambda: not failing(service))
        service.stop()
        lines = [json.loads(line) for line in pipe.everything().splitlines()]
    counted = sum(line["obj"] == LONG for line in lines if line["event"] != "loss")
    assert counted + sum(line["lost"] for line in lines if line["event"] == "loss") >= asked


def test_where_records_are_required_a_reader_that_stops_is_503_and_no_silence(
    issuer: Issuer, tmp_path: Path
) -> None:
    watcher = issuer.token(**{"custom:role": "security"})
    settings = trusting(issuer) | {"DECISION_LOG_REQUIRED": "true"}
    with unread() as pipe, running(tmp_path, settings, stdout=pipe.writing) as service:
        assert comes_true(lambda: service.get("/public").status_code == 503)
        refused = service.get("/public")
        assert (refused.json()["error"], refused.headers["retry-after"]) == ("decision_log_unavailable", "2")
        assert service.get("/admin", watcher).status_code == 503
        assert service.get("/healthz").status_code == 200
        ready = service.get("/readyz")
        assert (ready.status_code, ready.json()["status"]) == (503, "not ready")
        assert "sekisho_decision_log_failing 1.0" in service.get("/metrics", watcher).text
        pipe.drain()
        assert service.eventually("/public", None, 200)
        assert service.eventually("/readyz", None, 200)


def test_where_records_are_required_a_full_disk_leaves_the_probes_and_the_metrics(
    issuer: Issuer, tmp_path: Path
) -> None:
    watcher = issuer.token(**{"custom:role": "security"})
    settings = trusting(issuer) | {"DECISION_LOG": "/dev/full", "DECISION_LOG_REQUIRED": "true"}
    with running(tmp_path, settings) as service:
        assert service.get("/public").status_code == 503
        assert service.get("/healthz").status_code == 200
        assert service.get("/readyz").json()["decision_log"]["failing"] is True
        assert service.get("/metrics", watcher).status_code == 200
        assert service.get("/metrics").status_code == 401


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_reader_of_the_log_that_stops_holds_nobody_up(issuer: Issuer, tmp_path: Path, workers: str) -> None:
    """Standard error carries a line for each request: 4 KiB of a pipe are full after thirty."""
    settings = trusting(issuer) | {"DECISION_LOG": "off", "LOG_LEVEL": "INFO", "WORKERS": workers}
    with unread() as pipe, running(tmp_path, settings, stderr=pipe.writing) as service:
        for _ in range(3):
            with Connection(service.base_url) as connection:
                for _ in range(100):
                    assert connection.ask(request("/public")).status == 200
        pipe.drain()
        service.stop()
        assert pipe.everything().count(b"GET /public 200") == 300
