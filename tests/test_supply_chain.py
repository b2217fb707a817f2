"""What is installed and never used: libraries in pure Python that sign and verify are not even imported."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.service import ROOT

# python-jose asks for these whatever it uses; with `cryptography` it uses none.
UNUSED = ("ecdsa", "rsa", "pyasn1")
# Real tokens of every algorithm, verified by whoever verifies them in the service.
VERIFYING = (
    "tests/rbac/guard/issuers/test_openid.py::test_keys_of_every_algorithm_stand_side_by_side_and_none_verifies_for_another",
    "tests/rbac/guard/issuers/test_issuers.py::test_a_good_token_makes_a_principal",
)


@pytest.fixture
def poisoned(tmp_path: Path) -> dict[str, str]:
    """An environment in which an import of any of them ends the process."""
    for name in UNUSED:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(
            f"import os, sys; print('{name} was imported', file=sys.stderr); os._exit(97)\n"
        )
    return os.environ | {"PYTHONPATH": str(tmp_path)}


def run(environment: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", UNUSED)
def test_an_import_of_one_would_be_seen(name: str, poisoned: dict[str, str]) -> None:
    done = run(poisoned, "-c", f"import {name}")
    assert (done.returncode, f"{name} was imported" in done.stderr) == (97, True)


def test_no_token_is_verified_by_a_library_in_pure_python(poisoned: dict[str, str]) -> None:
    done = run(poisoned, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:randomly", *VERIFYING)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout


def test_the_service_imports_none_of_them(poisoned: dict[str, str]) -> None:
    done = run(poisoned, "-c", "import app.main, app.lifespan, jose.jwt, jose.jwe, rbac.guard.fastapi")
    assert done.returncode == 0, done.stderr


def test_the_locks_hold_a_hash_of_everything_and_no_other_place_to_get_it_from() -> None:
    for lock in (*ROOT.glob("requirements*.txt"), ROOT / "deploy" / "requirements-build.txt"):
        text = lock.read_text(encoding="utf-8")
        pinned = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
        assert pinned, lock.name
        assert all("==" in line and line.endswith("\\") for line in pinned), lock.name
        assert text.count("--hash=sha256:") >= len(pinned), lock.name
        assert "://" not in text, lock.name
        assert "--index-url" not in text, lock.name
