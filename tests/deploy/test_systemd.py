"""The unit for a plain machine: systemd reads it, it takes nearly everything away, and the service runs as docs/systemd.md says."""

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from app.config import Settings
from tests.support import plain_http
from tests.support.deploy_tools import DEPLOY
from tests.support.ports import free_port
from tests.support.service import ROOT, clean_environment
from tests.support.waiting import LIMIT_S, comes_true, written

UNIT = (DEPLOY / "systemd" / "sekisho.service").read_text(encoding="utf-8")
PAGE = (ROOT / "docs" / "systemd.md").read_text(encoding="utf-8")
needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None,
    reason="systemd-analyze is not installed: apt-get install systemd",
)
# As MemoryDenyWriteExecute= has it, where the kernel can (6.3): prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN).
_NO_WRITABLE_CODE = "import ctypes, os, sys; ctypes.CDLL(None).prctl(65, 1, 0, 0, 0); os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"


def value(name: str) -> str:
    """The one value of a directive."""
    [found] = re.findall(rf"^{name}=(.*)$", UNIT, re.MULTILINE)
    return str(found)


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit, with a Python that is there."""
    path = tmp_path / "sekisho.service"
    path.write_text(UNIT.replace("/opt/sekisho/.venv/bin/python", sys.executable))
    return path


@needs_systemd
def test_systemd_understands_every_line(unit: Path) -> None:
    ended = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    unit.write_text(UNIT.replace("ProtectClock=yes", "ProtectClok=yes"))
    wrong = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False
    )
    assert "ProtectClok" in wrong.stderr


@needs_systemd
def test_it_is_as_little_exposed_as_the_page_says(unit: Path) -> None:
    asked = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit)]
    said = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
    found = re.search(r"Overall exposure level for sekisho\.service: ([\d.]+)", said)
    assert found is not None, said
    assert f"gives it {found[1]} of 10" in PAGE
    assert float(found[1]) < 2


def test_a_stop_has_its_time_and_a_refusal_is_not_tried_again() -> None:
    """The delay of production, the requests, the decision log; and 20 seconds to spare, as in all of deploy/."""
    ends_in = int(re.findall(r"`(\d+)`", str(Settings.model_fields["shutdown_delay"].json_schema_extra))[-1])
    assert int(value("TimeoutStopSec")) >= ends_in + 20
    assert value("RestartPreventExitStatus") == "2"


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Path]:
    """The folders that the page makes, below ``tmp_path``, and the service in them; without writable code."""
    etc, logs = tmp_path / "etc", tmp_path / "log"
    etc.mkdir()
    logs.mkdir()
    [copied] = re.findall(r"^cp -r (.*) /etc/sekisho/$", PAGE, re.MULTILINE)
    for name in copied.split():
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, etc / name)
    [own] = re.findall(r"```ini\n(.*?)```", PAGE, re.DOTALL)
    filled = (ROOT / ".env.production.example").read_text()
    for hole, name in (
        ("<user pool id>", "eu-west-1_AbC123xyz"),
        ("<app client id>", "1h57kf5cpq17m0eml12EXAMPLE"),
        ("<front end>", "shop.example.com"),
    ):
        filled = filled.replace(hole, name)
    names = {line.partition("=")[0] for line in own.splitlines()} | {"PORT"}
    kept = [line for line in filled.splitlines() if line.partition("=")[0] not in names]
    port = free_port()
    own = own.replace("/var/log/sekisho", str(logs)) + f"PORT={port}\n"
    (etc / ".env.production").write_text("\n".join([*kept, own]))
    environment = clean_environment(
        ENVIRONMENT="production", PYTHONPATH=str(ROOT), PYTHONDONTWRITEBYTECODE="1"
    )
    with (tmp_path / "out.log").open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", _NO_WRITABLE_CODE, "-m", "app"],
            cwd=etc,
            env=environment,
            stdout=out,
            stderr=out,
        )
    try:
        assert comes_true(lambda: process.poll() is not None or _alive(port)), written(tmp_path / "out.log")
        assert process.poll() is None, written(tmp_path / "out.log")
        yield tmp_path
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(LIMIT_S)


def _alive(port: int) -> bool:
    try:
        return plain_http.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
    except httpx2.TransportError:
        return False


def test_the_service_runs_from_the_page_s_folders_and_writes_into_none_of_them(machine: Path) -> None:
    assert comes_true(lambda: "/healthz" in written(machine / "log" / "decisions.jsonl"))
    made = {path.name for path in (machine / "etc").iterdir()}
    [copied] = re.findall(r"^cp -r (.*) /etc/sekisho/$", PAGE, re.MULTILINE)
    assert made == {*copied.split(), ".env.production"}
