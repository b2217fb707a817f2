"""Decisions as server-sent events: they come as they are taken, and end with the right to see them."""

import json
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import plain_http
from tests.support.issuer import Issuer
from tests.support.service import Service, serving
from tests.support.waiting import LIMIT_S


@pytest.fixture
def service(issuer: Issuer, tmp_path: Path) -> Iterator[Service]:
    with serving(issuer, tmp_path, POLICY_GATE="lint", DECISION_LOG="off") as started:
        yield started


def events(service: Service, token: str, limit: int = 0) -> Generator[tuple[str, dict[str, Any]], None, None]:
    """The events of one stream, from when it is open; the first is a mark that it is."""
    headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
    url = f"{service.base_url}/policy/decisions?limit={limit}"
    with plain_http.stream("GET", url, headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield "open", {}
        kind = ""
        for line in answer.iter_lines():
            name, _, value = line.partition(": ")
            if name == "event":
                kind = value
            elif name == "data":
                yield kind, json.loads(value)


def test_a_decision_comes_as_it_is_taken(service: Service, issuer: Issuer) -> None:
    seen = events(service, issuer.token(**{"custom:role": "security"}))
    assert next(seen)[0] == "open"
    refused = service.get("/admin", issuer.token(**{"custom:role": "user"})).json()
    kind, decision = next(event for event in seen if event[1].get("obj") == "/admin")
    assert kind == "decision"
    assert (decision["decision_id"], decision["allowed"]) == (refused["decision_id"], False)
    seen.close()


def test_it_begins_with_what_was_decided_before(service: Service, issuer: Issuer) -> None:
    service.get("/public")
    seen = events(service, issuer.token(**{"custom:role": "security"}), limit=500)
    assert any(event[1].get("obj") == "/public" for event in seen)
    seen.close()


def test_it_ends_when_the_policy_no_longer_allows_it(service: Service, issuer: Issuer) -> None:
    seen = events(service, issuer.token(**{"custom:role": "security"}))
    assert next(seen)[0] == "open"
    with service.policy.open("a") as policy:
        policy.write("p, security, /policy/decisions, GET, deny\n")
    assert [event for event in seen if event[0] == "end"] == [("end", {"reason": "access_denied"})]


def test_it_ends_with_the_token(service: Service, issuer: Issuer) -> None:
    token = issuer.token(**{"custom:role": "security", "exp": int(time.time()) + 4})
    assert [event for event in events(service, token) if event[0] == "end"] == [
        ("end", {"reason": "token_expired"})
    ]


def test_a_stop_ends_it_at_once(service: Service, issuer: Issuer) -> None:
    seen = events(service, issuer.token(**{"custom:role": "security"}))
    assert next(seen)[0] == "open"
    service.process.terminate()
    assert [event for event in seen if event[0] == "end"] == [("end", {"reason": "stopping"})]
    assert service.process.wait(LIMIT_S) == 0
