"""`rbac diff`: what a change of the policy grants and revokes."""

import subprocess
from pathlib import Path

import pytest

from tests.support.command import Workshop

MORE = (
    "p, user, /user, GET, allow",
    "p, admin, /admin, GET, allow",
    "p, user, /more, GET, allow",
    "g, admin, user",
)


def git(folder: Path, *arguments: str) -> None:
    """Run git in a folder, as nobody in particular and with no configuration of this machine."""
    settings = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", folder, *settings, *arguments], check=True, capture_output=True)


@pytest.fixture
def committed(workshop: Workshop) -> Workshop:
    git(workshop.folder, "init", "-q")
    git(workshop.folder, "add", "model.conf", "policy.csv")
    git(workshop.folder, "commit", "-q", "-m", "first")
    return workshop


def test_json_lists_the_cells_and_exits_with_1(workshop: Workshop) -> None:
    old = workshop.write("old.csv", workshop.policy.read_bytes())
    workshop.rules(*MORE)
    done = workshop.rbac("diff", old, workshop.policy, "--format", "json")
    assert done.code == 1
    assert done.json["granted"] == [
        {"role": "admin", "act": "GET", "obj": "/more", "rule": 3, "witness": True},
        {"role": "user", "act": "GET", "obj": "/more", "rule": 3, "witness": True},
    ]
    assert done.json["revoked"] == []
    assert done.json["equivalent"] is False
    assert done.json["old"] != done.json["new"]
    back = workshop.rbac("diff", workshop.policy, old, "--format", "json").json
    assert [cell["role"] for cell in back["revoked"]] == ["admin", "user"]
    assert back["granted"] == []


def test_a_known_route_is_no_witness(workshop: Workshop) -> None:
    old = workshop.write("old.csv", workshop.policy.read_bytes())
    workshop.rules(*MORE)
    routes = workshop.write("routes.json", '[{"act": "GET", "obj": "/more"}]')
    done = workshop.rbac("diff", old, workshop.policy, "--routes", routes, "--format", "json")
    assert all("witness" not in cell for cell in done.json["granted"])


@pytest.mark.parametrize("form", ["text", "markdown"])
def test_no_access_changes_is_exit_code_0_and_says_so(workshop: Workshop, form: str) -> None:
    old = workshop.write("old.csv", workshop.policy.read_bytes() + b"p, admin, /user, GET, allow\n")
    done = workshop.rbac("diff", old, workshop.policy, "--format", form)
    assert done.code == 0
    assert "no access changes" in done.out


def test_a_revision_of_git_is_compared_with_the_file(committed: Workshop) -> None:
    committed.rules(*MORE)
    done = committed.rbac("diff", "git:HEAD")
    assert done.code == 1
    assert "GET /more" in done.out
    git(committed.folder, "commit", "-q", "-a", "-m", "second")
    assert committed.rbac("diff", "git:HEAD").code == 0
    assert committed.rbac("diff", "git:HEAD~1", "git:HEAD", "--format", "json").json["granted"]


def test_a_revision_brings_its_own_model(committed: Workshop) -> None:
    text = committed.model.read_text(encoding="utf-8")
    committed.write("model.conf", text.replace('p.role == "everyone" || ', ""))
    committed.rules("p, everyone, /user, GET, allow")
    git(committed.folder, "commit", "-q", "-a", "-m", "without everyone")
    committed.write("model.conf", text)
    found = committed.rbac("diff", "git:HEAD", "--format", "json").json
    assert "nobody" in {cell["role"] for cell in found["granted"]}


@pytest.mark.parametrize("revision", ["git:no-such", "git:", "git:--output=x", "git:HEAD:policy.csv"])
def test_a_revision_that_cannot_be_read_is_exit_code_2(committed: Workshop, revision: str) -> None:
    done = committed.rbac("diff", revision)
    assert done.code == 2
    assert done.out == ""
    assert "rbac:" in done.err


def test_dangerous_changes_come_first_in_text(workshop: Workshop) -> None:
    old = workshop.write("old.csv", workshop.policy.read_bytes())
    workshop.rules(*MORE, "p, everyone, /leak, GET, allow")
    out = workshop.rbac("diff", old, workshop.policy).out
    assert out.index("GET /leak") < out.index("GET /more")
    assert "open to everyone, without a token" in out
    assert "nobody, any valid token, admin, user" in out
