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
    more = {"act": "GET", "obj": "/more", "rule": 3, "witness": True}
    assert done.json["granted"] == [{"role": "admin", **more}, {"role": "user", **more}]
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
    assert "callers without a token, any valid token, admin, user" in out


def test_the_first_line_is_about_people(workshop: Workshop) -> None:
    old = workshop.write("old.csv", workshop.policy.read_bytes())
    person = "3b7e5c0a-9d5e-4a52-8f0e-6c1d2b9a4f11"
    workshop.write("policy.csv", workshop.policy.read_bytes() + f"g, {person}, admin\n".encode())
    out = workshop.rbac("diff", old).out
    assert out.startswith("one person becomes `admin`  ")
    assert f"+ {person} becomes `admin` (line 4), gains 2 endpoints" in out
    assert "+ admin" not in out


def test_old_routes_say_who_gets_a_new_endpoint(workshop: Workshop) -> None:
    workshop.rules("p, user, /user, GET, allow", "p, admin, /admin/*, *, allow")
    old = workshop.write("old.json", '[{"act": "GET", "obj": "/user"}]')
    new = workshop.write(
        "new.json", '[{"act": "GET", "obj": "/user"}, {"act": "DELETE", "obj": "/admin/users"}]'
    )
    done = workshop.rbac("diff", "--old-routes", old, "--routes", new)
    assert done.code == 1
    assert (
        "New endpoints\n  + DELETE /admin/users\n      admin\n      by line 2: p, admin, /admin/*" in done.out
    )
    markdown = workshop.rbac("diff", "--old-routes", old, "--routes", new, "--format", "markdown").out
    assert "| `DELETE /admin/users` | `admin` | line 2: `p, admin, /admin/*, *, allow` |" in markdown
    shape = workshop.rbac("diff", "--old-routes", old, "--routes", new, "--format", "json").json
    assert shape["new_endpoints"] == [
        {"act": "DELETE", "obj": "/admin/users", "reached": [{"role": "admin", "rule": 2}]}
    ]
    same = workshop.rbac("diff", "--old-routes", new, "--routes", new)
    assert same.code == 0
    assert "New endpoints" not in same.out


def test_without_a_policy_before_there_is_nothing_to_compare(workshop: Workshop) -> None:
    done = workshop.rbac("diff")
    assert done.code == 2
    assert "git:HEAD" in done.err
