"""The published cases of the AuthZEN conformance suite, over real HTTP, with the fixture that they assume."""

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.support import plain_http
from tests.support.authzen import SCENARIOS, decision_point
from tests.support.issuer import Issuer
from tests.support.service import Service, serving

CASES: list[dict[str, Any]] = json.loads((SCENARIOS / "suite_vectors.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def service(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(
        issuer, tmp_path_factory.mktemp("suite"), DECISION_LOG="off", **decision_point("suite")
    ) as started:
        yield started


def send(service: Service, case: dict[str, Any], token: str) -> httpx2.Response:
    """The request of ``case`` as the suite sends it."""
    headers = {"Content-Type": case["content_type"], "X-Request-ID": f"suite-{case['test']}"}
    if "invalid-credentials" in case["test"]:
        headers["Authorization"] = f"Bearer {token}x"
    elif not case.get("skip_auth"):
        headers["Authorization"] = f"Bearer {token}"
    raw = case.get("raw_body")
    body = raw if raw is not None else json.dumps(case["request"]) if "request" in case else ""
    url = service.base_url + case["endpoint"]
    return plain_http.request(case["method"], url, headers=headers, content=body.encode())


def test_all_published_cases_are_here() -> None:
    assert len(CASES) == 127


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=f"{number}-{case['test']}") for number, case in enumerate(CASES)]
)
def test_the_case_is_answered_as_the_suite_expects(
    service: Service, issuer: Issuer, case: dict[str, Any]
) -> None:
    answer = send(service, case, issuer.token(**{"custom:role": "pep"}))
    assert answer.status_code in case["status"], answer.text
    assert answer.headers["x-request-id"] == f"suite-{case['test']}"
    if answer.status_code == 400:
        assert isinstance(answer.json(), str)
    expected = case.get("expected")
    if expected is None:
        return
    found = answer.json()
    assert answer.headers["content-type"].startswith("application/json")
    if "decision" in expected:
        assert found["decision"] is expected["decision"]
    elif "evaluations" in expected:
        decisions = [item["decision"] for item in found["evaluations"]]
        assert decisions == [item["decision"] for item in expected["evaluations"]]
    else:
        _check_results(found["results"], expected["results"], case["request"].get("page", {}).get("limit"))


def _check_results(found: list[dict[str, str]], expected: list[dict[str, str]], limit: int | None) -> None:
    """The fixture says what a search finds at least; nothing at all for what is unknown, and no more than a page."""
    if limit is not None:
        assert 0 < len(found) <= limit
        assert all(item in expected for item in found)
    elif expected:
        assert all(item in found for item in expected)
    else:
        assert found == []


def test_the_metadata_name_where_everything_is(service: Service) -> None:
    metadata = service.get("/.well-known/authzen-configuration").json()
    assert metadata["policy_decision_point"] == service.base_url
    assert metadata["access_evaluation_endpoint"] == f"{service.base_url}/access/v1/evaluation"
    assert all(metadata.values())
