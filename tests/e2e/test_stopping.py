"""A stop drains: not ready first, then deaf, then gone; and it ends with 0 however often it was asked for."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest

from tests.support.issuer import Issuer
from tests.support.ports import free_port
from tests.support.service import ROOT, Service, clean_environment, running, serving
from tests.support.waiting import LIMIT_S, comes_true
from tests.support.wire import Connection, request


def listens(service: Service) -> bool:
    try:
        service.get("/healthz")
    except httpx2.TransportError:
        return False
    return True


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["TERM", "INT"])
def test_a_stop_is_not_ready_first_and_serves_new_connections_for_the_delay(
    issuer: Issuer, tmp_path: Path, workers: str, number: int
) -> None:
    with (
        serving(issuer, tmp_path, WORKERS=workers, SHUTDOWN_DELAY="9") as service,
        Connection(service.base_url) as kept,
    ):
        assert not kept.ask(request("/public")).closed
        began = time.monotonic()
        service.process.send_signal(number)
        # Each worker hears of it by itself: whichever answers says so, soon.
        assert comes_true(lambda: all(service.get("/readyz").status_code == 503 for _ in range(10)))
        assert time.monotonic() - began < 8
        assert service.get("/readyz").json()["status"] == "stopping"
        while time.monotonic() - began < 4:
            assert service.get("/public").status_code == 200
            assert service.get("/healthz").status_code == 200
        assert kept.ask(request("/public")).closed  # who comes again comes to another
        kept.socket.close()
        assert comes_true(lambda: not listens(service))
        assert time.monotonic() - began >= 9
        assert service.process.wait(LIMIT_S) == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_signals_in_quick_succession_are_one_and_what_is_under_way_is_finished(
    issuer: Issuer, tmp_path: Path, workers: str
) -> None:
    """What Ctrl-C does: everybody in the foreground gets it, and some pass it on."""
    with serving(issuer, tmp_path, WORKERS=workers) as service:
        with Connection(service.base_url) as connection:
            body = b'{"subject": {}}'
            admin = f"Authorization: Bearer {issuer.token()}"
            head = request(
                "/access/v1/evaluation", None, admin, f"Content-Length: {len(body)}", method="POST"
            )
            connection.send(head.replace(b"\r\n\r\n", b"\r\nContent-Type: application/json\r\n\r\n"))
            assert service.get("/public").status_code == 200  # whoever came before is being served
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGINT):
                os.killpg(service.process.pid, number)
            assert comes_true(lambda: not listens(service))
            connection.send(body)
            answer = connection.answer()
        assert (answer.status, answer.closed) == (400, True)
        assert service.process.wait(LIMIT_S) == 0
        assert "Traceback" not in service.log()


@pytest.mark.parametrize("said", [0, 9], ids=["nothing", "half a line"])
def test_who_connected_before_the_stop_is_answered_and_who_says_nothing_holds_it_up_for_a_moment(
    issuer: Issuer, tmp_path: Path, said: int
) -> None:
    """A request is on its way when its worker is told to stop: whoever sent it must not see the connection end."""
    with (
        serving(issuer, tmp_path) as service,
        Connection(service.base_url) as coming,
        Connection(service.base_url),
    ):
        data = request("/public")
        coming.send(data[:said])
        assert service.get("/public").status_code == 200  # the connections before it were accepted
        service.process.send_signal(signal.SIGTERM)
        assert service.eventually_logs("Shutting down")
        coming.send(data[said:])
        answer = coming.answer()
        assert (answer.status, answer.closed) == (200, True)
        assert service.process.wait(LIMIT_S) == 0


def test_a_later_signal_ends_the_delay(issuer: Issuer, tmp_path: Path) -> None:
    with serving(issuer, tmp_path, SHUTDOWN_DELAY="300") as service:
        service.process.send_signal(signal.SIGTERM)
        assert service.eventually("/readyz", None, 503)
        time.sleep(1.1)  # signals within a second are one
        assert service.stop() == 0


STOPPED_EARLY = """
import os
import app.__main__ as main

main.load_settings = lambda: os.kill(os.getpid(), int(os.environ["NUMBER"]))
raise SystemExit(main.main())
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["TERM", "INT"])
def test_a_stop_before_the_service_serves_is_wanted_as_well(tmp_path: Path, number: int) -> None:
    """While it reads its settings and gates its policy."""
    process = subprocess.Popen(
        [sys.executable, "-c", STOPPED_EARLY],
        cwd=ROOT,
        env=clean_environment(ENVIRONMENT="development", PORT=str(free_port()), NUMBER=str(int(number))),
        stderr=subprocess.PIPE,
    )
    _, complaints = process.communicate(timeout=LIMIT_S)
    assert (process.returncode, complaints) == (0, b"")


@pytest.mark.parametrize("how", ["Ctrl-C", "TERM"])
def test_make_run_stops_so_too(tmp_path: Path, how: str) -> None:
    settings = {"DEV_COGNITO_PORT": str(free_port()), "SHUTDOWN_DELAY": "9", "WORKERS": "2"}
    with running(tmp_path, settings, ("-m", "app.dev")) as service:
        assert service.eventually("/readyz", None, 200)
        if how == "Ctrl-C":
            os.killpg(service.process.pid, signal.SIGINT)
        else:
            service.process.terminate()
        assert service.eventually("/readyz", None, 503)
        assert service.process.wait(LIMIT_S) == 0
        assert "Traceback" not in service.log()
