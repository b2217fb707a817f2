"""What the garbage collector has to do with requests: nothing, so that it looks less often."""

import asyncio
import gc
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.main import create_app
from tests.support.application import served, settings_for
from tests.support.authzen import enforcement_point, question
from tests.support.issuer import Issuer

MANY = 200
QUESTION = json.dumps(question("u", "GET", {"type": "route", "id": "/user"})).encode()
BATCH = json.dumps(question("u", "GET", None) | {"evaluations": [{}, 7] * 10}).encode()


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with Issuer() as listening:
        yield listening


def test_new_objects_are_looked_at_less_often_while_the_service_is_open(
    issuer: Issuer, tmp_path: Path
) -> None:
    before = gc.get_threshold()
    with served(settings_for(issuer, tmp_path)):
        assert gc.get_threshold() == (5_000, *before[1:])
    assert gc.get_threshold() == before


@pytest.mark.parametrize("threshold", [0, 50_000])
def test_whoever_asked_for_less_than_that_has_it(issuer: Issuer, tmp_path: Path, threshold: int) -> None:
    before = gc.get_threshold()
    gc.set_threshold(threshold, *before[1:])
    try:
        with served(settings_for(issuer, tmp_path)):
            assert gc.get_threshold()[0] == threshold
        assert gc.get_threshold()[0] == threshold
    finally:
        gc.set_threshold(*before)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/profile", b"", 200),
        ("GET", "/admin", b"", 403),
        ("GET", "/a\x01", b"", 400),
        ("POST", "/access/v1/evaluation", QUESTION, 200),
        ("POST", "/access/v1/evaluation", b'{"subject": 1}' + b" " * 100_000, 400),
        ("POST", "/access/v1/evaluation", b" " * (1 << 20) + b" ", 413),
        ("POST", "/access/v1/evaluations", BATCH, 200),
        ("POST", "/access/v1/search/action", QUESTION, 200),
    ],
)
async def test_a_request_leaves_nothing_for_the_collector(
    issuer: Issuer, tmp_path: Path, method: str, path: str, body: bytes, status: int
) -> None:
    app = create_app(settings_for(issuer, tmp_path))
    headers = {**enforcement_point(issuer), "Content-Type": "application/json"}
    scope: dict[str, Any] = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("192.0.2.7", 4711),
    }
    seen: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    async def send(message: Any) -> None:
        if "status" in message:
            seen.append(message["status"])

    async with app.router.lifespan_context(app):
        for _ in range(3):
            await app(dict(scope), receive, send)
        gc.collect()
        gc.disable()
        try:
            for _ in range(MANY):
                await app(dict(scope), receive, send)
            await asyncio.sleep(0)
            left = gc.collect()
        finally:
            gc.enable()
    assert seen == [status] * (3 + MANY)
    assert left < MANY  # of those who watch files meanwhile
