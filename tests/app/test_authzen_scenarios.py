"""AuthZEN's interop scenarios with our models, policies and entities; the questions are our own.

``tests/interop.py`` puts the published ones, from a checkout of ``openid/authzen``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.application import served, settings_for
from tests.support.authzen import Asking, decision_point, enforcement_point
from tests.support.issuer import Issuer

RICK, MORTY, SUMMER, BETH = (
    f"CiRmZD{n}MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs" for n in ("A2", "E2", "I2", "M2")
)


@contextmanager
def asking(scenario: str, directory: Path) -> Iterator[Asking]:
    with Issuer() as issuer, served(settings_for(issuer, directory, **decision_point(scenario))) as client:
        yield Asking(client, enforcement_point(issuer))


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    with asking("api-gateway", tmp_path_factory.mktemp("gateway")) as found:
        yield found


@pytest.fixture(scope="module")
def todo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    with asking("todo", tmp_path_factory.mktemp("todo")) as found:
        yield found


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    with asking("search", tmp_path_factory.mktemp("records")) as found:
        yield found


@pytest.mark.parametrize(
    ("person", "may"),
    [
        (
            RICK,
            {
                "GET /users/{userId}",
                "GET /todos",
                "POST /todos",
                "PUT /todos/{todoId}",
                "DELETE /todos/{todoId}",
            },
        ),
        (
            MORTY,
            {
                "GET /users/{userId}",
                "GET /todos",
                "POST /todos",
                "PUT /todos/{todoId}",
                "DELETE /todos/{todoId}",
            },
        ),
        (BETH, {"GET /users/{userId}", "GET /todos"}),
        ("nobody-known", set()),
    ],
)
def test_a_gateway_learns_which_routes_a_person_may_use(gateway: Asking, person: str, may: set[str]) -> None:
    """Roles are known of the person alone; a route is meant by its template."""
    for act in ("GET", "POST", "PUT", "DELETE"):
        for route in ("/users/{userId}", "/todos", "/todos/{todoId}"):
            body = {
                "subject": {"type": "identity", "id": person},
                "action": {"name": act},
                "resource": {"type": "route", "id": route},
            }
            assert gateway.decision(body) is (f"{act} {route}" in may), f"{act} {route}"


def test_somebody_of_another_type_has_none_of_a_persons_roles(gateway: Asking) -> None:
    body = {
        "subject": {"type": "robot", "id": RICK},
        "action": {"name": "GET"},
        "resource": {"type": "route", "id": "/todos"},
    }
    assert not gateway.decision(body)
    assert gateway.decision(body | {"subject": {"type": "identity", "id": RICK}})


@pytest.mark.parametrize(
    ("person", "action", "owner", "allowed"),
    [
        (RICK, "can_update_todo", "summer@the-smiths.com", True),
        (RICK, "can_delete_todo", "summer@the-smiths.com", True),
        (MORTY, "can_update_todo", "morty@the-citadel.com", True),
        (MORTY, "can_update_todo", "summer@the-smiths.com", False),
        (MORTY, "can_delete_todo", "rick@the-citadel.com", False),
        (SUMMER, "can_delete_todo", "summer@the-smiths.com", True),
        (MORTY, "can_delete_todo", None, False),
        (BETH, "can_create_todo", None, False),
        (BETH, "can_update_todo", "beth@the-smiths.com", False),
        (BETH, "can_read_todos", None, True),
        ("somebody-else", "can_read_todos", None, False),
    ],
)
def test_a_todo_is_changed_by_its_owner_and_by_administrators(
    todo: Asking, person: str, action: str, owner: str | None, allowed: bool
) -> None:
    properties = {} if owner is None else {"ownerID": owner}
    body = {
        "subject": {"type": "user", "id": person},
        "action": {"name": action},
        "resource": {"type": "todo", "id": "todo-77", "properties": properties},
    }
    assert todo.decision(body) is allowed


def test_a_batch_of_todos_is_answered_one_by_one(todo: Asking) -> None:
    owners = ["summer@the-smiths.com", "morty@the-citadel.com"]
    body = {
        "subject": {"type": "user", "id": SUMMER},
        "action": {"name": "can_update_todo"},
        "evaluations": [
            {"resource": {"type": "todo", "id": f"t-{n}", "properties": {"ownerID": owner}}}
            for n, owner in enumerate(owners)
        ],
    }
    answers = todo.post("evaluations", body).json()["evaluations"]
    assert [answer["decision"] for answer in answers] == [True, False]


def test_searches_find_what_ownership_departments_and_managers_give(records: Asking) -> None:
    """Carol (a contractor in Legal) owns 103; 104 is Accounting's and Dan's; Erin (Finance) owns 105 of Legal."""
    carol, record = {"type": "user", "id": "carol"}, {"type": "record"}
    seen = records.found("resource", {"subject": carol, "action": {"name": "view"}, "resource": record})
    assert {"101", "103", "105"} <= set(seen)
    assert "104" not in seen
    owned = records.found("resource", {"subject": carol, "action": {"name": "delete"}, "resource": record})
    assert owned == ["103", "109", "115"]
    may = records.found("action", {"subject": carol, "resource": record | {"id": "103"}})
    assert may == ["view", "edit", "delete"]
    assert records.found("action", {"subject": carol, "resource": record | {"id": "104"}}) == []
    editors = records.found(
        "subject",
        {"subject": {"type": "user"}, "action": {"name": "edit"}, "resource": record | {"id": "107"}},
    )
    assert editors == ["alice"]


def test_what_a_search_finds_an_evaluation_allows_and_the_other_way_round(records: Asking) -> None:
    """Over all 360 questions of the scenario."""
    people = ("alice", "bob", "carol", "dan", "erin", "felix")
    for person in people:
        subject = {"type": "user", "id": person}
        for act in ("view", "edit", "delete"):
            found = records.found(
                "resource", {"subject": subject, "action": {"name": act}, "resource": {"type": "record"}}
            )
            items = [{"resource": {"type": "record", "id": str(number)}} for number in range(101, 121)]
            body = {"subject": subject, "action": {"name": act}, "evaluations": items}
            decisions = [each["decision"] for each in records.post("evaluations", body).json()["evaluations"]]
            assert found == [str(101 + n) for n, allowed in enumerate(decisions) if allowed]
