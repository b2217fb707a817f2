"""The projects in `examples/`: where they are, what was changed to put a policy before them, and commands in a copy."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.service import ROOT, clean_environment
from tests.support.waiting import LIMIT_S

FOLDER = ROOT / "examples"


@dataclass(frozen=True, slots=True)
class Example:
    """One project. ``most`` is how many lines may change to put a policy before its application."""

    name: str
    most: int
    application: str

    @property
    def folder(self) -> Path:
        return FOLDER / self.name

    @property
    def change(self) -> str:
        """What was changed of the application, as a diff."""
        return (self.folder / "change.diff").read_text(encoding="utf-8")

    def changed_lines(self) -> list[str]:
        """The lines of the change that were added or taken away, but for empty ones."""
        lines = [line for line in self.change.splitlines() if not line.startswith(("+++", "---"))]
        return [line for line in lines if line[:1] in ("+", "-") and line[1:].strip()]

    def copied(self, folder: Path) -> Path:
        """A copy of its own below ``folder``."""
        ignored = shutil.ignore_patterns("__pycache__", ".pytest_cache", ".ruff_cache")
        return Path(shutil.copytree(self.folder, folder / self.name, ignore=ignored))

    def before(self, folder: Path) -> Path:
        """A copy of the application as it was before the change."""
        copy = self.copied(folder)
        ended = run(["git", "apply", "-R", "-p1", "--unidiff-zero", "change.diff"], copy)
        assert ended.returncode == 0, ended.stderr
        return copy


EXAMPLES = (
    Example("one_file", 10, "main:app"),
    Example("full_stack", 25, "app.main:app"),
    Example("mounted", 10, "main:app"),
)


def run(
    command: list[str], folder: Path, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs a command in ``folder``, which is no part of this repository and has no settings of ours."""
    outside = {"GIT_CEILING_DIRECTORIES": str(folder.parent)}
    return subprocess.run(
        command,
        cwd=folder,
        env={**clean_environment(), **outside, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=LIMIT_S * 4,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs this environment's Python in ``folder``."""
    return run([sys.executable, *arguments], folder)
