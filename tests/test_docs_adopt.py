"""docs/adopt.md is made of the examples, word for word, and what it comes to is run."""

import base64
import json
import re
from pathlib import Path

import pytest

from tests.support.examples import EXAMPLES, FOLDER, Example, python
from tests.support.service import ROOT

PAGE = (ROOT / "docs" / "adopt.md").read_text(encoding="utf-8")
# A block and the file that it is out of, which the line above names.
BLOCKS = re.findall(r"<!-- (examples/\S+) -->\n```\w+\n(.*?)```", PAGE, re.DOTALL)
COMING_FROM = sorted(path.parent for path in (FOLDER / "coming_from").glob("*/main.py"))


def test_every_block_names_its_file() -> None:
    """But for what is typed into a shell."""
    fenced = re.findall(r"^```(\w+)$", PAGE, re.MULTILINE)
    assert len(BLOCKS) == len([kind for kind in fenced if kind != "sh"])


@pytest.mark.parametrize(("name", "text"), BLOCKS, ids=[name for name, _ in BLOCKS])
def test_a_block_is_the_files_own_text(name: str, text: str) -> None:
    whole = (ROOT / name).read_text(encoding="utf-8")
    for piece in text.split("\n...\n"):  # what is left out between two pieces
        assert piece.strip("\n") in whole, name


@pytest.mark.parametrize("folder", COMING_FROM, ids=lambda folder: folder.name)
def test_the_page_shows_the_whole_change(folder: Path) -> None:
    """The lines that stay and those that are added are the file as it is."""
    change = (folder / "change.diff").read_text(encoding="utf-8")
    lines = change.splitlines()
    after = [line[1:] for line in lines if not line.startswith("-")]
    assert "\n".join(after) + "\n" == (folder / "main.py").read_text(encoding="utf-8")
    assert change in PAGE


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_the_page_says_how_many_lines_are_changed(example: Example) -> None:
    [row] = [line for line in PAGE.splitlines() if line.startswith(f"| [`{example.name}`]")]
    assert f"| {len(example.changed_lines())} lines |" in row


_ASK = """
import json, sys
from fastapi.testclient import TestClient
import {module} as host
with TestClient(host.app, raise_server_exceptions=False) as client:
    answers = []
    for method, path, headers in json.loads(sys.argv[1]):
        answers.append(client.request(method, path, headers=headers).status_code)
    print(json.dumps(answers))
"""


def answers(folder: Path, module: str, rows: list[tuple[str, str, dict[str, str], int]]) -> list[int]:
    asked = json.dumps([row[:3] for row in rows])
    ended = python(folder, "-c", _ASK.format(module=module), asked)
    assert ended.returncode == 0, ended.stderr
    found: list[int] = json.loads(ended.stdout)
    return found


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def basic(name: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:secret".encode()).decode()}


@pytest.mark.parametrize(
    ("place", "rows"),
    [
        (
            "coming_from/hard_coded",
            [("GET", "/profile", {}, 401), ("GET", "/admin", {}, 401), ("GET", "/admin", bearer("x"), 401)],
        ),
        (
            "coming_from/fastapi_authz",
            [
                ("GET", "/dataset/open", {}, 200),
                ("GET", "/dataset/x", {}, 401),
                ("GET", "/dataset/x", basic("alice"), 200),
                ("GET", "/dataset/x", basic("bob"), 403),
                ("GET", "/dataset/open", {"Authorization": "Basic ?"}, 401),
            ],
        ),
        (
            "coming_from/enforcer",
            [
                ("GET", "/orders", {}, 401),
                ("GET", "/orders", bearer("token-of-bob"), 200),
                ("POST", "/orders/1/refund", bearer("token-of-bob"), 403),
                ("POST", "/orders/1/refund", bearer("token-of-ann"), 200),
                ("GET", "/orders", bearer("stolen"), 401),
            ],
        ),
        (
            "coming_from/decorator",
            [
                ("GET", "/me", {}, 401),
                ("GET", "/me", bearer("token-of-bob"), 200),
                ("GET", "/me", bearer("stolen"), 401),
                ("GET", "/articles", bearer("token-of-bob"), 200),
                ("PUT", "/articles/1", bearer("token-of-bob"), 403),
                ("PUT", "/articles/1", bearer("token-of-ann"), 200),
                ("PUT", "/articles/100", bearer("token-of-ann"), 403),
            ],
        ),
        (
            "pieces/mounted_alone",
            [
                ("GET", "/hello", {}, 200),
                ("GET", "/reports/sales", {}, 401),
                ("GET", "/reports/sales", bearer("ann"), 200),
                ("GET", "/reports/other", bearer("ann"), 403),
            ],
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_shown_answers_as_the_page_says(
    place: str, rows: list[tuple[str, str, dict[str, str], int]]
) -> None:
    path = FOLDER / place
    folder, module = (path, "main") if path.is_dir() else (path.parent, path.name)
    assert answers(folder, module, rows) == [row[3] for row in rows]


_ACT = """
import json
from fastapi.testclient import TestClient
from main import app, guard
with guard.acting_as(sub=""), TestClient(app) as client:
    answers = {}
    for role in ("user", "admin"):
        with guard.acting_as(role, username="Ann"):
            answers[role] = [client.get("/profile").json(), client.get("/admin").status_code]
print(json.dumps(answers))
"""


def test_roles_open_what_the_policy_says_in_place_of_hard_coded_checks() -> None:
    ended = python(FOLDER / "coming_from" / "hard_coded", "-c", _ACT)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == {"user": [{"name": "Ann"}, 403], "admin": [{"name": "Ann"}, 200]}
