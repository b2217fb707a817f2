"""The service as people run it: a process of its own, on a free port, with a policy file that a test may edit."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from tests.support import plain_http
from tests.support.issuer import Issuer
from tests.support.issuer_forms import COGNITO
from tests.support.openid import settings_for
from tests.support.ports import free_port
from tests.support.waiting import LIMIT_S, comes_true

ROOT = Path(__file__).resolve().parents[2]


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
        "OIDC_",
        "TOKEN_",
        "DEV_",
        "FORWARD",
        "LIMIT_",
        "OTEL_",
    )
    names = {
        "ENVIRONMENT",
        "DEBUG",
        "PORT",
        "WORKERS",
        "IDENTITY_PROVIDER",
        "ROLE_CLAIMS",
        "SCOPES",
        "CONSOLE",
        "EXPLAIN_DENIALS",
        "KEEP_ALIVE",
        "KEYS_MAX_AGE",
        "SHUTDOWN_DELAY",
        "REVOCATIONS_FILE",
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
        return plain_http.request(method, self.base_url + path, headers=sent)

    def eventually(self, path: str, token: str | None, status: int) -> bool:
        """Whether ``path`` comes to answer ``status``."""
        return comes_true(lambda: self.get(path, token).status_code == status)

    def eventually_decides_by(self, revision: str) -> bool:
        """Whether the document with ``revision`` comes into force, and is the newest there is."""

        def decides() -> bool:
            policy = self.get("/readyz").json()["policy"]
            return bool(policy["revision"] == revision and policy["current"])

        return comes_true(decides)

    def eventually_refuses_its_document(self) -> bool:
        """Whether the newest document comes to be refused, and the one before stays."""
        return comes_true(lambda: self.get("/readyz").json()["policy"]["current"] is False)

    def eventually_logs(self, text: str, after: int = 0) -> bool:
        """Whether ``text`` comes to stand in the log behind its first ``after`` characters."""
        return comes_true(lambda: text in self.log()[after:])

    def eventually_records(self, path: Path, text: str) -> bool:
        """Whether ``text`` comes to stand in the file ``path``."""
        return comes_true(lambda: path.exists() and text in path.read_text(encoding="utf-8"))

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ends the service with a signal, as a platform does; its exit code."""
        self.process.send_signal(number)
        return self.process.wait(LIMIT_S)


@contextmanager
def running(
    directory: Path,
    settings: Mapping[str, str],
    command: Sequence[str] = ("-m", "app"),
    *,
    ready: str = "/healthz",
    stdout: int | None = None,
    stderr: int | None = None,
) -> Iterator[Service]:
    """The service, started with ``python`` and ``command`` on a copy of the shipped policy in ``directory``.

    What it prints goes to a file, or to the descriptors that are given.
    """
    for name in ("model.conf", "policy.csv", "revocations.csv"):
        if not (directory / name).exists():
            shutil.copy(ROOT / name, directory / name)
    if not (directory / "policy_tests").exists():
        shutil.copytree(ROOT / "policy_tests", directory / "policy_tests")
    port = int(settings.get("PORT") or free_port())
    paths = {
        "POLICY_MODEL": str(directory / "model.conf"),
        "POLICY_FILE": str(directory / "policy.csv"),
        "POLICY_TESTS": str(directory / "policy_tests"),
        "REVOCATIONS_FILE": str(directory / "revocations.csv"),
    }
    chosen = {"ENVIRONMENT": "development", "PORT": str(port)}
    environment = clean_environment(**(paths | chosen | dict(settings)))
    log_path = directory / f"service-{port}.log"
    arguments = [sys.executable, *(argument.format(port=port) for argument in command)]
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            arguments,
            cwd=ROOT,
            env=environment,
            stdout=log if stdout is None else stdout,
            stderr=log if stderr is None else stderr,
            start_new_session=True,
        )
    service = Service(f"http://127.0.0.1:{port}", directory, process, log_path)
    try:
        _wait(service, ready)
        yield service
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(LIMIT_S)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(5)


def trusting(issuer: Issuer) -> dict[str, str]:
    """The settings of a service whose tokens come from ``issuer``."""
    if issuer.form is not COGNITO:
        return settings_for(issuer)
    return {
        "COGNITO_USER_POOL_ID": issuer.pool_id,
        "COGNITO_APP_CLIENT_ID": issuer.client_id,
        "COGNITO_ENDPOINT_URL": issuer.endpoint,
    }


@contextmanager
def serving(issuer: Issuer, directory: Path, **settings: str) -> Iterator[Service]:
    """The service once it knows the keys of ``issuer``: from then on a token of its is never answered with 503."""
    with running(directory, trusting(issuer) | settings) as service:
        assert service.eventually("/readyz", None, 200), service.log()
        yield service


def _wait(service: Service, path: str) -> None:
    def answers() -> bool:
        if service.process.poll() is not None:
            raise RuntimeError(f"the service ended with {service.process.returncode}:\n{service.log()}")
        try:
            service.get(path)
        except httpx2.TransportError:
            return False
        return True

    if not comes_true(answers):
        raise RuntimeError(f"the service did not answer in time:\n{service.log()}")


def workers(service: Service) -> set[int]:
    """The processes that serve, by what the kernel says of the parent."""
    children = Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children").read_text().split()
    return {int(child) for child in children if b"multiprocessing.spawn" in _command_line(child)}


def _command_line(process: str) -> bytes:
    """How it was started; nothing once it has ended."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def kill_one(service: Service) -> int:
    """Kills one of them; which."""
    victim = min(workers(service))
    os.kill(victim, signal.SIGKILL)
    return victim
