"""The applications as servers: each in a process of its own, seen to answer right, and what it takes of the processor."""

import http.client
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks import peers, workload
from benchmarks.service.apps import MORE, ROLE
from benchmarks.service.issuer import Issuer
from benchmarks.service.variants import Variant

STRANGER = "payroll-7-viewer"


class WrongServerError(Exception):
    """A server does not answer as it should: its speed means nothing."""


@dataclass(frozen=True)
class Server:
    """A server that runs: where it is, and its process, which may have children that do the work."""

    url: str
    process: int

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def processor_seconds(self) -> float:
        """What the process and its children have taken so far, those that are gone left out."""
        return sum(time.clock_gettime(_clock_of(each)) for each in _family(self.process))

    def parent_seconds(self) -> float:
        """What the process has taken by itself."""
        return time.clock_gettime(_clock_of(self.process))


def _family(process: int) -> Iterator[int]:
    yield process
    with suppress(FileNotFoundError):
        for child in Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii").split():
            yield from _family(int(child))


def _clock_of(process: int) -> int:
    """Linux's number for the clock of another process's processor time (``clock_getcpuclockid``)."""
    return (~process << 3) | 2


@contextmanager
def served(
    app: str, rules: int, issuer: Issuer, scratch: Path, decision_log: str, workers: int = 1
) -> Iterator[Server]:
    """An application of ``apps.py`` with ``rules`` rules, in a process of its own."""
    policy = _policy(app, rules, scratch)
    home = scratch / f"{app}-{rules}-{workers}"
    home.mkdir(exist_ok=True)
    log = str(home / "decisions.log") if decision_log == "file" else decision_log
    setup = {"issuer": issuer.url, "policy": str(policy), "scratch": str(home), "decision_log": log}
    with (
        socket.create_server(("127.0.0.1", 0), backlog=256) as listening,
        (home / "stderr").open("wb") as stderr,
    ):
        command = [str(peers.PYTHON), "-m", "benchmarks.service.serve", app, str(listening.fileno())]
        process = subprocess.Popen(
            [*command, str(workers), json.dumps(setup)],
            cwd=peers.ROOT,
            env={**os.environ, "PYTHONPATH": str(peers.ROOT), "PYTHONWARNINGS": "ignore"},
            pass_fds=[listening.fileno()],
            stdout=stderr,
            stderr=stderr,
        )
        port = listening.getsockname()[1]
    try:
        _wait(port, process, home / "stderr")
        yield Server(f"http://127.0.0.1:{port}", process.pid)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _policy(app: str, rules: int, scratch: Path) -> Path:
    """The document of so many rules, and one more for each further endpoint of the application."""
    more = MORE.get(app, ())
    path = scratch / (f"policy-{app}-{rules}.csv" if more else f"policy-{rules}.csv")
    if rules:
        workload.write_policy(rules, path)
        with path.open("a", encoding="utf-8") as out:
            out.writelines(f"p, {ROLE}, {each}, GET, allow\n" for each in more)
    return path


def _wait(port: int, process: "subprocess.Popen[bytes]", complaints: Path) -> None:
    """The socket was bound before the server existed, so a first answer is what says that it is there."""
    until = time.monotonic() + 600
    while process.poll() is None and time.monotonic() < until:
        try:
            ask(port, "/nowhere", None, seconds=60)
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise WrongServerError(f"a server does not start: {complaints.read_text(errors='replace')[-2_000:]}")


def check(server: Server, variant: Variant, issuer: Issuer) -> None:
    """Raises unless the right caller gets the invoice and, where somebody guards it, nobody and a stranger do not."""
    token = issuer.token(ROLE)
    paths = variant.paths
    for path in paths:
        status, body = ask(server.port, path, token)
        expected = {"number": path.rpartition("/")[2], "currency": "EUR", "total": 4_200}
        if status != 200 or json.loads(body) != expected:
            raise WrongServerError(f"{variant.key} answers {path} with {status} {body[:500]!r}")
    for path in paths[:5]:
        for name, credentials in (
            ("nobody", None),
            ("a stranger", issuer.token(STRANGER)),
            ("junk", token[:-9] + "AAAAAAAA"),
        ):
            status, _ = ask(server.port, path, credentials)
            if variant.guarded is (status == 200):
                raise WrongServerError(f"{variant.key} answers {name} with {status}")


def ask(port: int, path: str, token: str | None, seconds: float = 60) -> tuple[int, bytes]:
    """Status and body of one GET."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    except http.client.HTTPException as error:
        raise OSError(str(error)) from error
    finally:
        connection.close()
