"""Where the older namesake of `pycasbin` has overwritten its files, importing the package says so in one sentence."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import casbin
import pytest

from rbac import installed

ROOT = Path(__file__).parents[2]


def imported(path: Path, statement: str = "import rbac") -> subprocess.CompletedProcess[str]:
    """A fresh Python that finds what is in ``path`` before what is installed."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(path), str(ROOT)])}
    return subprocess.run(
        [sys.executable, "-c", statement],
        cwd=path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def older(path: Path) -> None:
    """The package `casbin` as its older namesake leaves it: without what only pycasbin has."""
    shutil.copytree(Path(casbin.__file__).parent, path / "casbin")
    for file in (path / "casbin").rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace("def add_named_grouping_policies_ex", "def _gone"), encoding="utf-8")


def emptied(path: Path) -> None:
    """What is left when the namesake was uninstalled, and took the shared files along."""
    (path / "casbin" / "__pycache__").mkdir(parents=True)
    (path / "casbin" / "__init__.py").write_text("", encoding="utf-8")


def broken(path: Path) -> None:
    """Half of the files of each."""
    (path / "casbin").mkdir()
    (path / "casbin" / "__init__.py").write_text("from casbin.gone import Enforcer\n", encoding="utf-8")


@pytest.mark.parametrize("doctored", [older, emptied, broken], ids=lambda doctored: doctored.__name__)
@pytest.mark.parametrize(
    "statement", ["import rbac", "from rbac.cli import main", "import rbac.engine.enforcer"]
)
def test_the_cure_is_named_in_one_sentence(tmp_path: Path, doctored: object, statement: str) -> None:
    """Not an AttributeError somewhere inside, whatever is imported first."""
    assert callable(doctored)
    doctored(tmp_path)
    done = imported(tmp_path, statement)
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: the package `casbin` is not the one of `pycasbin`")
    assert "`pip uninstall -y casbin`" in last
    assert "`pip install --force-reinstall --no-deps pycasbin==" in last


def test_the_right_package_is_imported_without_a_word(tmp_path: Path) -> None:
    """A fresh process with what is installed imports it."""
    done = imported(tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    installed.check_casbin()
