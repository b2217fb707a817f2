"""What a caller may send, and how long it may take: beyond that an answer and the end, and nobody else waits for it."""

import json
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.issuer import Issuer
from tests.support.service import Service, serving
from tests.support.waiting import comes_true
from tests.support.wire import Answer, Connection, flooded, request, resident_mib

TARGET, HEAD, BODY = 8_192, 65_536, 2_097_152
SECONDS = 2  # of the service under test; everybody else's defaults are longer
CONNECTIONS = 20


@pytest.fixture(scope="module")
def service(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    directory: Path = tmp_path_factory.mktemp("limits")
    settings = {
        "DECISION_LOG": "off",
        "LOG_LEVEL": "WARNING",
        "LIMIT_HEAD_SECONDS": str(SECONDS),
        "LIMIT_BODY_SECONDS": str(SECONDS),
        "LIMIT_CONNECTIONS": str(CONNECTIONS),
        "KEEP_ALIVE": "1",
    }
    with serving(issuer, directory, **settings) as running:
        yield running


def ask(service: Service, data: bytes) -> Answer:
    with Connection(service.base_url) as connection:
        return connection.ask(data)


def refused(answer: Answer, status: int, error: str) -> bool:
    """Whether it is a problem, and the last answer of its connection."""
    problem = json.loads(answer.body)
    assert answer.headers["content-type"] == "application/problem+json"
    assert (problem["status"], problem["request_id"]) == (answer.status, answer.headers["x-request-id"])
    return (answer.status, problem["error"], answer.closed) == (status, error, True)


def target(length: int) -> bytes:
    return request("/" + "a" * (length - 1))


def head(length: int) -> bytes:
    """A request whose target and header fields take so many bytes, with the four that part and end each field."""
    plain = len("/healthz") + len("Host") + len("sekisho.test") + 4
    return request("/healthz", None, f"X-Filling: {'a' * (length - plain - len('X-Filling') - 4)}")


def post(length: int, *more: str) -> bytes:
    return request("/access/v1/evaluation", None, f"Content-Length: {length}", *more, method="POST")


def test_a_target_may_be_as_long_as_the_limit(service: Service) -> None:
    assert ask(service, target(TARGET)).status == 401
    assert refused(ask(service, target(TARGET + 1)), 414, "uri_too_long")
    query = request("/public?" + "a" * (TARGET - len("/public?")))
    assert ask(service, query).status == 200
    assert refused(ask(service, query.replace(b"aaa", b"aaaa", 1)), 414, "uri_too_long")


def test_a_head_may_be_as_large_as_the_limit(service: Service) -> None:
    assert ask(service, head(HEAD)).status == 200
    assert refused(ask(service, head(HEAD + 1)), 431, "request_header_fields_too_large")
    long = [f"X-{number}: {'a' * 1_000}" for number in range(70)]
    assert refused(ask(service, request("/healthz", None, *long)), 431, "request_header_fields_too_large")
    many = [f"X-{number}: a" for number in range(255)]
    assert ask(service, request("/healthz", None, *many)).status == 200
    assert refused(
        ask(service, request("/healthz", None, *many, "Y: a")), 431, "request_header_fields_too_large"
    )


def test_a_body_may_be_as_large_as_the_limit_however_it_is_announced(service: Service) -> None:
    assert ask(service, post(BODY) + bytes(BODY)).status == 401
    assert refused(ask(service, post(BODY + 1)), 413, "payload_too_large")
    assert refused(ask(service, post(BODY + 1, "Expect: 100-continue")), 413, "payload_too_large")


def test_a_chunked_body_is_counted_as_it_comes(service: Service, issuer: Issuer) -> None:
    """Also one that nobody reads, because it was answered already, and trailers that never end."""
    authorization = f"Authorization: Bearer {issuer.token()}"
    chunked = request(
        "/access/v1/evaluation", None, authorization, "Transfer-Encoding: chunked", method="POST"
    )
    chunk = b"10000\r\n" + bytes(0x10000) + b"\r\n"
    with Connection(service.base_url) as connection:
        connection.send(chunked.replace(b"chunked", b"chunked\r\nContent-Type: application/json"))
        for _ in range(BODY // 0x10000 + 2):
            connection.send(chunk)
        assert connection.answer().status == 413
        assert connection.ended()
    with Connection(service.base_url) as connection:
        connection.send(request("/admin", None, "Transfer-Encoding: chunked", method="POST"))
        assert connection.answer().status == 401
        for _ in range(BODY // 0x10000 + 2):
            connection.send(chunk)
        assert connection.ended()
    with Connection(service.base_url) as connection:
        connection.send(request("/admin", None, "Transfer-Encoding: chunked", method="POST") + b"0\r\n")
        for number in range(1000):
            connection.send(b"X-%d: %b\r\n" % (number, b"a" * 100))
        assert connection.ended()


HOSTS = {
    "none": (b"GET /healthz HTTP/1.1\r\n\r\n", 400),
    "two": (b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    "the same twice": (b"GET /healthz HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", 400),
    "two, of an old client": (b"GET /healthz HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    "none, of an old client": (b"GET /healthz HTTP/1.0\r\n\r\n", 200),
    "an empty one": (b"GET /healthz HTTP/1.1\r\nHost:\r\n\r\n", 200),
    "one": (b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", 200),
}


@pytest.mark.parametrize(("data", "status"), HOSTS.values(), ids=HOSTS)
def test_a_request_names_its_host_once(service: Service, data: bytes, status: int) -> None:
    answer = ask(service, data)
    assert answer.status == status
    assert status == 200 or refused(answer, 400, "invalid_host")


NO_HTTP = {
    "text": b"hello\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100),
    "a bad length": b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    "two lengths": b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "length and chunks": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    "a bad chunk": b"POST /public HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: a\r\n\r\nxyz\r\n",
    "a target beyond ASCII": b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
    "an authority": b"CONNECT : HTTP/1.1\r\nHost: a\r\n\r\n",
}


@pytest.mark.parametrize("data", NO_HTTP.values(), ids=NO_HTTP)
def test_what_is_no_http_is_a_problem_and_the_end(service: Service, data: bytes) -> None:
    with Connection(service.base_url) as connection:
        answer = connection.ask(data)
        assert 400 <= answer.status < 500
        assert connection.ended()


FLOODS = {
    "a target": (b"GET /", b"a" * 65_536, 414),
    "a query": (b"GET /public?", b"a=b&" * 16_384, 414),
    "a header": (b"GET / HTTP/1.1\r\nHost: a\r\nX: ", b"a" * 65_536, 431),
    "headers": (b"GET / HTTP/1.1\r\nHost: a\r\n", b"X-Y: aaaaaaaaaaaaaaaaaaaa\r\n" * 2_000, 431),
    "a header's name": (b"GET / HTTP/1.1\r\nHost: a\r\n", b"a" * 65_536, 431),
    "a method": (b"", b"GET" * 20_000, 400),
    "empty lines": (b"", b"\r\n" * 32_768, 431),
}


@pytest.mark.parametrize(("start", "more", "status"), FLOODS.values(), ids=FLOODS)
def test_a_head_without_end_is_refused_while_it_comes(
    service: Service, start: bytes, more: bytes, status: int
) -> None:
    """A hundred mebibytes on one connection, while others ask: they are answered in time, and memory stays flat."""
    before = resident_mib(service.process.pid)
    with flooded(service.base_url, more, 0) as connection:
        connection.send(start)
        assert _answers_while_pouring(service, connection, more)
        assert connection.answer().status == status
    assert resident_mib(service.process.pid) - before < 20


FRAMES = {
    "a body in crumbs": (b"", b"1\r\na\r\n" * 10_000),
    "extensions of a chunk": (b"1;", b"a" * 65_536),
    "a chunk's size": (b"", b"0" * 65_536),
    "a trailer": (b"0\r\nX: ", b"a" * 65_536),
    "a trailer's name": (b"0\r\n", b"a" * 65_536),
    "trailers": (b"0\r\n", b"X-Y: aaaaaaaaaaaaaaaaaaaa\r\n" * 2_000),
}


@pytest.mark.parametrize(("start", "more"), FRAMES.values(), ids=FRAMES)
def test_what_stands_around_a_body_without_end_holds_nobody_up(
    service: Service, start: bytes, more: bytes
) -> None:
    """A hundred mebibytes of chunks, and hardly a body in them; the request itself was answered already."""
    before = resident_mib(service.process.pid)
    with Connection(service.base_url) as connection:
        answer = connection.ask(request("/admin", None, "Transfer-Encoding: chunked", method="POST") + start)
        assert answer.status == 401
        assert _answers_while_pouring(service, connection, more)
        assert connection.ended()
    assert resident_mib(service.process.pid) - before < 20


def test_a_body_in_crumbs_is_read_whole(service: Service, issuer: Issuer) -> None:
    """As a program may write it that sends each letter as it comes, extensions, trailers and all."""
    body = b'{"subject": {}}' + b" " * 20_000
    crumbs = b"".join(b"1;a=b\r\n%c\r\n" % letter for letter in body) + b"0\r\nX-Trailer: a\r\n\r\n"
    more = (
        f"Authorization: Bearer {issuer.token()}",
        "Transfer-Encoding: chunked",
        "Content-Type: application/json",
    )
    asked = request("/access/v1/evaluation", None, *more, method="POST") + crumbs
    with Connection(service.base_url) as connection:
        sending = threading.Thread(target=connection.send, args=((request() + asked) * 3 + request(),))
        sending.start()
        assert [connection.answer().status for _ in range(7)] == [200, 400] * 3 + [200]
        sending.join()


def _answers_while_pouring(service: Service, connection: Connection, more: bytes) -> bool:
    """Sends 100 MiB on one connection, and asks on others; whether these are answered in between.

    In a second, or on a slow machine in a quarter of what the sending took.
    """

    def pour() -> None:
        for _ in range((100 << 20) // len(more)):
            connection.send(more)

    pouring = threading.Thread(target=pour)
    begun = time.monotonic()
    pouring.start()
    slowest = 0.0
    for _ in range(20):
        began = time.monotonic()
        assert ask(service, request("/healthz")).status == 200
        slowest = max(slowest, time.monotonic() - began)
    pouring.join()
    return slowest < max(1.0, (time.monotonic() - begun) / 4)


SLOW_HEADS = {
    "half a line": b"GET /heal",
    "half a head": b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: ",
    "an empty line": b"\r\n",
}


@pytest.mark.parametrize("start", SLOW_HEADS.values(), ids=SLOW_HEADS)
def test_a_head_that_does_not_come_in_time_is_408(service: Service, start: bytes) -> None:
    with Connection(service.base_url) as connection:
        began = time.monotonic()
        assert refused(connection.ask(start), 408, "request_timeout")
        assert time.monotonic() - began >= SECONDS - 0.1
        assert connection.ended()


@pytest.mark.parametrize("which", ["first", "second"])
def test_a_head_that_comes_a_byte_at_a_time_has_no_more_time_for_it(service: Service, which: str) -> None:
    with Connection(service.base_url) as connection:
        if which == "second":
            assert connection.ask(request()).status == 200
        connection.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: ")
        stop = threading.Event()

        def drip() -> None:
            while not stop.wait(0.1):
                connection.send(b"a")

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            assert refused(connection.answer(), 408, "request_timeout")
        finally:
            stop.set()
            dripping.join()


def test_a_connection_on_which_nothing_comes_ends(service: Service) -> None:
    with Connection(service.base_url) as connection:
        assert connection.ended()
    with Connection(service.base_url) as connection:
        assert connection.ask(request()).status == 200
        assert connection.ended()


@pytest.mark.parametrize("length", ["Content-Length: 1000", "Transfer-Encoding: chunked"])
def test_a_body_that_does_not_come_in_time_is_408(service: Service, issuer: Issuer, length: str) -> None:
    more = (f"Authorization: Bearer {issuer.token()}", length, "Content-Type: application/json")
    with Connection(service.base_url) as connection:
        connection.send(request("/access/v1/evaluation", None, *more, method="POST"))
        assert refused(connection.answer(), 408, "request_timeout")
    with Connection(service.base_url) as connection:  # answered before its body came
        assert connection.ask(request("/admin", None, length, method="POST")).status == 401
        assert connection.ended()


def test_a_slow_body_within_its_time_is_read(service: Service, issuer: Issuer) -> None:
    body = b'{"subject": {}}'
    more = (
        f"Authorization: Bearer {issuer.token()}",
        f"Content-Length: {len(body)}",
        "Content-Type: application/json",
    )
    with Connection(service.base_url) as connection:
        connection.send(request("/access/v1/evaluation", None, *more, method="POST"))
        for place in range(0, len(body), 5):
            time.sleep(0.05)
            connection.send(body[place : place + 5])
        assert connection.answer().status == 400
        assert connection.ask(request()).status == 200


def test_an_answer_that_nobody_takes_is_given_up(service: Service) -> None:
    with Connection(service.base_url) as connection:
        connection.socket.settimeout(0.5)
        # Asks on and on for what is large, and reads none of it: the buffers on the way are full soon.
        asking = iter(lambda: connection.socket.sendall(request("/openapi.json")), "")
        with pytest.raises(TimeoutError):
            deque(asking, maxlen=0)
        assert comes_true(lambda: _open_connections(service) <= 1)


def _open_connections(service: Service) -> int:
    return sum(
        line.split()[1].endswith(f":{int(service.base_url.rsplit(':', 1)[1]):04X}")
        and line.split()[3] == "01"
        for line in Path(f"/proc/{service.process.pid}/net/tcp").read_text().splitlines()[1:]
    )


PARTS = {
    "a head": b"GET /healthz HTT",
    "a body": request("/admin", None, "Content-Length: 5", method="POST") + b"ab",
}


@pytest.mark.parametrize("ahead", [1, 2, 5])
@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_what_is_sent_ahead_in_part_has_no_more_time_than_the_rest(
    service: Service, part: bytes, ahead: int
) -> None:
    """And no less: what comes in time is answered."""
    answers = [200] * ahead + [401] * part.startswith(b"POST")
    with Connection(service.base_url) as connection:
        connection.send(request() * ahead + part)
        assert [connection.answer().status for _ in answers] == answers
        assert refused(connection.answer(), 408, "request_timeout")
        assert connection.ended()
    with Connection(service.base_url) as connection:
        connection.send(request() * ahead + part)
        assert [connection.answer().status for _ in answers] == answers
        connection.send(b"cde" if part.startswith(b"POST") else b"P/1.1\r\nHost: a\r\n\r\n")
        assert part.startswith(b"POST") or connection.answer().status == 200
        assert connection.ask(request()).status == 200


def test_a_connection_whose_body_came_after_the_answer_is_idle_like_any_other(service: Service) -> None:
    """It ends when it is not used, and makes room for others before that."""
    late = request("/admin", None, "Content-Length: 5", method="POST")
    with ExitStack() as stack:
        several = [stack.enter_context(Connection(service.base_url)) for _ in range(CONNECTIONS)]
        for connection in several:
            assert connection.ask(late + b"ab").status == 401
            connection.send(b"cde")
        assert comes_true(lambda: ask(service, request()).status == 200)
        for connection in several:
            assert connection.ended()


def test_pipelined_requests_are_answered_in_their_order_however_many(service: Service) -> None:
    many = 5_000
    before = resident_mib(service.process.pid)
    paths = ["/healthz", "/public", "/admin"]
    with Connection(service.base_url) as connection:
        data = b"".join(request(paths[number % 3]) for number in range(many))
        sending = threading.Thread(target=connection.send, args=(data,))
        sending.start()
        for number in range(many):
            assert connection.answer().status == (200, 200, 401)[number % 3]
        sending.join()
    assert resident_mib(service.process.pid) - before < 30


def test_pipelined_requests_that_nobody_waits_for_cost_no_memory(service: Service) -> None:
    before = resident_mib(service.process.pid)
    small = b"GET /a HTTP/1.1\r\nHost:a\r\n\r\n"
    with flooded(service.base_url, small * 2_000, 50 << 20):
        for _ in range(20):
            assert ask(service, request("/healthz")).status == 200
        assert resident_mib(service.process.pid) - before < 30


def test_a_body_behind_a_request_that_is_being_answered_waits_its_turn(
    service: Service, issuer: Issuer
) -> None:
    body = b'{"subject": {}}' + b" " * 100_000
    more = (
        f"Authorization: Bearer {issuer.token()}",
        f"Content-Length: {len(body)}",
        "Content-Type: application/json",
    )
    asked = request("/access/v1/evaluation", None, *more, method="POST") + body
    with Connection(service.base_url) as connection:
        sending = threading.Thread(target=connection.send, args=((request() + asked) * 10 + request(),))
        sending.start()
        assert [connection.answer().status for _ in range(21)] == [200, 400] * 10 + [200]
        sending.join()


def test_one_connection_too_many_takes_the_place_of_the_longest_idle(service: Service) -> None:
    with ExitStack() as stack:
        idle = [stack.enter_context(Connection(service.base_url)) for _ in range(CONNECTIONS)]
        for connection in idle:
            assert connection.ask(request()).status == 200
        newest = stack.enter_context(Connection(service.base_url))
        assert newest.ask(request()).status == 200
        assert idle[0].ended()
        assert idle[-1].ask(request()).status == 200


def test_where_all_are_busy_one_more_is_503(service: Service, issuer: Issuer) -> None:
    more = (f"Authorization: Bearer {issuer.token()}", "Content-Length: 10", "Content-Type: application/json")
    with ExitStack() as stack:
        for _ in range(CONNECTIONS):
            busy = stack.enter_context(Connection(service.base_url))
            busy.send(request("/access/v1/evaluation", None, *more, "Expect: 100-continue", method="POST"))
            assert busy.socket.recv(100).startswith(b"HTTP/1.1 100")  # it is being answered
        answer = ask(service, b"")
        assert refused(answer, 503, "too_many_connections")
        assert int(answer.headers["retry-after"]) >= 1
    assert comes_true(lambda: ask(service, request()).status == 200)


def test_a_flood_of_idle_connections_keeps_nobody_out(service: Service) -> None:
    with ExitStack() as stack:
        for _ in range(10 * CONNECTIONS):
            stack.enter_context(Connection(service.base_url)).send(b"GET /")
        for _ in range(2 * CONNECTIONS):
            assert ask(service, request()).status == 200


def test_what_was_turned_away_is_counted(service: Service, issuer: Issuer) -> None:
    token = issuer.token(**{"custom:role": "security"})
    ask(service, target(TARGET + 1))

    def counted() -> bool:
        text = ask(service, request("/metrics", token)).body.decode()
        return (
            'sekisho_limited_total{reason="uri_too_long"} 0.0' not in text and "sekisho_connections" in text
        )

    assert comes_true(counted)
