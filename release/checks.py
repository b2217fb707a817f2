"""What was built, tried in fresh environments: installed as a stranger installs it, on every Python that is here."""

import os
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from release.artifacts import run

PYTHONS: Final = ("3.11", "3.12", "3.13")
_PINNED: Final = re.compile(r"(?m)^([A-Za-z0-9._-]+)(?:\[[^]]*\])?(==[^ \\]+)")


def python_of(version: str) -> str | None:
    """The path of a Python of this version; ``None`` where the machine has none, and none is downloaded.

    pyenv's are looked for where they lie: its shims fail for a version that is not switched on, and uv then gives up.
    """
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    lying = sorted(pyenv.glob(f"versions/{version}.*/bin/python"))
    if lying:
        return str(lying[-1])
    uv = str(Path(sys.executable).parent / "uv")
    command = [uv, "python", "find", "--no-python-downloads", "--system", version]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return found.stdout.strip() if found.returncode == 0 else None


def tried(artifact: Path, python: str, lock: Path, version: str) -> None:
    """Installs a wheel or an sdist with the versions of the lock, and begins, checks and tests a policy with it; no command
    may warn.

    Raises ``CalledProcessError`` where anything fails, and ``ValueError`` for another version than was built.
    """
    uv = str(Path(sys.executable).parent / "uv")
    with TemporaryDirectory(prefix="release-") as scratch:
        folder = Path(scratch)
        run([uv, "venv", "--quiet", "--no-python-downloads", "--python", python, "env"], folder)
        pins = folder / "constraints.txt"
        pins.write_text("".join(_pins(lock)))
        install = [uv, "pip", "install", "--quiet", "--python", "env/bin/python", "-c", str(pins)]
        run([*install, f"{artifact}[service]"], folder)
        rbac = str(folder / "env" / "bin" / "rbac")
        said = run([rbac, "--version"], folder).strip()
        if said != f"rbac {version}":
            raise ValueError(f"{artifact.name} says `{said}`")
        project = folder / "project"
        project.mkdir()
        clean = {name: "" for name in os.environ if name.startswith("POLICY_")} | {"PYTHONWARNINGS": "error"}
        for command in (
            ["init"],
            ["check", "--strict"],
            ["test", "--coverage", "--mutate", "--min-score", "100"],
        ):
            run([rbac, *command], project, **clean)
        run(
            [
                str(folder / "env" / "bin" / "python"),
                "-c",
                "import rbac.guard.fastapi, rbac.stores.postgres.store",
            ],
            project,
        )


def _pins(lock: Path) -> list[str]:
    """The versions of the lock, as constraints: without extras and hashes."""
    text = lock.read_text(encoding="utf-8")
    return [f"{name}{version}\n" for name, version in _PINNED.findall(text)]
