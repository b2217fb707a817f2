"""docs/scaling.md: its tables are the recorded figures and the arithmetic with them, and what measures them works."""

import json
import subprocess
import sys

from benchmarks.scaling_tables import Measured, Plan, written_into
from tests.support.service import ROOT

PAGE = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
FOUND = Measured(**json.loads((ROOT / "benchmarks" / "scaling.json").read_text(encoding="utf-8")))


def test_the_tables_are_those_of_the_figures() -> None:
    assert written_into(PAGE, FOUND) == PAGE


def test_the_arithmetic_is_that_of_the_page() -> None:
    """One row by hand: ten replicas of two workers, a publication a second."""
    from benchmarks import scaling_tables

    found = Measured("today", {"0": 0.25}, {"0": 1_000_000}, 50, 80, 2.0, 4_250, 1_000)
    row = scaling_tables.row(found, Plan(10, 2, 0, 1.0))
    # 20 workers and 40 connections; 40 MiB; 20 * (1 ms of looks + 1 ms of publications); 20 MB; a quarter of a core
    assert row == "| 10 | 35 | one a second | 40 | 0.0 | 0.04 | 20.0 | 25.0% |"


def test_the_largest_deployments_are_in_the_table() -> None:
    """A thousand replicas, a million rules, a publication a second; each alone, and all at once."""
    rows = [line for line in PAGE.splitlines() if line.startswith("| 1,000 | ")]
    assert any("| 1,000,000 | one a second |" in row for row in rows)
    assert any("| 35 | one a second |" in row for row in rows)


def test_the_figures_can_be_taken_again() -> None:
    command = [sys.executable, "-m", "benchmarks.scaling", "--small"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    measured = done.stdout.split("<!-- measured")[1]
    assert "| 1,000 |" in measured
    assert "a look of a worker on both, reports included | 0 µs" not in measured
