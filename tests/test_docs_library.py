"""The Python of docs/library.md does what the page says, and the files that docs/architecture.md names are there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.service import ROOT

LIBRARY = (ROOT / "docs/library.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", LIBRARY, re.DOTALL)


@pytest.mark.parametrize("code", [block for block in BLOCKS if not block.startswith("def test_")])
def test_a_program_of_the_page_runs(code: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("code", [block for block in BLOCKS if block.startswith("def test_")])
def test_a_test_of_the_page_passes(code: str, tmp_path: Path) -> None:
    for name in ("model.conf", "policy.csv"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "test_page.py").write_text(code)
    run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", ".", "test_page.py"]
    ended = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "1 passed" in ended.stdout, ended.stdout + ended.stderr


def test_every_file_that_the_architecture_names_is_there() -> None:
    named = set(re.findall(r"`((?:app|rbac)/[\w/.]*)`", ARCHITECTURE))
    assert named
    assert {name for name in named if not (ROOT / name).exists()} == set()
