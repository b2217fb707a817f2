"""Starting and stopping: one message and exit code 2 for what is wrong, and nothing left running behind."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import httpx2
import pytest

from tests.support import plain_http
from tests.support.ports import free_port
from tests.support.service import ROOT, clean_environment, running
from tests.support.waiting import LIMIT_S, comes_true, written

POOL = {
    "ENVIRONMENT": "production",
    "COGNITO_USER_POOL_ID": "eu-west-1_AbC123xyz",
    "COGNITO_APP_CLIENT_ID": "1h57kf5cpq17m0eml12example",
}


def start(
    settings: Mapping[str, str], *arguments: str, cwd: Path = ROOT
) -> "subprocess.CompletedProcess[str]":
    """Runs ``python -m app`` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        cwd=cwd,
        env=clean_environment(PYTHONPATH=str(ROOT), **settings),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


def test_every_wrong_setting_is_named_in_one_message() -> None:
    settings = {
        "ENVIRONMENT": "production",
        "DEBUG": "true",
        "COGNITO_USER_POOL_ID": "nonsense",
        "ALLOWED_ORIGINS": "*",
        "PORT": "70000",
        "LOG_FILE": "/nowhere/at/all.log",
    }
    ended = start(settings)
    assert ended.returncode == 2
    for name in (*settings, "COGNITO_APP_CLIENT_ID"):
        assert name in ended.stderr or name == "ENVIRONMENT"
    assert "Traceback" not in ended.stderr + ended.stdout


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("p, usr /admin GET", "policy.csv:{last}:"),
        ("q, user, /admin, GET, allow", "policy.csv:{last}:"),
        ("p, user, /admin, GET, alow", "alow"),
        ("g, user, admin", "policy.csv:"),
        ("p, user, /admin, GET, allow", "policy_tests/"),
    ],
)
def test_a_policy_that_does_not_pass_its_gate_is_a_refused_start(
    tmp_path: Path, line: str, complaint: str
) -> None:
    for name in ("model.conf", "policy.csv", "revocations.csv"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "policy_tests", tmp_path / "policy_tests")
    with (tmp_path / "policy.csv").open("a") as policy:
        policy.write(line + "\n")
    ended = start(POOL, cwd=tmp_path)
    last = len((tmp_path / "policy.csv").read_text().splitlines())
    assert ended.returncode == 2
    assert complaint.format(last=last) in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_prefix_that_rules_and_tests_do_not_name_is_named_first() -> None:
    ended = start(POOL | {"API_PREFIX": "/api/v1"})
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[1].startswith(
        "API_PREFIX is `/api/v1`: rules and policy tests name whole paths"
    )


def test_words_that_do_not_fit_the_model_are_a_refused_start() -> None:
    ended = start(POOL | {"POLICY_REQUEST": "sub=claims.sub, obj=path, act=method"})
    assert ended.returncode == 2
    assert "`role` of the model is not mapped" in ended.stderr


def test_uvicorn_alone_says_why_it_does_not_start_and_shows_no_traceback() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "uvicorn", "app.main:app", "--port", str(free_port())],
        cwd=ROOT,
        env=clean_environment(ENVIRONMENT="production"),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert ended.returncode != 0
    assert "COGNITO_USER_POOL_ID" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_importing_the_application_needs_no_settings_at_all() -> None:
    code = "import app.main; print(len(app.main.app.routes) > 5)"
    ended = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", code],
        cwd=ROOT,
        env=clean_environment(ENVIRONMENT="production"),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert (ended.stdout.strip(), ended.stderr) == ("True", "")


def test_several_workers_serve_with_settings_from_the_environment(tmp_path: Path) -> None:
    command = ("-m", "uvicorn", "app.main:app", "--workers", "4", "--port", "{port}")
    with running(tmp_path, {}, command) as service:
        assert {service.get("/public").status_code for _ in range(20)} == {200}
        assert service.get("/admin").status_code == 401


def test_workers_of_python_m_app_are_gone_after_a_stop(tmp_path: Path) -> None:
    with running(tmp_path, {"WORKERS": "2"}) as service:
        assert service.get("/public").status_code == 200
        assert service.stop() == 0
        with pytest.raises(httpx2.TransportError):
            service.get("/public")


@pytest.mark.parametrize("taken", [("PORT",), ("DEV_COGNITO_PORT",), ("PORT", "DEV_COGNITO_PORT")])
def test_every_taken_port_is_told_at_once(taken: tuple[str, ...]) -> None:
    ports = {"PORT": free_port(), "DEV_COGNITO_PORT": free_port()}
    with ExitStack() as held:
        for setting in taken:
            holder = held.enter_context(socket.socket())
            holder.bind(("127.0.0.1", 0))
            holder.listen()
            ports[setting] = holder.getsockname()[1]
        ended = subprocess.run(
            [sys.executable, "-m", "app.dev"],
            cwd=ROOT,
            env=clean_environment(**{setting: str(port) for setting, port in ports.items()}),
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
    assert ended.returncode == 2
    assert ended.stderr.splitlines() == [
        *(f"port {ports[setting]} is taken: {setting}=... chooses another" for setting in taken),
        f"or end what uses {'it' if len(taken) == 1 else 'them'}",
    ]


def test_standard_output_of_make_run_is_the_decision_log_and_nothing_else(tmp_path: Path) -> None:
    ports = {"PORT": str(free_port()), "DEV_COGNITO_PORT": str(free_port())}
    log, messages = tmp_path / "decisions.jsonl", tmp_path / "messages"
    with log.open("wb") as output, messages.open("wb") as complaints:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.dev"],
            cwd=ROOT,
            env=clean_environment(**ports),
            stdout=output,
            stderr=complaints,
            start_new_session=True,
        )
    try:
        assert comes_true(lambda: "Sekisho listens on" in written(messages) + written(log)), written(messages)
        assert plain_http.get(f"http://127.0.0.1:{ports['PORT']}/public").status_code == 200
        assert comes_true(lambda: '"obj":"/public"' in written(log)), written(log)
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(LIMIT_S)
    assert {json.loads(line)["event"] for line in written(log).splitlines()} == {"decision"}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "name one user: make token AS=alice|bob|sam|carol|pep"),
        (("AS=",), "name one user: make token AS=alice|bob|sam|carol|pep"),
    ],
)
def test_make_token_without_a_name_says_whom_there_is(arguments: tuple[str, ...], complaint: str) -> None:
    """`AS` is a variable of make's own, the assembler `as`."""
    ended = subprocess.run(
        ["make", "-s", "token", *arguments],
        cwd=ROOT,
        env={name: value for name, value in clean_environment().items() if name != "AS"},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert (ended.stdout, ended.stderr.splitlines()[0]) == ("", complaint)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_make_run_leaves_nothing_listening(tmp_path: Path, number: int) -> None:
    cognito_port = free_port()
    with running(tmp_path, {"DEV_COGNITO_PORT": str(cognito_port)}, ("-m", "app.dev")) as service:
        if number == signal.SIGINT:
            os.killpg(service.process.pid, number)  # what Ctrl-C does: everybody in the foreground gets it
            assert service.process.wait(LIMIT_S) == 0
        else:
            assert service.stop(number) == 0
        ports = (cognito_port, int(service.base_url.rsplit(":", 1)[1]))
        assert comes_true(lambda: not any(_listening(port) for port in ports))
        assert "Traceback" not in service.log()


def _listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
