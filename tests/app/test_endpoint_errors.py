"""What an endpoint of one's own raises reaches its caller: the status's own code, and the author's own words."""

import json
from collections.abc import Iterator
from http import HTTPStatus
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Body, FastAPI, HTTPException, Query
from pydantic import BaseModel
from starlette.testclient import TestClient

from app.main import create_app
from rbac.guard.http.statuses import STATUSES, status_of
from tests.support.application import bearer, served, settings_for
from tests.support.issuer import Issuer
from tests.support.service import ROOT

ORIGIN = "https://shop.example"

router = APIRouter()  # without a tag, as the README's first endpoint has none


class Order(BaseModel):
    item: str
    count: int


@router.get("/errors/text/{status}")
async def with_text(status: int, text: str) -> None:
    raise HTTPException(status, text)


@router.get("/errors/bare/{status}")
async def bare(status: int) -> None:
    raise HTTPException(status)


@router.post("/errors/members/{status}")
async def with_members(status: int, said: Annotated[Any, Body()]) -> None:
    raise HTTPException(status, said, {"X-Shop": "open"})


@router.get("/errors/crash")
async def crash() -> None:
    raise RuntimeError("the till is jammed")


@router.post("/errors/order")
async def order(order: Order, limit: Annotated[int, Query(ge=1)]) -> None:
    del order, limit


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with Issuer() as listening:
        yield listening


@pytest.fixture(scope="module")
def client(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    directory = tmp_path_factory.mktemp("errors")
    rules = (ROOT / "policy.csv").read_text(encoding="utf-8")
    (directory / "policy.csv").write_text(rules + "p, everyone, /errors/*, *, allow\n", encoding="utf-8")
    settings = settings_for(issuer, directory, ALLOWED_ORIGINS=ORIGIN)
    app = create_app(settings)
    app.include_router(router)
    with served(settings, app) as running:
        yield running


@pytest.mark.parametrize("status", [number for number in STATUSES if number != 401])
def test_the_authors_words_and_the_statuss_own_code_stand_in_the_problem(
    client: TestClient, status: int
) -> None:
    answer = client.get(f"/errors/text/{status}", params={"text": "the order was shipped"})
    assert answer.status_code == status
    body = answer.json()
    assert (body["status"], body["error"], body["detail"]) == (
        status,
        STATUSES[status].code,
        "the order was shipped",
    )
    assert body["type"] == f"urn:sekisho:problem:{body['error'].replace('_', '-')}"
    assert "content-language" not in answer.headers


@pytest.mark.parametrize("status", [number for number in STATUSES if number != 401])
@pytest.mark.parametrize("language", ["en", "ja"])
def test_without_words_of_the_authors_the_statuss_own_are_wholly_in_the_callers_language(
    client: TestClient, status: int, language: str
) -> None:
    answer = client.get(f"/errors/bare/{status}", headers={"Accept-Language": language})
    body = answer.json()
    assert answer.headers["content-language"] == language
    assert answer.headers["vary"].startswith("Accept-Language")
    assert body["error"] == STATUSES[status].code
    assert {body["title"].isascii(), body["detail"].isascii()} == {language == "en"}


@pytest.mark.parametrize("status", [499, 599, 444])
def test_a_status_that_nobody_named_is_still_a_problem(client: TestClient, status: int) -> None:
    body = client.get(f"/errors/text/{status}", params={"text": "odd"}).json()
    assert (body["status"], body["error"], body["detail"]) == (status, status_of(status).code, "odd")


def test_an_authors_401_says_what_the_author_says_and_still_challenges(
    client: TestClient, issuer: Issuer
) -> None:
    answer = client.get(
        "/errors/text/401", params={"text": "the session ended"}, headers=bearer(issuer.token())
    )
    assert (answer.json()["error"], answer.json()["detail"]) == ("unauthorized", "the session ended")
    assert answer.headers["www-authenticate"].startswith("Bearer ")
    bare = client.get("/errors/bare/401", headers=bearer(issuer.token())).json()
    assert bare["error"] == "unauthorized"
    assert "none was sent" not in bare["detail"]
    assert client.get("/errors/bare/401").json()["error"] == "authentication_required"


@pytest.mark.parametrize(
    ("said", "members"),
    [
        ({"order": 7, "detail": "it was shipped"}, {"order": 7, "detail": "it was shipped"}),
        ({"order": 7}, {"order": 7, "detail": STATUSES[409].english}),
        ({"error": "out_of_stock"}, {"error": "out_of_stock"}),
        (
            {"status": 200, "instance": "/x", "request_id": "y"},
            {"status": 409, "instance": "/errors/members/409"},
        ),
        ([1, {"a": 2}], {"errors": [1, {"a": 2}]}),
        ("\ud800 half", {"detail": "\ud800 half"}),
        ({"\ud800": 1}, {"\ud800": 1}),
        (7, {"errors": 7}),
    ],
)
def test_a_mapping_gives_members_and_never_replaces_what_is_ours(
    client: TestClient, said: Any, members: dict[str, Any]
) -> None:
    answer = client.post(
        "/errors/members/409", content=json.dumps(said), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 409
    body = json.loads(answer.content)
    assert {name: body.get(name) for name in members} == members
    assert body["request_id"] == answer.headers["x-request-id"]
    assert answer.headers["x-shop"] == "open"


@pytest.mark.parametrize("status", [204, 304])
def test_what_is_no_error_is_answered_without_a_body(client: TestClient, status: int) -> None:
    answer = client.get(f"/errors/bare/{status}")
    assert (answer.status_code, answer.content) == (status, b"")


@pytest.mark.parametrize("language", ["en", "ja"])
def test_validation_errors_are_sent_as_the_description_says_and_in_one_language(
    client: TestClient, language: str
) -> None:
    answer = client.post(
        "/errors/order",
        json={"count": "many"},
        params={"limit": 0},
        headers={"Accept-Language": language},
    )
    faults = answer.json()["errors"]
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert {tuple(fault["loc"]): fault["type"] for fault in faults} == {
        ("query", "limit"): "greater_than_equal",
        ("body", "item"): "missing",
        ("body", "count"): "int_parsing",
    }
    assert {fault["msg"].isascii() for fault in faults} == {language == "en"}
    described = client.get("/openapi.json").json()
    schema = described["paths"]["/errors/order"]["post"]["responses"]["422"]["content"]
    assert schema["application/problem+json"]["schema"]["$ref"].endswith("/ValidationProblem")
    assert "HTTPValidationError" not in json.dumps(described)


def test_the_description_is_written_once_and_follows_the_endpoints(client: TestClient) -> None:
    first = client.get("/openapi.json").content
    app: FastAPI = client.app  # type: ignore[assignment] # Starlette's client says ASGIApp
    assert client.get("/openapi.json").content == first
    app.openapi_schema = None  # what FastAPI says to do after adding endpoints
    assert json.loads(client.get("/openapi.json").content) == json.loads(first)


def test_a_crash_reaches_a_page_of_another_origin_with_its_request_id(client: TestClient) -> None:
    answer = client.get("/errors/crash", headers={"Origin": ORIGIN})
    assert (answer.status_code, answer.json()["error"]) == (500, "internal_error")
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    exposed = {name.strip() for name in answer.headers["access-control-expose-headers"].split(",")}
    assert {"X-Request-ID", "ETag", "Retry-After", "WWW-Authenticate"} <= exposed
    assert answer.headers["x-request-id"] == answer.json()["request_id"]


@pytest.mark.parametrize("status", [-1, 0, 99, 100, 103, 600, 1000])
def test_a_status_that_no_answer_has_is_the_endpoints_mistake_and_answered(
    client: TestClient, status: int
) -> None:
    """The server could write no status line for it, and ended the connection without a word."""
    answer = client.get(f"/errors/bare/{status}", headers={"Origin": ORIGIN})
    assert (answer.status_code, answer.json()["error"]) == (500, "internal_error")
    assert answer.headers["access-control-allow-origin"] == ORIGIN


def test_a_page_of_another_origin_may_ask_whether_something_changed(client: TestClient) -> None:
    preflight = client.options(
        "/me/permissions",
        headers={
            "Origin": ORIGIN,
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "authorization,if-none-match",
        },
    )
    assert preflight.status_code == 200


def test_every_problem_is_text_in_no_frame(client: TestClient) -> None:
    headers = client.get("/nowhere").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


@pytest.mark.parametrize(
    ("path", "token", "sentence"),
    [
        ("/public", False, "旅の方、こんにちは！このページは誰でも閲覧できます。"),
        ("/public", True, "bobさん、こんにちは！このページは誰でも閲覧できます。"),
    ],
)
def test_a_greeting_is_what_somebody_would_say_and_follows_the_language(
    client: TestClient, issuer: Issuer, path: str, token: bool, sentence: str
) -> None:
    known = bearer(issuer.token(**{"cognito:username": "bob"})) if token else {}
    answer = client.get(path, headers={"Accept-Language": "ja", **known})
    assert answer.json()["message"] == sentence
    assert answer.headers["content-language"] == "ja"
    assert {"Accept-Language", "Authorization"} <= set(answer.headers["vary"].split(", "))
