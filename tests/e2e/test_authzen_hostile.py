"""Whatever is sent to the decision point, and however it is framed: an answer that is no accident, from a real server."""

import itertools
import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.authzen import decision_point
from tests.support.issuer import Issuer
from tests.support.service import Service, serving
from tests.support.waiting import LIMIT_S

QUESTION: dict[str, Any] = {
    "subject": {"type": "user", "id": "alice"},
    "action": {"name": "read"},
    "resource": {"type": "record", "id": "record-1"},
}
BODY = json.dumps(QUESTION).encode()
ODD: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, 1e300, 10**40, "", "x" * 9000, [], [1], [[]], {}, {"a": 1}, "\u202e", "a\nb", "\x7f", "é",
)  # fmt: skip
PATHS = ("evaluation", "evaluations", "search/subject", "search/resource", "search/action")


@pytest.fixture(scope="module")
def service(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(
        issuer, tmp_path_factory.mktemp("hostile"), DECISION_LOG="off", **decision_point("suite")
    ) as started:
        yield started


def answers(service: Service, sent: bytes) -> list[int]:
    """The statuses of all answers to ``sent``, until the server closes the connection."""
    port = int(service.base_url.rpartition(":")[2])
    received = b""
    # What is sent may be more than both sides hold: who does not read meanwhile may wait for ever.
    with (
        socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S) as connection,
        ThreadPoolExecutor() as beside,
    ):
        sending = beside.submit(connection.sendall, sent)
        while chunk := connection.recv(65536):
            received += chunk
        sending.result()
    return [int(part[:3]) for part in received.split(b"HTTP/1.1 ")[1:]]


def head(issuer: Issuer, *lines: bytes, path: str = "evaluation", version: bytes = b"1.1") -> bytes:
    """The head of a POST with a token that may ask; ``lines`` are further header lines."""
    token = f"Authorization: Bearer {issuer.token()}".encode()
    request = b"POST /access/v1/%s HTTP/%s" % (path.encode(), version)
    return b"\r\n".join([request, b"Host: pdp", token, *lines, b"", b""])


def length(body: bytes) -> bytes:
    return b"Content-Length: %d" % len(body)


def chunked(body: bytes, size: int) -> bytes:
    pieces = (body[start : start + size] for start in range(0, len(body), size))
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


JSON = b"Content-Type: application/json"
CLOSE = b"Connection: close"
CHUNKED = b"Transfer-Encoding: chunked"


@pytest.mark.parametrize(
    ("lines", "body", "version", "status"),
    [
        ((JSON, CLOSE, length(BODY)), BODY, b"1.1", 200),
        ((JSON, length(BODY)), BODY, b"1.0", 200),
        ((JSON, CLOSE), b"", b"1.1", 400),
        ((JSON,), b"", b"1.0", 400),
        ((JSON, CLOSE, CHUNKED), chunked(BODY, 7), b"1.1", 200),
        ((JSON, CLOSE, CHUNKED), chunked(b" " * (1 << 20) + BODY, 1 << 16), b"1.1", 413),
        ((JSON, CLOSE, CHUNKED), b"zz\r\nxx\r\n", b"1.1", 400),
        ((CLOSE, length(BODY)), BODY, b"1.1", 400),
        ((b"Content-Type: \xe9", CLOSE, length(BODY)), BODY, b"1.1", 400),
        ((JSON, b"Content-Encoding: gzip", CLOSE, length(BODY)), BODY, b"1.1", 200),
        ((JSON, b"X-Request-ID: \xff\xfe a\tb", CLOSE, length(BODY)), BODY, b"1.1", 200),
    ],
    ids=[
        "as-usual", "http-1.0", "no-length", "http-1.0-no-length", "chunked", "chunked-too-large", "no-chunks",
        "no-type", "odd-type", "encoding-ignored", "odd-request-id",
    ],
)  # fmt: skip
def test_a_request_is_answered_however_it_is_framed(
    service: Service, issuer: Issuer, lines: tuple[bytes, ...], body: bytes, version: bytes, status: int
) -> None:
    assert answers(service, head(issuer, *lines, version=version) + body) == [status]


def test_requests_sent_in_one_go_are_answered_one_after_the_other(service: Service, issuer: Issuer) -> None:
    deny = json.dumps({**QUESTION, "subject": 1}).encode()
    pair = head(issuer, JSON, length(BODY)) + BODY + head(issuer, JSON, length(deny)) + deny
    last = head(issuer, JSON, CLOSE, length(BODY)) + BODY
    assert answers(service, pair * 20 + last) == [200, 400] * 20 + [200]


def odd_bodies() -> Iterator[bytes]:
    """Questions with something odd in every place."""
    places = [*QUESTION, "context", "evaluations", "options", "page", "unknown"]
    for place, odd in itertools.product(places, ODD):
        yield json.dumps({"evaluations": [{}], **QUESTION, place: odd}).encode()
        yield json.dumps({**QUESTION, "evaluations": [{place: odd}, {}, odd]}).encode()
    for place, member, odd in itertools.product(
        places, ("type", "id", "name", "properties", "token", "limit", "evaluations_semantic"), ODD
    ):
        yield json.dumps(
            {"evaluations": [{}], **QUESTION, place: {**QUESTION.get(place, {}), member: odd}}
        ).encode()
    for place, odd in itertools.product(places, ODD):
        properties = {"role": odd, "status": odd, "soft": odd}
        yield json.dumps({**QUESTION, place: {**QUESTION.get(place, {}), "properties": properties}}).encode()


@pytest.mark.parametrize("path", PATHS)
def test_what_is_odd_is_a_decision_or_the_askers_fault_and_never_an_accident(
    service: Service, issuer: Issuer, path: str
) -> None:
    bodies = list(odd_bodies())
    if path == "search/action":  # it has no action of its own
        bodies += [
            json.dumps({k: v for k, v in json.loads(each).items() if k != "action"}).encode()
            for each in bodies
        ]
    start = head(issuer, JSON, path=path)[: -len(b"\r\n")]
    requests = [start + length(body) + b"\r\n\r\n" + body for body in bodies]
    statuses = answers(service, b"".join(requests) + head(issuer, JSON, CLOSE, length(b""), path=path))
    assert len(statuses) == len(requests) + 1
    assert set(statuses) <= {200, 400}
    assert {200, 400} <= set(statuses)
    assert "Traceback" not in service.log()
