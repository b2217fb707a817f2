"""The image: what goes into it, and that it serves as nobody in particular, from a root that nobody can write to."""

import os
import re
import shutil
import signal
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from tests.support import plain_http
from tests.support.deploy_tools import DEPLOY, hadolint
from tests.support.image import Stage, built, context_of, instructions
from tests.support.issuer import Issuer
from tests.support.ports import free_port
from tests.support.service import ROOT
from tests.support.waiting import LIMIT_S, comes_true

PRODUCTION = {
    "ENVIRONMENT": "production",
    "COGNITO_USER_POOL_ID": "eu-west-1_AbC123xyz",
    "COGNITO_APP_CLIENT_ID": "1h57kf5cpq17m0eml12EXAMPLE",
}


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """The image, as far as it can be made without an engine."""
    return built(tmp_path_factory.mktemp("image"))


@contextmanager
def container(image: Stage, log: Path, **settings: str) -> Iterator["tuple[subprocess.Popen[bytes], str]"]:
    """The image's own command, running with a read-only root; the process and its address."""
    port = free_port()
    with log.open("wb") as output:
        process = subprocess.Popen(
            image.entered(image.command, read_only=True),
            env=image.surroundings(**(PRODUCTION | {"PORT": str(port)} | settings)),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        assert comes_true(lambda: process.poll() is not None or _answers(address)), log.read_text()
        assert process.poll() is None, log.read_text()
        yield process, address
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(LIMIT_S)


def _answers(address: str) -> bool:
    try:
        return plain_http.get(f"{address}/healthz").status_code == 200
    except httpx2.TransportError:
        return False


def test_hadolint_finds_nothing() -> None:
    done = subprocess.run(
        [hadolint(), str(DEPLOY / "Dockerfile")], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_a_build_gets_what_the_image_is_made_of_and_nothing_else(tmp_path: Path) -> None:
    """Whatever lies in a checkout: settings, keys, logs, caches."""
    shutil.copytree(ROOT / "app", tmp_path / "app")
    stray = [
        ".env",
        ".env.production",
        "app/.env.production",
        "app/x.log",
        "app/__pycache__/x.pyc",
        "id_rsa",
        "tests/x.py",
    ]
    for name in stray:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("secret")
    sent = context_of(tmp_path)
    assert "app/main.py" in sent
    assert not set(stray) & set(sent)
    copied = {
        name.rstrip("/")
        for instruction, value in instructions()
        if instruction == "COPY" and "--from" not in value
        for name in value.split()[:-1]
    }
    here = context_of(ROOT)
    assert {
        next((c for c in copied if name == c or name.startswith(f"{c}/")), name) for name in here
    } - copied <= {".dockerignore"}


def test_every_package_is_installed_by_its_hash() -> None:
    """Or without an index at all, which is our own wheel."""
    runs = [
        part for instruction, value in instructions() if instruction == "RUN" for part in value.split("&&")
    ]
    installs = [part for part in runs if re.search(r" pip .*\b(install|wheel)\b", part)]
    assert len(installs) == 4
    assert all("--require-hashes" in part or "--no-index" in part for part in installs)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_it_serves_as_nobody_in_particular_from_a_read_only_root(
    image: Stage, tmp_path: Path, workers: str
) -> None:
    with container(image, tmp_path / "log", WORKERS=workers, SHUTDOWN_DELAY="0") as (process, address):
        ids = Path(f"/proc/{process.pid}/status").read_text()
        assert "Uid:\t10001\t10001\t10001\t10001" in ids
        assert "CapEff:\t0000000000000000" in ids
        answers = {
            path: plain_http.get(address + path).status_code for path in ("/public", "/user", "/nowhere")
        }
        assert answers == {"/public": 200, "/user": 401, "/nowhere": 401}
        port = address.rpartition(":")[2]
        assert image.run(image.health, PORT=port).returncode == 0
        process.send_signal(getattr(signal, image.stop_signal))
        assert process.wait(LIMIT_S) == 0, (tmp_path / "log").read_text()
    assert image.run(image.health, PORT=port).returncode != 0


def test_what_it_reads_is_written_by_nobody(image: Stage) -> None:
    """No file of the image is its user's, or anybody's, to change; only the two volumes are."""
    mine = [
        path
        for top in ("opt", "srv", "var")
        for path in (image.root / top).rglob("*")
        if not path.is_symlink()
        and (path.stat().st_uid != 0 or path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH))
    ]
    assert [str(path.relative_to(image.root)) for path in mine] == ["var/cache/sekisho"]
    for path, writable in {
        "/srv/sekisho/policy.csv": False,
        "/etc/x": False,
        "/tmp/x": True,
        "/var/cache/sekisho/x": True,
    }.items():
        done = image.run(["sh", "-c", f": >> {path}"])
        assert (done.returncode == 0) is writable, (path, done.stderr)


def test_it_holds_the_command_and_no_tool_of_a_developer(image: Stage) -> None:
    assert image.run(["rbac", "--version"]).stdout.startswith("rbac ")
    checked = image.run(["rbac", "check", "--strict"])
    assert checked.returncode == 0, checked.stdout + checked.stderr
    for module in ("pytest", "moto", "mypy", "setuptools", "pip", "ecdsa", "rsa", "pyasn1"):
        assert image.run(["python", "-c", f"import {module}"]).returncode != 0, module


def test_a_setting_that_is_missing_stops_it_and_says_which(image: Stage) -> None:
    done = image.run(image.command, COGNITO_USER_POOL_ID="eu-west-1_AbC123xyz")
    assert done.returncode == 2
    assert "ENVIRONMENT" in done.stderr


def test_it_takes_a_setting_from_a_secret_that_is_mounted(
    image: Stage, issuer: Issuer, tmp_path: Path
) -> None:
    secret = image.root.with_name(f"{image.root.name}.volumes") / "tmp" / "pool"
    secret.write_text(f"{issuer.pool_id}\n")
    settings = {
        "ENVIRONMENT": "development",
        "COGNITO_USER_POOL_ID": "",
        "COGNITO_USER_POOL_ID_FILE": "/tmp/pool",
    }
    known = {"COGNITO_APP_CLIENT_ID": issuer.client_id, "COGNITO_ENDPOINT_URL": issuer.endpoint}
    with container(image, tmp_path / "log", **settings, **known) as (_, address):
        assert comes_true(lambda: plain_http.get(f"{address}/readyz").status_code == 200)
        token = issuer.token(**{"custom:role": "user"})
        headers = {"Authorization": f"Bearer {token}"}
        assert plain_http.get(f"{address}/user", headers=headers).status_code == 200
