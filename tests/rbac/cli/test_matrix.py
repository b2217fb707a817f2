"""`rbac matrix`: roles against endpoints."""

import json
from pathlib import Path

import pytest

from tests.support.command import ROOT, Workshop, rbac

GITHUB = ROOT / "tests" / "data" / "github"


def test_json_has_a_row_for_each_role_and_a_column_for_each_endpoint(workshop: Workshop) -> None:
    shape = workshop.rbac("matrix", "--format", "json").json
    assert shape["roles"] == ["nobody", "any valid token", "admin", "user"]
    assert shape["endpoints"] == [{"act": "GET", "obj": "/admin"}, {"act": "GET", "obj": "/user"}]
    assert shape["cells"][2] == [
        {"allowed": True, "rule": 2, "inherited": False},
        {"allowed": True, "rule": 1, "inherited": True},
    ]
    assert shape["cells"][0] == [{"allowed": False, "rule": None, "inherited": False}] * 2
    assert shape["complete"] is True


def test_text_fits_a_terminal_of_80_columns(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    few = workshop.rbac("matrix").out
    assert "endpoint" in few
    workshop.rules(
        *(f"p, a-rather-long-role-{number}, /somewhere/{number}, GET, allow" for number in range(20))
    )
    many = workshop.rbac("matrix").out
    assert max(map(len, (few + many).splitlines())) <= 80
    assert "GET /somewhere/7" in many


@pytest.mark.parametrize(
    ("form", "beginning"),
    [
        ("csv", "method,path,nobody"),
        ("markdown", "| endpoint |"),
        ("html", "<!doctype html>"),
        ("svg", "<svg"),
    ],
)
def test_every_other_form_goes_to_stdout(workshop: Workshop, form: str, beginning: str) -> None:
    done = workshop.rbac("matrix", "--format", form)
    assert done.code == 0
    assert done.out.startswith(beginning)


def test_what_cannot_be_complete_is_noted(workshop: Workshop) -> None:
    text = workshop.model.read_text(encoding="utf-8").replace(
        "keyMatch3(r.obj, p.obj)", "globMatch(r.obj, p.obj)"
    )
    workshop.write("model.conf", text)
    done = workshop.rbac("matrix", "--format", "json")
    assert done.json["complete"] is False
    assert "globMatch" in done.json["notes"][0]
    assert "note:" in done.err


def test_a_thousand_routes_are_no_trouble(tmp_path: Path) -> None:
    arguments = ("--model", GITHUB / "model.conf", "--policy", GITHUB / "policy.csv")
    done = rbac("matrix", *arguments, "--routes", GITHUB / "routes.json", "--format", "json")
    shape = json.loads(done.out)
    assert sum("template" not in endpoint for endpoint in shape["endpoints"]) == 1015
    # GitHub's paths overlap: `/issues/{issue_number}/parent` is also `/issues/comments/{comment_id}`.
    parts = {endpoint["obj"] for endpoint in shape["endpoints"] if "template" in endpoint}
    assert len(parts) > 5
    assert all("{" not in path for path in parts)
    assert len(shape["cells"]) == len(shape["roles"]) == 242
    row = dict(
        zip(
            ((e["act"], e["obj"]) for e in shape["endpoints"]),
            shape["cells"][shape["roles"].index("metadata:read")],
            strict=True,
        )
    )
    assert row["GET", "/emojis"]["allowed"]
    assert not row["DELETE", "/repos/{owner}/{repo}"]["allowed"]


PERSON = "3b7e5c0a-9d5e-4a52-8f0e-6c1d2b9a4f11"
LOCKED_OUT = "7f3c1e52-1111-4222-8333-444455556666"


def test_people_whom_the_document_names_are_rows_once_each(workshop: Workshop) -> None:
    workshop.rules(
        "p, user, /user, GET, allow",
        "p, admin, /admin, GET, allow",
        f"g, {PERSON}, admin",
        f"p, {LOCKED_OUT}, /*, *, deny",
    )
    shape = workshop.rbac("matrix", "--format", "json").json
    assert shape["roles"] == ["nobody", "any valid token", "admin", "user", PERSON, LOCKED_OUT]
    assert shape["people"] == [PERSON, LOCKED_OUT]
    column = [(e["act"], e["obj"]) for e in shape["endpoints"]].index(("GET", "/admin"))
    assert shape["cells"][4][column] == {"allowed": True, "rule": 2, "inherited": True}
    assert shape["cells"][5][column] == {"allowed": False, "rule": 4, "inherited": False}


def test_people_who_reach_nothing_are_named_once_where_there_is_no_room_for_columns(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    workshop.rules(
        "p, user, /user, GET, allow",
        "p, admin, /admin, GET, allow",
        f"g, {PERSON}, admin",
        f"p, {LOCKED_OUT}, /*, *, deny",
    )
    out = workshop.rbac("matrix").out
    assert out.count(LOCKED_OUT) == 1
    assert out.count(PERSON) == 1
    assert f"People who reach nothing\n    {LOCKED_OUT}\n" in out


def test_through_a_program_is_what_both_may_do(workshop: Workshop) -> None:
    workshop.rules("p, user, /orders, *, allow", "p, scope:orders/read, /orders, GET, allow")
    shown = workshop.rbac("matrix", "--routes", "none", "--scope", "orders/read", "--format", "json").json
    assert shown["roles"] == ["any valid token", "user"]
    reached = {
        f"{endpoint['act']} {endpoint['obj']}"
        for endpoint, cell in zip(shown["endpoints"], shown["cells"][1], strict=True)
        if cell["allowed"]
    }
    assert reached == {"GET /orders"}
