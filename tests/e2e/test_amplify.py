"""The sign-in of docs/sign-in.md with AWS's own library, in Node, against `make run`."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from app.dev import cognito
from app.settings.defaults import LOCAL_CLIENT_ID
from tests.e2e.conftest import Demo
from tests.support.service import ROOT
from tests.support.waiting import LIMIT_S

LIBRARY = "aws-amplify@6.22.1"
PAGE = (ROOT / "docs" / "sign-in.md").read_text(encoding="utf-8")
[SCRIPT] = [block for block in re.findall(r"```js\n(.*?)```", PAGE, re.DOTALL) if "aws-amplify" in block]


@pytest.fixture(scope="session")
def amplify(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory in which Node finds the library."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("needs Node and npm: apt-get install nodejs npm")
    directory = tmp_path_factory.mktemp("amplify")
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"]
    subprocess.run([npm, "install", *options, LIBRARY], cwd=directory, check=True, timeout=10 * LIMIT_S)
    return directory


def run(demo: Demo, amplify: Path, script: str) -> "subprocess.CompletedProcess[str]":
    """Runs the page's script with this run's ports, and has it say what it was answered."""
    script = script.replace("http://127.0.0.1:9229", demo.endpoint_url)
    script = script.replace("http://127.0.0.1:8000", demo.service.base_url)
    script = script.replace("await signOut();", 'console.log("answered", answer.status);\nawait signOut();')
    (amplify / "page.mjs").write_text(script)
    node = shutil.which("node") or "node"
    return subprocess.run(
        [node, "page.mjs"], cwd=amplify, capture_output=True, text=True, timeout=2 * LIMIT_S, check=False
    )


def test_the_pages_sign_in_is_answered_by_the_policy(demo: Demo, amplify: Path) -> None:
    ended = run(demo, amplify, SCRIPT)
    assert "answered 200" in ended.stdout, ended.stderr
    assert "answered 403" in run(demo, amplify, SCRIPT.replace("/user", "/admin")).stdout


def test_a_wrong_password_is_not_proved(demo: Demo, amplify: Path) -> None:
    ended = run(demo, amplify, SCRIPT.replace(cognito.PASSWORD, "Wrong-2026!"))
    assert ended.returncode != 0
    assert "NotAuthorizedException" in ended.stderr


def test_the_page_names_the_pool_and_the_client_of_make_run() -> None:
    assert LOCAL_CLIENT_ID in SCRIPT
    assert cognito.PASSWORD in SCRIPT
