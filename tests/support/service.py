"""The service as people run it: a process of its own, on a free port, with a policy file that a test may edit."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

ROOT = Path(__file__).resolve().parents[2]
_START_SECONDS = 60.0


def free_port() -> int:
    """A port that nothing listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def clean_environment(**settings: str) -> dict[str, str]:
    """This process's environment without anybody's settings, and with ``settings``."""
    prefixes = (
        "COGNITO_",
        "POLICY_",
        "PDP_",
        "DECISION_",
        "LOG_",
        "API_",
        "ALLOWED_",
        "AUTH0_",
        "FIREBASE_",
        "DEV_",
    )
    names = {
        "ENVIRONMENT",
        "DEBUG",
        "PORT",
        "WORKERS",
        "IDENTITY_PROVIDER",
        "ROLE_CLAIMS",
        "CONSOLE",
        "EXPLAIN_DENIALS",
    }
    kept = {k: v for k, v in os.environ.items() if k not in names and not k.startswith(prefixes)}
    return kept | settings


@dataclass(frozen=True, slots=True)
class Service:
    """A running service. ``policy`` and ``model`` are its own copies; ``log_path`` holds all that it printed."""

    base_url: str
    directory: Path
    process: "subprocess.Popen[bytes]"
    log_path: Path

    @property
    def policy(self) -> Path:
        return self.directory / "policy.csv"

    def log(self) -> str:
        """Everything that the service printed so far."""
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def get(self, path: str, token: str | None = None, **headers: str) -> httpx2.Response:
        """One GET, with ``token`` as bearer token unless it is ``None``."""
        return self.request("GET", path, token, **headers)

    def request(self, method: str, path: str, token: str | None = None, **headers: str) -> httpx2.Response:
        """One request over a connection of its own."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        return httpx2.request(method, self.base_url + path, headers=sent, timeout=20, trust_env=False)

    def eventually(self, path: str, token: str | None, status: int, seconds: float = 15) -> bool:
        """Whether ``path`` comes to answer ``status`` within ``seconds``."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.get(path, token).status_code == status:
                return True
            time.sleep(0.05)
        return False

    def eventually_decides_by(self, revision: str, seconds: float = 15) -> bool:
        """Whether the document with ``revision`` comes into force within ``seconds``, and is the newest there is."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            policy = self.get("/readyz").json()["policy"]
            if policy["revision"] == revision and policy["current"]:
                return True
            time.sleep(0.05)
        return False

    def eventually_logs(self, text: str, seconds: float = 15) -> bool:
        """Whether ``text`` comes to stand in the log within ``seconds``."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if text in self.log():
                return True
            time.sleep(0.05)
        return False

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ends the service with a signal, as a platform does; its exit code."""
        self.process.send_signal(number)
        return self.process.wait(30)


@contextmanager
def running(
    directory: Path,
    settings: Mapping[str, str],
    command: Sequence[str] = ("-m", "app"),
    *,
    ready: str = "/healthz",
) -> Iterator[Service]:
    """The service, started with ``python`` and ``command`` on a copy of the shipped policy in ``directory``."""
    for name in ("model.conf", "policy.csv"):
        if not (directory / name).exists():
            shutil.copy(ROOT / name, directory / name)
    if not (directory / "policy_tests").exists():
        shutil.copytree(ROOT / "policy_tests", directory / "policy_tests")
    port = int(settings.get("PORT") or free_port())
    paths = {
        "POLICY_MODEL": str(directory / "model.conf"),
        "POLICY_FILE": str(directory / "policy.csv"),
        "POLICY_TESTS": str(directory / "policy_tests"),
    }
    environment = clean_environment(**(paths | {"PORT": str(port)} | dict(settings)))
    log_path = directory / f"service-{port}.log"
    arguments = [sys.executable, *(argument.format(port=port) for argument in command)]
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            arguments, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    service = Service(f"http://127.0.0.1:{port}", directory, process, log_path)
    try:
        _wait(service, ready)
        yield service
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(5)


def _wait(service: Service, path: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if service.process.poll() is not None:
            raise RuntimeError(f"the service ended with {service.process.returncode}:\n{service.log()}")
        try:
            service.get(path)
        except httpx2.TransportError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"the service did not answer in time:\n{service.log()}")
