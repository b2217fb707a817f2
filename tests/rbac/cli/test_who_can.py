"""`rbac who-can`: who reaches an endpoint."""

import pytest

from tests.support.command import Workshop

PERSON = "7f3c1e52-0000-0000-0000-000000000000"


def test_json_has_roles_and_people_with_the_way_to_the_rule(workshop: Workshop) -> None:
    workshop.rules("p, user, /user, GET, allow", "g, admin, user", f"g, {PERSON}, admin")
    done = workshop.rbac("who-can", "GET", "/user", "--format", "json")
    assert done.code == 0
    assert done.json["roles"] == [
        {"role": "admin", "rule": 1, "role_path": ["admin", "user"]},
        {"role": "user", "rule": 1, "role_path": ["user"]},
    ]
    assert done.json["subjects"] == [{"sub": PERSON, "rule": 1, "role_path": [PERSON, "admin", "user"]}]
    assert (done.json["nobody"], done.json["any_valid_token"]) == (False, False)


def test_what_is_open_to_all_says_so(workshop: Workshop) -> None:
    workshop.rules("p, everyone, /, GET, allow", "p, user, /user, GET, allow")
    done = workshop.rbac("who-can", "GET", "/", "--format", "json")
    assert (done.json["nobody"], done.json["any_valid_token"]) == (True, True)
    assert [role["role"] for role in done.json["roles"]] == ["user"]
    assert workshop.rbac("who-can", "GET", "/").out.startswith("nobody ")


def test_nobody_is_an_answer(workshop: Workshop) -> None:
    done = workshop.rbac("who-can", "DELETE", "/user")
    assert (done.code, done.out) == (
        0,
        "no caller reaches it: no role, no person, and nobody without a token\n",
    )


def test_subjects_are_told_by_a_pattern_of_ones_own(workshop: Workshop) -> None:
    workshop.rules("p, user, /user, GET, allow", "g, emp-7, user")
    plain = workshop.rbac("who-can", "GET", "/user", "--format", "json").json
    assert [role["role"] for role in plain["roles"]] == ["emp-7", "user"]
    told = workshop.rbac("who-can", "GET", "/user", "--subjects", "emp-.*", "--format", "json").json
    assert [subject["sub"] for subject in told["subjects"]] == ["emp-7"]


def test_a_template_of_a_known_route_is_asked_as_a_path(workshop: Workshop) -> None:
    workshop.rules("p, user, /docs/{id}, GET, allow", "p, guest, /docs/1, GET, allow")
    routes = workshop.write("routes.json", '[{"act": "GET", "obj": "/docs/{id}"}]')
    done = workshop.rbac("who-can", "GET", "/docs/{id}", "--routes", routes, "--format", "json")
    assert [role["role"] for role in done.json["roles"]] == ["user"]


@pytest.mark.parametrize(
    ("act", "obj", "note"),
    [
        ("GET", "/users/{id}", ""),
        ("GET", "/users/7", ""),
        (
            "get",
            "/users/7",
            "no known endpoint under `/users/7` answers `get`; the methods known there are GET",
        ),
        ("GET", "/user", "no known endpoint has the path `/user`; did you mean `/users/{id}`?"),
        ("GET", "/zzz", "no known endpoint has the path `/zzz`"),
    ],
)
def test_an_endpoint_that_nobody_knows_is_noted(workshop: Workshop, act: str, obj: str, note: str) -> None:
    routes = workshop.write("routes.json", '[{"act": "GET", "obj": "/users/{id}"}]')
    done = workshop.rbac("who-can", act, obj, "--routes", routes)
    assert done.err == (f"note: {note}\n" if note else "")


def test_through_a_program_is_who_may_what_the_program_may_too(workshop: Workshop) -> None:
    workshop.rules(
        "p, user, /orders, *, allow",
        "p, scope:orders/read, /orders, GET, allow",
        "p, scope:orders/write, /orders, POST, deny",
    )
    read = workshop.rbac("who-can", "GET", "/orders", "--scope", "orders/read", "--format", "json").json
    assert ([role["role"] for role in read["roles"]], read["program"]) == (
        ["user"],
        {"allowed": True, "rule": 2},
    )
    done = workshop.rbac("who-can", "POST", "/orders", "--client", "bot", "--scope", "orders/write")
    assert done.out.splitlines() == [
        "the program may not do it: line 3: p, scope:orders/write, /orders, POST, deny",
        "no person reaches it through this program",
    ]
    assert "program" not in workshop.rbac("who-can", "GET", "/orders", "--format", "json").json
