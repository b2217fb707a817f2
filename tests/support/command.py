"""The `rbac` command as tests run it: in this process, or as a process of its own."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from rbac.cli import build_app

ROOT = Path(__file__).resolve().parents[2]
MODEL = (ROOT / "model.conf").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def rbac(*arguments: object) -> Outcome:
    """Run the command in this process. An exception that is no exit is the test's failure, with its traceback."""
    result = CliRunner().invoke(build_app(), [str(argument) for argument in arguments], prog_name="rbac")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Outcome(result.exit_code, result.stdout, result.stderr)


def rbac_process(*arguments: object, cwd: Path = ROOT, env: dict[str, str] | None = None) -> Outcome:
    """Run the command as a user does; in a subprocess, whose streams are pipes."""
    done = subprocess.run(
        [sys.executable, "-m", "rbac", *map(str, arguments)],
        cwd=cwd,
        env=env,
        capture_output=True,
        timeout=120,
        check=False,
    )
    return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())


class Workshop:
    """A folder with the shipped model and a policy of one's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.model = self.write("model.conf", MODEL)
        self.policy = folder / "policy.csv"
        self.rules("p, user, /user, GET, allow", "p, admin, /admin, GET, allow", "g, admin, user")

    def write(self, name: str, content: str | bytes) -> Path:
        """A file of this name below the folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def rules(self, *lines: str) -> None:
        """Make these the policy, a line each."""
        self.write("policy.csv", "\n".join(lines) + "\n")

    def tests(self, *entries: str, suite: str = "What must stay true") -> Path:
        """A test file with these entries, in YAML."""
        body = "\n".join(f"  - {entry.strip()}" for entry in entries)
        return self.write("policy_tests/tests.yaml", f"suite: {suite}\ntests:\n{body}\n")

    def rbac(self, command: str, *arguments: object) -> Outcome:
        """Run a command on this folder's document, with no routes unless they are given."""
        routes = () if "--routes" in arguments or command == "fmt" else ("--routes", "none")
        routes = () if command == "explain" else routes
        return rbac(command, "--model", self.model, "--policy", self.policy, *routes, *arguments)
