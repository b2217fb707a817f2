"""Who gets what: written by hand, and asked of the application as it runs. No issuer, no token, no setting."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from main import app, guard

ANSWERS = """
                          nobody  stranger  customer  clerk  manager
GET   /health                200       200       200    200      200
GET   /products              200       200       200    200      200
GET   /products/1            200       200       200    200      200
POST  /products?name=mate    401       403       403    200      200
GET   /orders                401       403       200    200      200
POST  /orders?product=1      401       403       200    200      200
POST  /orders/1/refund       401       403       403    403      200
GET   /reports/sales         401       403       403    403      200
GET   /docs                  401       403       403    403      403
GET   /nowhere               401       403       403    403      403
"""
CALLERS, *ROWS = [line.split() for line in ANSWERS.strip().splitlines()]


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    # Nobody; and from before the start, so that no key is fetched from the issuer.
    with guard.acting_as(sub=""), TestClient(app) as client:
        yield client


@pytest.mark.parametrize(("method", "path", "answers"), [(row[0], row[1], row[2:]) for row in ROWS])
def test_callers_get_what_the_table_says(
    client: TestClient, method: str, path: str, answers: list[str]
) -> None:
    got = [client.request(method, path).status_code]  # nobody
    for role in CALLERS[1:]:
        with guard.acting_as(role):
            got.append(client.request(method, path).status_code)
    assert got == [int(answer) for answer in answers]
