"""`rbac can`: what a caller reaches."""

import pytest

from tests.support.command import Workshop


def test_json_lists_what_is_reached_and_by_which_line(workshop: Workshop) -> None:
    done = workshop.rbac("can", "--role", "admin", "--format", "json")
    assert done.code == 0
    assert set(done.json) == {"revision", "endpoints", "complete", "notes"}
    assert done.json["endpoints"] == [
        {"act": "GET", "obj": "/admin", "allowed": True, "rule": 2},
        {"act": "GET", "obj": "/user", "allowed": True, "rule": 1},
    ]


def test_all_shows_what_is_denied_too(workshop: Workshop) -> None:
    done = workshop.rbac("can", "--role", "user", "--all", "--format", "json")
    assert {"act": "GET", "obj": "/admin", "allowed": False, "rule": None} in done.json["endpoints"]
    text = workshop.rbac("can", "--role", "user", "--all")
    assert text.out.startswith("no  GET  /admin")


def test_text_names_the_rule(workshop: Workshop) -> None:
    assert workshop.rbac("can", "--role", "user").out == "GET  /user  line 1: p, user, /user, GET, allow\n"


def test_without_a_caller_it_is_about_nobody(workshop: Workshop) -> None:
    assert workshop.rbac("can").out == "this caller reaches nothing\n"
    workshop.rules("p, everyone, /open, GET, allow")
    assert workshop.rbac("can").out.startswith("GET  /open")


def test_a_person_has_the_roles_that_links_give(workshop: Workshop) -> None:
    workshop.rules("p, user, /user, GET, allow", "g, ann@example.org, user")
    assert workshop.rbac("can", "--sub", "ann@example.org", "--format", "json").json["endpoints"]


def test_several_roles_are_decided_together(workshop: Workshop) -> None:
    done = workshop.rbac("can", "--role", "nothing", "--role", "user", "--format", "json")
    assert [endpoint["obj"] for endpoint in done.json["endpoints"]] == ["/user"]


def test_a_missing_policy_is_exit_code_2(workshop: Workshop) -> None:
    workshop.policy.unlink()
    done = workshop.rbac("can")
    assert done.code == 2
    assert done.out == ""


@pytest.mark.parametrize("command", [("can",), ("explain", "--act", "GET", "--obj", "/user")])
@pytest.mark.parametrize(
    ("role", "note"),
    [
        ("user", ""),
        ("usr", "note: the policy knows no role `usr`; did you mean `user`?\n"),
        ("zzz", "note: the policy knows no role `zzz`\n"),
        ("everyone", "note: `everyone` is a word of the model that no caller has as a role\n"),
        ("ann@x", "note: `ann@x` is a person and no role; write `--sub ann@x`\n"),
    ],
)
def test_a_role_that_the_policy_does_not_know_is_noted(
    workshop: Workshop, command: tuple[str, ...], role: str, note: str
) -> None:
    workshop.rules("p, user, /user, GET, allow", "g, ann@x, user")
    done = workshop.rbac(*command, "--role", role, "--format", "json")
    assert done.err == note
    assert done.json


def test_a_policy_without_rules_has_no_endpoints(workshop: Workshop) -> None:
    workshop.rules("# nothing yet")
    assert workshop.rbac("can").out == "this caller reaches nothing\n"
    assert workshop.rbac("matrix", "--format", "json").json["endpoints"] == []
    allowing = workshop.model.read_text().replace("some(where (p.eft == allow)) && ", "")
    workshop.write("model.conf", allowing)
    assert workshop.rbac("matrix", "--format", "json").json["endpoints"]


@pytest.mark.parametrize("command", [("can",), ("explain", "--act", "GET", "--obj", "/user")])
def test_a_person_named_like_a_role_is_noted(workshop: Workshop, command: tuple[str, ...]) -> None:
    noted = workshop.rbac(*command, "--sub", "admin")
    assert noted.err.startswith("note: `admin` is a role, and to Casbin whoever is called so has it")
    assert "/user" in noted.out
    assert workshop.rbac(*command, "--sub", "ann@x").err == ""
