"""The AuthZEN client allows only what a decision point allows in so many words."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from rbac.authzen.client import MOST_QUESTIONS, AsyncDecisionPointClient, DecisionPointClient, Question
from tests.support.issuer import Issuer
from tests.support.ports import free_port
from tests.support.service import Service, serving
from tests.support.waiting import LIMIT_S

READ = Question("b0b", "GET", "/user", role="user")
ADMINISTER = Question("b0b", "GET", "/admin", role="user")


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with Issuer() as listening:
        yield listening


@pytest.fixture(scope="module")
def service(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(issuer, tmp_path_factory.mktemp("client")) as started:
        yield started


def test_the_running_service_is_asked_one_by_one_and_many_at_once(service: Service, issuer: Issuer) -> None:
    with DecisionPointClient(
        service.base_url, lambda: issuer.token(**{"custom:role": "pep"}), timeout=LIMIT_S
    ) as client:
        allowed = client.allows(READ)
        assert allowed.allowed
        assert allowed.context["reason"] == "allowed_by_rule"
        assert [bool(answer) for answer in client.ask([READ, ADMINISTER] * 50)] == [True, False] * 50
        assert client.allows(Question("b0b", "GET", "/admin", role=["user", "admin"]))
        assert client.ask([]) == []


async def test_a_program_with_an_event_loop_asks_the_same(service: Service, issuer: Issuer) -> None:
    token = issuer.token(**{"custom:role": "pep"})
    async with AsyncDecisionPointClient(service.base_url, token, timeout=LIMIT_S) as client:
        assert [bool(answer) for answer in await client.ask([READ, ADMINISTER])] == [True, False]
        assert (await client.allows(ADMINISTER)).failure is None


def test_a_caller_who_may_not_ask_is_told_nothing_and_allows_nothing(
    service: Service, issuer: Issuer
) -> None:
    with DecisionPointClient(
        service.base_url, issuer.token(**{"custom:role": "user"}), timeout=LIMIT_S
    ) as client:
        answer = client.allows(READ)
    assert (answer.allowed, answer.failure) == (False, "the decision point answered 403")


def test_a_decision_point_that_is_not_there_is_a_deny() -> None:
    with DecisionPointClient(f"http://127.0.0.1:{free_port()}", "token") as client:
        answer = client.allows(READ)
    assert not answer
    assert answer.failure == "the decision point cannot be reached: ConnectError"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b'{"evaluations": [{"decision": true}]}'),
        (302, b'{"evaluations": [{"decision": true}]}'),
        (200, b""),
        (200, b"true"),
        (200, b"[]"),
        (200, b'{"decision": true}'),
        (200, b'{"evaluations": []}'),
        (200, b'{"evaluations": [{"decision": true}, {"decision": true}]}'),
        (200, b'{"evaluations": [true]}'),
        (200, b'{"evaluations": [{"decision": "true"}]}'),
        (200, b'{"evaluations": [{"decision": 1}]}'),
        (200, b'{"evaluations": [{}]}'),
        (200, b'{"evaluations": {"0": {"decision": true}}}'),
        (200, b'{"evaluations": [{"decision": true, "context": {"error": {"status": 400}}}]}'),
        (200, b'{"evaluations": [{"decision": true, "context": {"error": "no"}}]}'),
    ],
)
async def test_an_answer_that_is_not_exactly_a_yes_is_a_deny(status: int, body: bytes) -> None:
    def answer(_request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, content=body)

    def asynchronous() -> Any:
        return httpx2.AsyncClient(transport=httpx2.MockTransport(answer))

    with DecisionPointClient(
        "http://x", "t", http=httpx2.Client(transport=httpx2.MockTransport(answer))
    ) as client:
        assert not client.allows(READ)
    async with AsyncDecisionPointClient("http://x", "t", http=asynchronous()) as other:
        assert not await other.allows(READ)


def test_a_slow_decision_point_is_a_deny() -> None:
    def answer(_request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ReadTimeout("slow")

    http = httpx2.Client(transport=httpx2.MockTransport(answer))
    with DecisionPointClient("http://x", "t", http=http) as client:
        assert client.allows(READ).failure == "the decision point cannot be reached: ReadTimeout"


def test_more_questions_than_a_decision_point_takes_are_the_programs_mistake() -> None:
    with DecisionPointClient("http://x", "t") as client, pytest.raises(ValueError, match="at most 1000"):
        client.ask([READ] * (MOST_QUESTIONS + 1))
