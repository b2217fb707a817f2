"""From the start of the service to its first answer, over what loading and judging its document once takes."""

import os
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import peers, workload
from benchmarks.service.servers import Server, WrongServerError, ask

CORES = 2
"""Of a machine on which several workers start: their processor time is shared by so many."""
WORKERS = (1, 4)
_SERVES = "Application startup complete"

ONCE = """
import time
from app.config import load_settings
from app.documents import documents
from app.lifespan import judged_by
from app.main import app
settings, routes = load_settings(), judged_by(app)
start = time.process_time()
documents(settings, routes)
print(time.process_time() - start)
"""


@dataclass(frozen=True)
class Effort:
    """How large, and how often."""

    rules: int = 100_000
    rounds: int = 5


QUICK = Effort(rules=10_000, rounds=3)
TINY = Effort(rules=100, rounds=1)


def run(scratch: Path, effort: Effort, say: Callable[[str], None]) -> dict[str, Any]:
    """``{rules, rounds, once, workers: {number: {parent, workers, seconds, ratio}}}``: processor seconds, medians of rounds.

    ``seconds`` are those of the parent, which works alone, and those of the workers over as many processors as there are;
    all of them serve by then. ``ratio`` is over ``once`` of the same round: reading, compiling, linting and testing.
    """
    policy = scratch / f"policy-start-{effort.rules}.csv"
    workload.write_policy(effort.rules, policy)
    environ = _environ(scratch, policy)
    once: list[float] = []
    seen: dict[int, list[dict[str, float]]] = {number: [] for number in WORKERS}
    for number in range(effort.rounds):
        done = subprocess.run(
            [str(peers.PYTHON), "-c", ONCE],
            cwd=peers.ROOT,
            env=environ,
            capture_output=True,
            text=True,
            check=True,
        )
        once.append(float(done.stdout))
        for workers, rounds in seen.items():
            rounds.append(_started(environ, workers, scratch / "start.log", once[-1]))
        say(f"start: round {number + 1} of {effort.rounds}")
    figures = {
        str(workers): {name: median(each[name] for each in rounds) for name in rounds[0]}
        for workers, rounds in seen.items()
    }
    return {"rules": effort.rules, "rounds": effort.rounds, "once": median(once), "workers": figures}


def _environ(scratch: Path, policy: Path) -> dict[str, str]:
    """Production's settings, but for an issuer that nobody asks, and no policy tests: the rules are made up."""
    return {
        **os.environ,
        "PYTHONPATH": str(peers.ROOT),
        "ENVIRONMENT": "development",
        "DEBUG": "false",
        "LOG_FORMAT": "json",
        "EXPLAIN_DENIALS": "false",
        "DECISION_LOG": "off",
        "COGNITO_USER_POOL_ID": "eu-west-1_abcdefghi",
        "COGNITO_REGION": "eu-west-1",
        "COGNITO_APP_CLIENT_ID": "1234567890abcdefghij123456",
        "COGNITO_ENDPOINT_URL": "http://127.0.0.1:1",
        "POLICY_MODEL": str(workload.MODEL),
        "POLICY_FILE": str(policy),
        "POLICY_TESTS": str(scratch / "no tests"),
        "POLICY_GATE": "lint",
    }


def _started(environ: dict[str, str], workers: int, log: Path, once: float) -> dict[str, float]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [str(peers.PYTHON), "-m", "app"],
            cwd=peers.ROOT,
            env=environ | {"WORKERS": str(workers), "PORT": str(port)},
            stdout=out,
            stderr=out,
        )
    try:
        _wait(process, log, workers)
        _first_answer(port)
        server = Server(f"http://127.0.0.1:{port}", process.pid)
        parent = server.parent_seconds()
        others = server.processor_seconds() - parent
    finally:
        process.terminate()
        process.wait()
    seconds = parent + others / min(CORES, workers)
    return {"parent": parent, "workers": others, "seconds": seconds, "ratio": seconds / once}


def _wait(process: "subprocess.Popen[bytes]", log: Path, workers: int) -> None:
    until = time.monotonic() + 600
    while log.read_text(errors="replace").count(_SERVES) < workers:
        if process.poll() is not None or time.monotonic() > until:
            raise WrongServerError(f"the service does not start: {log.read_text(errors='replace')[-2_000:]}")
        time.sleep(0.02)


def _first_answer(port: int) -> None:
    """Waits for it: a worker listens as soon as its application is there."""
    until = time.monotonic() + 600
    while True:
        try:
            status, _ = ask(port, "/nowhere", None)
            break
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)
    if status != 401:
        raise WrongServerError(f"nobody is answered {status}")
