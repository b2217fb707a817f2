"""The suite runs side by side and in any order, and in continuous integration a skipped test is a failure."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.clock import TestClock
from tests.support.service import ROOT
from tests.support.waiting import all_had_their_turn, until

SIDE_BY_SIDE = ("-p", "xdist", "-n", "2")
ALONE: tuple[str, ...] = ()
SKIPS = """
import pytest

def test_that_holds():
    pass

def test_that_skips():
    pytest.skip("needs what is not here")
"""
SKIPS_AS_A_WHOLE = 'import pytest\npytest.skip("needs what is not here", allow_module_level=True)\n'
CLOCK = re.compile(r"\b(?:process_time|thread_time|perf_counter)(?:_ns)?\(")
ASK = {
    "tests/support/growth.py",  # for what cannot be counted, with many turns
    "tests/support/publications.py",  # a figure for `make bench`
    "tests/browser/test_large_matrix.py",  # prints one
    # How long something took is said by a record, and read there.
    "tests/rbac/decision_log/test_buffer.py",
    "tests/rbac/guard/identity/test_recognition.py",
    "tests/rbac/guard/test_middleware.py",
}
HOLDS = "def test_that_holds():\n    pass\n"
SURROGATE = """
import logging

def test_that_prints_and_logs_half_a_pair():
    logging.getLogger("x").error("half \\ud800 a pair")

def test_that_fails_with_half_a_pair():
    assert "half \\ud800 a pair" == ""
"""


def run(directory: Path, content: str, *options: str, ci: str = "true") -> tuple[int, str]:
    """The exit code and the output of pytest on one file of tests beside this suite's own conftest."""
    (directory / "conftest.py").write_bytes((ROOT / "tests/conftest.py").read_bytes())
    (directory / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (directory / "test_it.py").write_text(content, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")} | {
        "CI": ci,
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    ended = subprocess.run(command, cwd=directory, env=environment, capture_output=True, check=False)
    return ended.returncode, ended.stdout.decode()


@pytest.mark.parametrize("options", [ALONE, SIDE_BY_SIDE], ids=["alone", "side by side"])
@pytest.mark.parametrize("content", [SKIPS, SKIPS_AS_A_WHOLE], ids=["a test", "a module"])
def test_a_skip_is_a_failure_in_continuous_integration(
    tmp_path: Path, content: str, options: tuple[str, ...]
) -> None:
    (tmp_path / "test_other.py").write_text(HOLDS, encoding="utf-8")
    code, out = run(tmp_path, content, *options)
    assert (code, "skipped tests are failures here" in out) == (1, True), out


def test_a_skip_is_no_failure_elsewhere(tmp_path: Path) -> None:
    code, out = run(tmp_path, SKIPS, *SIDE_BY_SIDE, ci="")
    assert (code, "1 passed, 1 skipped in" in out.splitlines()[-1]) == (0, True), out


@pytest.mark.parametrize("options", [ALONE, SIDE_BY_SIDE], ids=["alone", "side by side"])
def test_a_run_without_a_skip_passes_in_continuous_integration(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    code, out = run(tmp_path, HOLDS, *options)
    assert (code, "1 passed in" in out.splitlines()[-1]) == (0, True), out


def test_what_a_test_prints_logs_or_compares_may_hold_half_a_surrogate_pair(tmp_path: Path) -> None:
    code, out = run(tmp_path, SURROGATE, *SIDE_BY_SIDE)
    assert code == 1
    assert "1 failed, 1 passed in" in out.splitlines()[-1]


def test_make_runs_every_test_side_by_side() -> None:
    planned = subprocess.run(["make", "-n", "test"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "-m pytest -n logical --dist loadfile" in planned.stdout


def test_no_test_asks_a_clock_how_much_work_something_was() -> None:
    """Machines are shared: what takes how long is measured by ``make bench``, and a test counts."""
    asks = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "tests").rglob("*.py")
        if CLOCK.search(path.read_text(encoding="utf-8"))
    }
    assert asks == ASK


async def test_time_does_not_pass_unseen_by_who_lives_by_a_tests_clock() -> None:
    """Who is awake while it moves reckons the next sleep from afterwards, and the test waits in vain."""
    clock, free, rounds = TestClock(), asyncio.Event(), []

    async def keep_time() -> None:
        while True:
            await clock.clock.sleep(1)
            await free.wait()
            rounds.append(clock.elapsed)

    keeper = asyncio.create_task(keep_time())
    await until(lambda: clock.sleepers == 1)
    await clock.passes(1)
    with pytest.raises(RuntimeError, match="unseen"):
        clock.advance(1)
    passing = asyncio.create_task(clock.passes(1))
    await all_had_their_turn()
    assert not passing.done()
    free.set()
    await passing
    await until(lambda: len(rounds) == 2)
    assert rounds == [1.0, 2.0]
    keeper.cancel()
