"""Who gets what: written by hand, and asked of the application as it runs, with its own database and tokens."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.core import config, db, security
from app.core.access import guard
from app.main import app

PEOPLE = [
    ("ann@north", "customer", "north"),
    ("bob@north", "customer", "north"),
    ("mia@north", "manager", "north"),
    ("sam@south", "manager", "south"),
    ("eve@north", "admin", "north"),
]
# Order 1 is ann's.
ANSWERS = """
                      nobody  ann  bob  mia  sam  eve  expired
GET   /users             401  403  403  403  403  200      401
GET   /orders            401  200  200  200  200  200      401
POST  /orders?item=tea   401  200  200  200  200  200      401
GET   /orders/1          401  200  403  200  403  200      401
POST  /orders/1/refund   401  403  403  200  403  200      401
GET   /orders/99         401  404  404  404  404  404      401
POST  /users             405  405  405  405  405  405      401
GET   /nowhere           404  404  404  404  404  404      401
GET   /docs              200  200  200  200  200  200      401
"""
CALLERS, *ROWS = [line.split() for line in ANSWERS.strip().splitlines()]


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setattr(config, "DATABASE", str(tmp_path / "shop.db"))
    with db.opened() as database:
        for email, role, tenant in PEOPLE:
            database.add_user(email, "secret", role, tenant)
        ann = database.user("ann@north")
        assert ann is not None
        database.add_order(ann, "tea")
    with TestClient(app) as client:
        yield client


def header_of(name: str) -> dict[str, str]:
    if name == "nobody":
        return {}
    if name == "expired":
        token = security.create_access_token("eve@north", lifetime_s=-60)
    else:
        token = security.create_access_token(next(email for email, *_ in PEOPLE if email.startswith(name)))
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize(("method", "path", "answers"), [(row[0], row[1], row[2:]) for row in ROWS])
def test_callers_get_what_the_table_says(
    client: TestClient, method: str, path: str, answers: list[str]
) -> None:
    got = [client.request(method, path, headers=header_of(name)).status_code for name in CALLERS]
    assert got == [int(answer) for answer in answers]


@pytest.mark.parametrize(
    ("name", "owners"), [("ann", ["ann@north"]), ("bob", []), ("mia", ["ann@north"]), ("sam", [])]
)
def test_a_list_holds_what_its_reader_may_read(client: TestClient, name: str, owners: list[str]) -> None:
    listed = client.get("/orders", headers=header_of(name)).json()
    assert [order["owner"] for order in listed] == owners


def test_signing_in_takes_no_token(client: TestClient) -> None:
    signed_in = client.post("/login/access-token", json={"email": "ann@north", "password": "secret"})
    answer = client.get("/orders/1", headers={"Authorization": f"Bearer {signed_in.json()}"})
    assert answer.json()["item"] == "tea"
    assert client.post("/login/access-token", json={"email": "x", "password": "y"}).status_code == 400


def test_nobody_refunds_what_another_tenant_sold(client: TestClient) -> None:
    for tenant, status in (("south", 403), ("north", 200)):
        with guard.acting_as("admin", sub="eve@north", tenant=tenant):
            assert client.post("/orders/1/refund", headers=header_of("eve")).status_code == status
