"""What an application's description says of the guard before it, beside what the application says itself."""

from pathlib import Path
from typing import Any

import pytest
from fastapi import Depends, FastAPI
from fastapi.security import APIKeyHeader
from pydantic import BaseModel

from rbac.guard.fastapi import describe
from tests.support.guarded import as_, client_of, guard_in

SIGNED_IN: list[Any] = [{"bearer": []}]
ANYBODY: list[Any] = [{}, *SIGNED_IN]
MEMBERS = ["type", "title", "detail", "instance", "error", "request_id", "status"]


def described(directory: Path, app: FastAPI, **changes: Any) -> FastAPI:
    guard = guard_in(directory, **changes)
    app.add_middleware(guard.middleware)
    describe(app, guard)
    return app


async def endpoint() -> str:
    return "done"


def test_a_refusal_is_what_the_description_says_that_it_is(tmp_path: Path) -> None:
    app = FastAPI()
    app.get("/orders")(endpoint)
    described(tmp_path, app)
    with client_of(app) as client:
        refusals = [client.get("/orders"), client.get("/orders", headers=as_("nil"))]
    description = app.openapi()
    assert [each.status_code for each in refusals] == [401, 403]
    for refusal in refusals:
        media = refusal.headers["content-type"]
        answer = description["paths"]["/orders"]["get"]["responses"][str(refusal.status_code)]
        assert answer["content"] == {media: {"schema": {"$ref": "#/components/schemas/Problem"}}}
        assert answer["description"].endswith(".")
        assert {name: type(refusal.json()[name]) for name in MEMBERS} == {
            **dict.fromkeys(MEMBERS, str),
            "status": int,
        }
    assert description["components"]["schemas"]["Problem"] == {
        "title": "Problem",
        "description": "An error (RFC 9457). Programs branch on `error`.",
        "type": "object",
        "properties": {name: {"type": "integer" if name == "status" else "string"} for name in MEMBERS},
        "required": MEMBERS,
    }


def test_an_operation_is_open_by_its_own_method_and_head_by_that_of_get(tmp_path: Path) -> None:
    app = FastAPI()
    for method in ("GET", "HEAD", "POST"):
        app.add_api_route("/public", endpoint, methods=[method], operation_id=method)
        app.add_api_route("/orders", endpoint, methods=[method], operation_id=f"orders {method}")
    paths = described(tmp_path, app).openapi()["paths"]
    assert {name: operation["security"] for name, operation in paths["/public"].items()} == {
        "get": ANYBODY,
        "head": ANYBODY,
        "post": SIGNED_IN,
    }
    assert [operation["security"] for operation in paths["/orders"].values()] == [SIGNED_IN] * 3


def test_what_an_operation_says_of_its_own_security_and_refusals_stays(tmp_path: Path) -> None:
    app = FastAPI()
    app.get("/public")(endpoint)
    key = Depends(APIKeyHeader(name="X-Key"))
    app.get("/orders", dependencies=[key], responses={403: {"description": "Not yours."}})(endpoint)
    described(tmp_path, app)
    for _ in range(2):  # FastAPI hands out the same description again
        description = app.openapi()
        orders = description["paths"]["/orders"]["get"]
        assert orders["security"] == [{"APIKeyHeader": []}]
        assert orders["responses"]["403"]["description"] == "Not yours."
        assert "401" in orders["responses"]
        assert set(description["components"]["securitySchemes"]) == {"APIKeyHeader", "bearer"}
        assert description["paths"]["/public"]["get"]["security"] == ANYBODY


class Problem(BaseModel):
    """A riddle: an application's own, by a name of the guard's."""

    question: str


def test_what_an_application_calls_as_the_guard_calls_something_stays_its_own(tmp_path: Path) -> None:
    app = FastAPI()
    key = APIKeyHeader(name="X-Key", scheme_name="bearer")

    @app.get("/riddles")
    async def riddles() -> Problem:
        return Problem(question="?")

    @app.get("/keys", dependencies=[Depends(key)])
    async def keys() -> str:
        return "done"

    described(tmp_path, app)
    for _ in range(2):
        description = app.openapi()
        components, paths = description["components"], description["paths"]
        own, refused = (paths["/riddles"]["get"]["responses"][status]["content"] for status in ("200", "403"))
        assert own == {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        assert refused == {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem.guard"}}
        }
        assert [*components["schemas"]["Problem"]["properties"]] == ["question"]
        assert [*components["schemas"]["Problem.guard"]["properties"]] == MEMBERS
        assert components["securitySchemes"] == {
            "bearer": {"type": "apiKey", "in": "header", "name": "X-Key"},
            "bearer.guard": {"type": "http", "scheme": "bearer"},
        }
        assert paths["/keys"]["get"]["security"] == [{"bearer": []}]
        assert paths["/riddles"]["get"]["security"] == [{"bearer.guard": []}]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"openapi": "3.1.0", "webhooks": {}}, None),
        ({"openapi": "3.1.0", "paths": {}}, {}),
        (
            {
                "openapi": "3.1.0",
                "paths": {"/orders": {"summary": "Orders", "parameters": [], "get": {"summary": "All"}}},
            },
            {"summary": "Orders", "parameters": [], "get": {"summary": "All", "security": SIGNED_IN}},
        ),
    ],
    ids=["no paths", "empty", "more than operations"],
)
def test_a_description_that_an_application_writes_itself_is_told_too(
    tmp_path: Path, written: dict[str, Any], expected: dict[str, Any] | None
) -> None:
    """https://fastapi.tiangolo.com/how-to/extending-openapi/"""
    app = FastAPI()
    app.openapi = lambda: written  # type: ignore[method-assign]  # as FastAPI's documentation does it
    description = described(tmp_path, app).openapi()
    assert description["components"]["securitySchemes"] == {"bearer": {"type": "http", "scheme": "bearer"}}
    if not expected:
        assert description.get("paths") == expected
        return
    orders = description["paths"]["/orders"]
    assert set(orders["get"].pop("responses")) == {"401", "403"}
    assert orders == expected


@pytest.mark.parametrize(
    "method", ["get", "put", "post", "delete", "options", "head", "patch", "trace", "query"]
)
def test_every_method_that_a_description_may_have_is_told(tmp_path: Path, method: str) -> None:
    app = FastAPI()
    app.openapi = lambda: {"paths": {"/orders": {method: {}}}}  # type: ignore[method-assign]  # as above
    assert described(tmp_path, app).openapi()["paths"]["/orders"][method]["security"] == SIGNED_IN
