"""The README's first endpoint, added to a copy as the README says, while `make run` is going there."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from app.dev import cognito
from app.settings.defaults import LOCAL_CLIENT_ID
from tests.support import plain_http
from tests.support.clone import cloned
from tests.support.ports import free_port
from tests.support.service import ROOT, clean_environment
from tests.support.waiting import LIMIT_S, comes_true

README = (ROOT / "README.md").read_text(encoding="utf-8")
[ENDPOINT] = [code for code in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "APIRouter" in code]
CHANGES = re.findall(r"```diff\n(.*?)```", README, re.DOTALL)


def changed(text: str, change: str) -> str:
    """``text`` with one of the README's changes made by hand: what stands there is replaced by what is to stand there."""
    lines = change.splitlines()
    before = "\n".join(line[1:] for line in lines if line[0] in " -")
    after = "\n".join(line[1:] for line in lines if line[0] in " +")
    assert text.count(before + "\n") == 1, before
    return text.replace(before + "\n", after + "\n")


@dataclass(frozen=True, slots=True)
class Running:
    """`make run` going in a copy."""

    directory: Path
    base_url: str
    tokens: dict[str, str]
    log_path: Path

    def status(self, path: str, who: str | None = None) -> int:
        """The answer's status; 0 while nothing listens."""
        headers = {"Authorization": f"Bearer {self.tokens[who]}"} if who else {}
        try:
            return plain_http.get(self.base_url + path, headers=headers).status_code
        except httpx2.TransportError:
            return 0

    def comes_to(self, status: int, path: str, who: str | None = None) -> bool:
        """Whether ``path`` comes to answer ``status``."""
        return comes_true(lambda: self.status(path, who) == status)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    directory = cloned(tmp_path_factory.mktemp("endpoint"))
    port, cognito_port = free_port(), free_port()
    environment = clean_environment(PORT=str(port), DEV_COGNITO_PORT=str(cognito_port))
    log_path = directory.parent / "endpoint.log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.dev"],
            cwd=directory,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        running = Running(directory, f"http://127.0.0.1:{port}", {}, log_path)
        assert running.comes_to(200, "/readyz"), log_path.read_text()
        for name in ("bob", "carol"):
            signed_in = cognito.sign_in(cognito.endpoint(cognito_port), LOCAL_CLIENT_ID, name)
            running.tokens[name] = signed_in.id_token
        add_the_endpoint(running)
        yield running
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(LIMIT_S)


def add_the_endpoint(copy: Running) -> None:
    """Does what the README says, and waits for the service to start again."""
    (copy.directory / "app" / "routers" / "orders.py").write_text(ENDPOINT)
    main = copy.directory / "app" / "main.py"
    text = main.read_text()
    for change in CHANGES:
        text = changed(text, change)
    main.write_text(text)

    def listed() -> bool:
        try:
            answer = plain_http.get(f"{copy.base_url}/openapi.json")
            return "/orders" in answer.json()["paths"]
        except (httpx2.TransportError, ValueError, KeyError):
            return False

    assert comes_true(listed), copy.log_path.read_text()
    assert copy.comes_to(200, "/readyz"), copy.log_path.read_text()


def test_the_readmes_endpoint_is_closed_until_a_rule_opens_it(copy: Running) -> None:
    assert (copy.status("/orders"), copy.status("/orders", "bob")) == (401, 403)
    before = (copy.directory / "policy.csv").read_text()
    (copy.directory / "policy.csv").write_text(before + "p, user, /orders, GET, allow\n")
    assert copy.comes_to(200, "/orders", "bob"), copy.log_path.read_text()
    assert copy.status("/orders", "carol") == 403
    assert copy.status("/docs") == 200
    (copy.directory / "policy.csv").write_text(before)
    assert copy.comes_to(403, "/orders", "bob"), copy.log_path.read_text()


def test_the_policys_own_checks_know_the_new_endpoint(copy: Running) -> None:
    listed = ["routes", "app.main:app", "--format", "json"]
    for arguments in (listed, ["check", "--strict"], ["test"]):
        ended = subprocess.run(
            [sys.executable, "-m", "rbac", *arguments],
            cwd=copy.directory,
            env=clean_environment(),
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr


def test_code_that_does_not_start_waits_for_the_next_save(copy: Running) -> None:
    orders = copy.directory / "app" / "routers" / "orders.py"
    good = orders.read_text()
    orders.write_text(good + "def (\n")
    assert comes_true(lambda: "save a file to start it again" in copy.log_path.read_text())
    orders.write_text(good)
    assert copy.comes_to(401, "/orders"), copy.log_path.read_text()
