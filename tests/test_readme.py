"""Every command and every line of Python in the README does what the README says, in a clone of its own."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from rbac import Policy
from tests.support import plain_http
from tests.support.clone import cloned
from tests.support.ports import free_port
from tests.support.service import ROOT, clean_environment
from tests.support.waiting import LIMIT_S, comes_true

README = (ROOT / "README.md").read_text(encoding="utf-8")
SHELL = [
    line for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) for line in block.splitlines() if line
]
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)

# What a command must show, and with which code it ends; in the order of the README, because each builds on the last.
SHOWN: dict[str, tuple[int, str]] = {
    "curl -i http://127.0.0.1:8000/public": (0, "HTTP/1.1 200"),
    'curl -i -H "Authorization: Bearer $(make -s token AS=bob)" http://127.0.0.1:8000/user': (
        0,
        "HTTP/1.1 200",
    ),
    'curl -H "Authorization: Bearer $(make -s token AS=bob)" http://127.0.0.1:8000/me/permissions': (
        0,
        '"obj":"/user"',
    ),
    ".venv/bin/rbac check": (1, "policy.csv:"),
    "curl http://127.0.0.1:8000/readyz": (0, '"revision":'),
}
ADMIN = 'curl -i -H "Authorization: Bearer $(make -s token AS=bob)" http://127.0.0.1:8000/admin'
SHIPPED = Policy.load(ROOT / "model.conf", ROOT / "policy.csv").revision
BY_TEST = {"make run", "make test"}


class Clone:
    """A clone with `make run` going in it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self.environment = clean_environment(PORT=str(self.port), DEV_COGNITO_PORT=str(free_port()))

    def run(self, command: str) -> "subprocess.CompletedProcess[str]":
        """Runs one line of the README in the clone, on this test's port."""
        return subprocess.run(
            ["bash", "-c", command.replace(":8000", f":{self.port}")],
            cwd=self.directory,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )

    def answers(self, command: str, status: int) -> bool:
        """Whether a curl line comes to show ``status``."""
        return comes_true(lambda: f"HTTP/1.1 {status}" in self.run(command).stdout)

    def ready(self, revision: str) -> bool:
        """Whether the service answers, knows the issuer's keys, and decides by the document with ``revision``."""
        try:
            answer = plain_http.get(f"http://127.0.0.1:{self.port}/readyz")
        except httpx2.TransportError:
            return False
        policy = answer.json()["policy"]
        return answer.status_code == 200 and policy["revision"] == revision and bool(policy["current"])


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    made = Clone(cloned(tmp_path_factory.mktemp("clone")))
    log_path = made.directory.parent / "run.log"
    with log_path.open("wb") as log:
        running = subprocess.Popen(
            ["make", "run"],
            cwd=made.directory,
            env=made.environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        assert comes_true(lambda: running.poll() is not None or made.ready(SHIPPED)), log_path.read_text()
        assert running.poll() is None, log_path.read_text()
        yield made
    finally:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGINT)
            running.wait(LIMIT_S)


def test_every_command_of_the_readme_shows_what_it_says(clone: Clone) -> None:
    rule_added = False
    for command in SHELL:
        if command in BY_TEST:
            continue
        if command == ADMIN:
            assert clone.answers(command, 200 if rule_added else 403), command
            continue
        ended = clone.run(command)
        code, text = SHOWN.get(command, (0, ""))
        assert ended.returncode == code, f"{command}: {ended.stdout}{ended.stderr}"
        assert text in ended.stdout
        rule_added = "p, user, /admin" in command or (rule_added and "git checkout" not in command)
    assert set(SHOWN) | {ADMIN} | BY_TEST <= set(SHELL)


def test_the_tests_of_the_readme_are_these() -> None:
    planned = subprocess.run(
        ["make", "-n", "test"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert "-m pytest" in planned


def test_the_table_of_the_readme_is_what_the_service_answers(clone: Clone) -> None:
    rows = re.findall(r"^\| (`/.*?`) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", README, re.MULTILINE)
    assert len(rows) == 5
    clone.run("git checkout -q policy.csv")  # whatever the commands of the page, before this, left of it
    assert comes_true(lambda: clone.ready(SHIPPED))
    users = {name: clone.run(f"make -s token AS={name}").stdout.strip() for name in ("carol", "bob", "alice")}
    for paths, nobody, *others in rows:
        for path in re.findall(r"`(/.*?)`", paths):
            url = f"http://127.0.0.1:{clone.port}{path}"
            assert plain_http.get(url).status_code == int(nobody)
            for token, expected in zip(users.values(), others, strict=True):
                headers = {"Authorization": f"Bearer {token}"}
                answer = plain_http.get(url, headers=headers)
                assert answer.status_code == int(expected), path


@pytest.mark.parametrize("code", PYTHON)
def test_the_python_of_the_readme_runs(code: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr


def test_the_policy_of_the_readme_can_be_copied() -> None:
    [block] = re.findall(r"```csv\n(.*?)```", README, re.DOTALL)
    policy = Policy.parse((ROOT / "model.conf").read_bytes(), block.encode())
    assert policy.allows("admin", "GET", "/user")
    assert not policy.allows("user", "GET", "/admin")


def test_every_link_of_the_readme_leads_somewhere() -> None:
    for target in re.findall(r"\]\(((?!http)[^)#]+)", README):
        assert (ROOT / target).exists(), target


def test_the_figures_of_the_readme_are_those_that_were_measured() -> None:
    [section] = re.findall(r"^## What it costs\n(.*?)^## ", README, re.MULTILINE | re.DOTALL)
    results = (ROOT / "benchmarks/results.md").read_text(encoding="utf-8")
    decision = re.search(r"\| Sekisho, Policy \| ([\d.]+ µs) \| ([\d.]+ µs) \|", results)
    assert decision is not None
    stock = re.search(r"\| pycasbin \| (\d+) \| [\d,]+ \| [\d,]+ \| ([\d,]+) \| [\d,]+ \|", results)
    assert stock is not None
    assert f"takes {decision[1]} with 100 rules and {decision[2]} with 1,000,000" in section
    seconds = int(stock[2].replace(",", "")) / 1_000_000
    assert f"{stock[1]} µs with 20 rules and {seconds:.1f} s with 100,000" in section
    for row in ("a protected endpoint, 10,000 rules", "the same, every token new to the service"):
        found = re.search(rf"^\| {row} \| ([\d.]+) \|", results, re.MULTILINE)
        assert found is not None
        assert found[1] in section
    memory = re.search(r"resident above the imports, 100,000 rules \| (\d+ MiB)", results)
    assert memory is not None
    assert f"100,000 rules take {memory[1]}" in section
