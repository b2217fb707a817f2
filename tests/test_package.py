"""What is installed from the wheel: `rbac` alone, beside whatever the adopter has, with what each extra promises."""

import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.command import ROOT
from tests.support.examples import EXAMPLES
from tests.support.service import clean_environment

LIMIT_S = 300
UV = str(Path(sys.executable).parent / "uv")
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?(==[^ \\]+)", re.MULTILINE)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of what the repository holds: setuptools leaves its own files beside the sources."""
    copy = tmp_path_factory.mktemp("source")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "rbac", "pytest_rbac.py", "pyproject.toml", "README.md", "LICENSE", "app"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout
    for name in filter(None, listed.decode().split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_bytes((ROOT / name).read_bytes())
    out = tmp_path_factory.mktemp("wheel")
    run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", str(out), str(copy)], copy)
    return next(out.glob("*.whl"))


def run(command: Sequence[str], cwd: Path) -> str:
    done = ended(command, cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def ended(command: Sequence[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=cwd,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def pinned(folder: Path) -> Path:
    """The versions of the lock file, as constraints."""
    constraints = folder / "constraints.txt"
    pins = _PINNED.findall((ROOT / "requirements-dev.txt").read_text())
    constraints.write_text("\n".join(name + version for name, version in pins))
    return constraints


def with_pip(folder: Path, *steps: Sequence[str]) -> Path:
    """A fresh environment in which pip has installed one step after another; its ``bin``."""
    venv.create(folder, with_pip=True)
    install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c", str(pinned(folder))]
    for step in steps:
        run([str(folder / "bin" / "python"), *install, *step], folder)
    return folder / "bin"


def environment(folder: Path, *requirements: str) -> Path:
    """A fresh environment with these and what they need; its ``bin``."""
    return with_pip(folder, requirements)


def with_uv(folder: Path, *steps: Sequence[str], python: str = sys.executable) -> Path:
    """As :func:`with_pip`, and it is uv that installs, into an environment of this Python."""
    run([UV, "venv", "--quiet", "--no-python-downloads", "--python", python, str(folder)], folder.parent)
    install = [UV, "pip", "install", "--quiet", "--python", str(folder / "bin" / "python")]
    for step in steps:
        run([*install, "-c", str(pinned(folder)), *step], folder)
    return folder / "bin"


def test_the_wheel_holds_rbac_alone(wheel: Path) -> None:
    """`pytest_rbac` is what pytest loads before anybody imports `rbac`; nothing else takes a name."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"rbac", "pytest_rbac.py"}
    data = {name for name in names if name.startswith("rbac/") and not name.endswith((".py", ".sql"))}
    assert data == {
        "rbac/py.typed",
        "rbac/policy_test.schema.json",
        "rbac/template/model.conf",
        "rbac/template/policy.csv",
        "rbac/template/revocations.csv",
        "rbac/template/policy_tests/orders.yaml",
    }
    assert any(name.endswith("licenses/LICENSE") for name in names)


# Why an import fails without the extra that it takes: the last line of what Python says.
_GUARD = "ModuleNotFoundError: `{}` is not installed; it comes with the extra `guard`: pip install 'sekisho[guard]'"
_FASTAPI = "ModuleNotFoundError: `fastapi` is not installed; it comes with the extra `fastapi`: pip install 'sekisho[fastapi]'"
_PRESET = "from rbac.guard import cognito; cognito('ap-northeast-1_AbC123xyz', 'client')"
_OWN = "from rbac.guard import Guard, Principal, cookie; Guard(identify=Principal, credentials=cookie('s')).middleware(print)"


def said(bin_: Path, folder: Path, code: str) -> str:
    """The last line of what Python says about ``code``; "" where it runs."""
    done = ended([str(bin_ / "python"), "-c", code], folder)
    return done.stderr.strip().splitlines()[-1] if done.returncode else ""


def test_the_core_alone_begins_checks_and_tests_a_policy(wheel: Path, tmp_path: Path) -> None:
    """Without any extra: the library, the command and pytest's plugin; beside an `app` of the adopter's own."""
    bin_ = with_pip(tmp_path / "env", [str(wheel), "pytest"])
    project = tmp_path / "project"
    (project / "app").mkdir(parents=True)
    (project / "app" / "__init__.py").write_text("MINE = True\n")
    rbac = str(bin_ / "rbac")
    assert run([rbac, "--version"], project).startswith("rbac ")
    run([rbac, "init"], project)
    run([rbac, "check", "--strict"], project)
    run([rbac, "test", "--coverage", "--mutate", "--min-score", "100"], project)
    python = str(bin_ / "python")
    decided = (
        "import app, rbac; policy = rbac.Policy.load('model.conf', 'policy.csv'); "
        "print(app.MINE, policy.decide(sub='7f3c', roles=['clerk'], obj='/orders', act='POST').allowed)"
    )
    assert run([python, "-c", decided], project).split() == ["True", "True"]
    assert "5 passed" in run([python, "-m", "pytest", "-q"], project)
    # A guard with an `identify` of the application's own needs no more than this.
    assert said(bin_, project, _OWN) == ""
    assert said(bin_, project, _PRESET) == _GUARD.format("httpx2")
    assert said(bin_, project, "import rbac.authzen.client") == _GUARD.format("httpx2")
    assert said(bin_, project, "import rbac.guard.fastapi") == _FASTAPI


def test_the_guard_knows_its_issuers_without_the_framework(wheel: Path, tmp_path: Path) -> None:
    bin_ = with_uv(tmp_path / "env", [f"{wheel}[guard]"])
    assert said(bin_, tmp_path, _PRESET) == ""
    assert said(bin_, tmp_path, "import rbac.authzen.client") == ""
    assert said(bin_, tmp_path, "import uvicorn").startswith("ModuleNotFoundError")


def other_python(version: str) -> str | None:
    """The path of a Python of this version, ``None`` where the machine has none; none is downloaded."""
    home = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    candidates = [*sorted(home.glob(f"versions/{version}.*/bin/python")), shutil.which(f"python{version}")]
    works = (
        each for each in candidates if each and not ended([str(each), "-c", "import venv"], ROOT).returncode
    )
    return next((str(each) for each in works), None)


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_the_examples_run_on_what_is_installed(wheel: Path, tmp_path: Path, version: str) -> None:
    """Their own tests, with the extra `fastapi`, in an environment that has nothing of this repository."""
    python = sys.executable if version == "3.11" else other_python(version)
    if python is None:
        pytest.skip(f"no Python {version} on this machine")
    bin_ = with_uv(tmp_path / "env", [f"{wheel}[fastapi]", "pytest", "httpx2"], python=python)

    def own_tests(folder: Path) -> str:
        return run([str(bin_ / "python"), "-m", "pytest", "-q"], folder)

    copies = [each.copied(tmp_path) for each in EXAMPLES]
    with ThreadPoolExecutor(len(copies)) as pool:
        assert all("passed" in told for told in pool.map(own_tests, copies))
    where = run([str(bin_ / "python"), "-c", "import sys, rbac; print(sys.version, rbac.__file__)"], tmp_path)
    assert where.startswith(f"{version}.")
    assert str(tmp_path) in where


@pytest.fixture(scope="module")
def adopter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A distribution with a package `app` of its own, as nearly every project of FastAPI has it."""
    source = tmp_path_factory.mktemp("adopter")
    (source / "app" / "routers").mkdir(parents=True)
    for name, text in {
        "app/__init__.py": "MINE = True\n",
        "app/main.py": "MINE = True\n",
        "app/routers/__init__.py": "",
        "pyproject.toml": '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        '[project]\nname = "adopter"\nversion = "1"\n[tool.setuptools]\npackages = ["app", "app.routers"]\n',
    }.items():
        (source / name).write_text(text)
    run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", str(source), str(source)], source)
    return next(source.glob("*.whl"))


@pytest.mark.parametrize("install", [with_pip, with_uv], ids=["pip", "uv"])
@pytest.mark.parametrize("first", ["adopter", "rbac"])
def test_an_app_of_the_adopters_own_stays_whichever_is_installed_first(
    wheel: Path, adopter: Path, tmp_path: Path, install: Callable[..., Path], first: str
) -> None:
    """What is removed takes nothing of the other along, either."""
    steps = [["--no-deps", str(adopter)], ["--no-deps", str(wheel)]]
    bin_ = install(tmp_path / "env", *(steps if first == "adopter" else reversed(steps)))
    look = (
        "import app, app.main, app.routers, importlib.util as find; print(app.MINE, app.main.MINE, "
        "find.find_spec('rbac') is not None, find.find_spec('app.settings') is not None)"
    )
    python = str(bin_ / "python")
    assert run([python, "-c", look], tmp_path).split() == ["True", "True", "True", "False"]
    run([UV, "pip", "uninstall", "--quiet", "--python", python, "sekisho"], tmp_path)
    assert run([python, "-c", look], tmp_path).split() == ["True", "True", "False", "False"]


def test_the_command_runs_without_being_installed(wheel: Path, tmp_path: Path) -> None:
    """`uvx --from sekisho rbac …`, and `pipx run` alike: an environment that is made for one command."""
    once = [UV, "tool", "run", "--no-python-downloads", "--python", sys.executable]
    once += ["-c", str(pinned(tmp_path)), "--from", str(wheel), "rbac"]
    assert run([*once, "--version"], tmp_path).startswith("rbac ")
    run([*once, "init"], tmp_path)
    assert "all hold" in run([*once, "test"], tmp_path)
