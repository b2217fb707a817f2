"""`rbac routes` lists the endpoints of an application, for people and for other commands."""

from tests.support.command import Workshop, rbac


def test_json_is_the_shape_of_the_design_and_other_commands_read_it(workshop: Workshop) -> None:
    given = workshop.write(
        "routes.json", '[{"method": "GET", "path": "/user", "name": "u"}, {"act": "GET", "obj": "/"}]'
    )
    done = rbac("routes", given, "--format", "json")
    assert done.code == 0
    assert done.json == [{"act": "GET", "obj": "/", "name": ""}, {"act": "GET", "obj": "/user", "name": "u"}]
    again = workshop.write("again.json", done.out)
    assert rbac("routes", again, "--format", "json").json == done.json


def test_text_has_a_line_for_each_endpoint(workshop: Workshop) -> None:
    given = workshop.write(
        "routes.json", '[{"act": "DELETE", "obj": "/a"}, {"act": "GET", "obj": "/long", "name": "x"}]'
    )
    assert [line.split() for line in rbac("routes", given).out.splitlines()] == [
        ["DELETE", "/a"],
        ["GET", "/long", "x"],
    ]


def test_what_is_no_application_is_a_2() -> None:
    done = rbac("routes", "json:dumps")
    assert (done.code, done.out) == (2, "")
    assert "json:dumps" in done.err
