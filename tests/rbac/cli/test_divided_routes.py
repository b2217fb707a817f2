"""Routes of which a rule singles out some paths: every command says so, by a path that really is decided so."""

import csv
import io

import pytest

from tests.support.command import Workshop

ROUTES = '[{"act": "DELETE", "obj": "/orders/{id}"}, {"act": "POST", "obj": "/refunds/{id}/approve"}]'
RULES = (
    "p, manager, /orders/{id}, *, allow",
    r"p, manager, /orders/\d+, DELETE, deny",
    "p, clerk, /refunds/.../approve, POST, allow",
)


@pytest.fixture
def shop(workshop: Workshop) -> Workshop:
    workshop.write("routes.json", ROUTES)
    workshop.rules(*RULES)
    return workshop


def test_can_shows_the_paths_that_are_decided_otherwise(shop: Workshop) -> None:
    done = shop.rbac("can", "--role", "manager", "--routes", shop.folder / "routes.json", "--format", "json")
    assert done.json["complete"] is True
    assert done.json["endpoints"] == [
        {"act": "DELETE", "obj": "/orders/x", "allowed": True, "rule": 1, "template": "/orders/{id}"}
    ]
    text = shop.rbac("can", "--role", "manager", "--routes", shop.folder / "routes.json", "--all").out
    assert "no  DELETE  /orders/{id} but not /orders/x and the like" in text
    assert "yes DELETE  /orders/x and its like in /orders/{id}" in text


def test_who_can_shows_concrete_paths_and_no_pattern(shop: Workshop) -> None:
    told = shop.rbac("who-can", "DELETE", "/orders/{id}", "--routes", shop.folder / "routes.json")
    assert told.out.endswith("only /orders/x and the like\n")
    told = shop.rbac("who-can", "POST", "/refunds/{id}/approve", "--routes", shop.folder / "routes.json")
    assert told.out.endswith("only /refunds/xxx/approve and the like\n")


def test_a_matrix_has_a_row_for_what_is_decided_otherwise(shop: Workshop) -> None:
    shape = shop.rbac("matrix", "--routes", shop.folder / "routes.json", "--format", "json").json
    assert shape["complete"] is True
    assert shape["endpoints"] == [
        {"act": "DELETE", "obj": "/orders/{id}", "but_not": ["/orders/x"]},
        {"act": "DELETE", "obj": "/orders/x", "template": "/orders/{id}"},
        {"act": "POST", "obj": "/refunds/{id}/approve", "but_not": ["/refunds/xxx/approve"]},
        {"act": "POST", "obj": "/refunds/xxx/approve", "template": "/refunds/{id}/approve"},
    ]
    clerk, manager = (shape["cells"][shape["roles"].index(role)] for role in ("clerk", "manager"))
    assert [cell["allowed"] for cell in manager] == [False, True, False, False]
    assert [cell["allowed"] for cell in clerk] == [False, False, False, True]


@pytest.mark.parametrize("form", ["text", "markdown", "html", "svg"])
def test_every_form_of_a_matrix_names_the_paths(shop: Workshop, form: str) -> None:
    done = shop.rbac("matrix", "--routes", shop.folder / "routes.json", "--format", form)
    assert "/orders/{id} but not /orders/x and the like" in done.out
    assert "/orders/x and its like in /orders/{id}" in done.out


def test_a_spreadsheet_has_columns_for_template_and_paths(shop: Workshop) -> None:
    done = shop.rbac("matrix", "--routes", shop.folder / "routes.json", "--format", "csv")
    head, whole, part, *_ = csv.reader(io.StringIO(done.out))
    assert head[:4] == ["method", "path", "template", "but not"]
    assert whole[:4] == ["DELETE", "/orders/{id}", "", "/orders/x"]
    assert part[:4] == ["DELETE", "/orders/x", "/orders/{id}", ""]


def test_a_diff_says_of_which_paths_a_change_is_not_true(shop: Workshop) -> None:
    new = shop.write("new.csv", "\n".join((RULES[0], RULES[2])) + "\n")
    asked = ("diff", shop.policy, new, "--routes", shop.folder / "routes.json")
    shape = shop.rbac(*asked, "--format", "json").json
    (cell,) = shape["granted"]
    assert (cell["obj"], cell["but_not"]) == ("/orders/{id}", ["/orders/x"])
    for form in ("text", "markdown"):
        assert "DELETE /orders/{id} but not /orders/x and the like" in shop.rbac(*asked, "--format", form).out


def test_a_diff_shows_paths_of_a_route_that_change_alone(shop: Workshop) -> None:
    new = shop.write("new.csv", "\n".join((*RULES, "p, clerk, /orders/special, DELETE, allow")) + "\n")
    asked = ("diff", shop.policy, new, "--routes", shop.folder / "routes.json")
    (cell,) = shop.rbac(*asked, "--format", "json").json["granted"]
    assert (cell["obj"], cell["template"]) == ("/orders/special", "/orders/{id}")
    assert "witness" not in cell
    assert "DELETE /orders/special and its like in /orders/{id}" in shop.rbac(*asked).out


def test_a_path_with_a_route_of_its_own_is_told_there(shop: Workshop) -> None:
    shop.rules("p, manager, /orders/{id}, DELETE, allow", "p, manager, /orders/me, DELETE, deny")
    routes = '[{"act": "DELETE", "obj": "/orders/{id}"}, {"act": "DELETE", "obj": "/orders/me"}]'
    shop.write("routes.json", routes)
    shape = shop.rbac("matrix", "--routes", shop.folder / "routes.json", "--format", "json").json
    assert shape["endpoints"] == [
        {"act": "DELETE", "obj": "/orders/me"},
        {"act": "DELETE", "obj": "/orders/{id}"},
    ]


def test_a_new_endpoint_is_told_with_the_paths_that_are_open_to_others(shop: Workshop) -> None:
    old = shop.write("old.json", '[{"act": "POST", "obj": "/refunds/{id}/approve"}]')
    shape = shop.rbac(
        "diff", "--old-routes", old, "--routes", shop.folder / "routes.json", "--format", "json"
    ).json
    assert [(one["obj"], len(one["reached"])) for one in shape["new_endpoints"]] == [
        ("/orders/{id}", 0),
        ("/orders/x", 1),
    ]
