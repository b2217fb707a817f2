"""Who gets what: written by hand, and asked of the application as it runs, with its own sessions."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketDenialResponse

import main

ANSWERS = """
                            nobody  ann  ben  ended
POST     /session?name=ben     200  200  200    401
GET      /static/index.html    200  200  200    401
GET      /static/nothing       404  404  404    401
GET      /notices              401  200  200    401
POST     /notices?text=hello   401  200  403    401
GET      /notices/export       401  200  200    401
CONNECT  /live                 401  101  101    401
GET      /reports/count        401  200  403    401
GET      /reports/other        401  403  403    401
GET      /nowhere              401  403  403    401
"""
CALLERS, *ROWS = [line.split() for line in ANSWERS.strip().splitlines()]


@pytest.fixture(scope="module")
def app_client() -> Iterator[TestClient]:
    with TestClient(main.app) as client:
        for name in ("ann", "ben"):
            client.post(f"/session?name={name}")
            client.cookies.clear()
        yield client


def status(client: TestClient, method: str, path: str, cookies: dict[str, str]) -> int:
    headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
    if method != "CONNECT":
        answer = client.request(method, path, headers=headers)
        client.cookies.clear()
        return answer.status_code
    try:
        with client.websocket_connect(path, headers=headers) as socket:
            assert socket.receive_json() == main.notices
    except WebSocketDenialResponse as denied:
        return denied.status_code
    return 101


@pytest.mark.parametrize(("method", "path", "answers"), [(row[0], row[1], row[2:]) for row in ROWS])
def test_callers_get_what_the_table_says(
    app_client: TestClient, method: str, path: str, answers: list[str]
) -> None:
    sent = [{} if name == "nobody" else {"session": f"session-of-{name}"} for name in CALLERS]
    got = [status(app_client, method, path, cookies) for cookies in sent]
    assert got == [int(answer) for answer in answers]


def test_the_applications_own_lifespan_runs_inside_the_guards() -> None:
    with TestClient(main.app, cookies={"session": "session-of-ann"}) as client:
        main.sessions["session-of-ann"] = "ann"
        assert client.get("/notices").json()[-1] == "opened"
        assert client.get("/notices/export").text.splitlines()[-1] == '"opened"'
    assert main.notices == []


def test_a_browser_of_another_origin_can_read_a_refusal() -> None:
    with TestClient(main.app, headers={"Origin": "https://board.example"}) as client:
        refused = client.get("/notices")
        asked_before = client.options("/notices", headers={"Access-Control-Request-Method": "GET"})
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == "https://board.example"
    assert asked_before.status_code == 200
