"""`rbac can`: what a caller reaches."""

from tests.support.command import Workshop


def test_json_lists_what_is_reached_and_by_which_line(workshop: Workshop) -> None:
    done = workshop.rbac("can", "--role", "admin", "--format", "json")
    assert done.code == 0
    assert set(done.json) == {"revision", "endpoints"}
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
