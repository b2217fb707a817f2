"""What each kind of flood costs the others: ``python -m benchmarks.floods`` prints the table of docs/floods.md.

One worker on 127.0.0.1, at production's log level; each flood lasts three seconds, and meanwhile somebody else asks for
``/healthz``, each time on a connection of their own.
"""

import json
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.issuer import Issuer
from tests.support.service import Service, running, trusting
from tests.support.wire import Connection, request, resident_mib

SECONDS = 3.0
PEOPLE = 10_000

Step = Callable[[], object]


def _post(path: str, token: str, body: object) -> bytes:
    content = json.dumps(body).encode()
    length, kind = f"Content-Length: {len(content)}", "Content-Type: application/json"
    return request(path, token, length, kind, method="POST") + content


def _ask(service: Service, data: bytes) -> None:
    with Connection(service.base_url) as connection:
        connection.ask(data)


def _pour(service: Service, start: bytes, more: bytes) -> None:
    """One connection that is sent to without end, until the service ends it."""
    with Connection(service.base_url) as connection:
        connection.socket.sendall(start)
        for _ in range(1_000):
            connection.socket.sendall(more)


def _hold(service: Service, data: bytes) -> None:
    """A hundred connections that send ``data`` and no more, and that nobody ends on this side for a while."""
    held = [Connection(service.base_url) for _ in range(100)]
    for connection in held:
        connection.send(data)
    time.sleep(1)
    for connection in held:
        connection.socket.close()


def floods(service: Service, issuer: Issuer) -> Iterator[tuple[str, int, Step]]:
    """Name, threads, and what each of them does over and over."""
    pep, body = issuer.token(), b"10000\r\n" + bytes(0x10000) + b"\r\n"
    chunked = request("/admin", None, "Transfer-Encoding: chunked", method="POST")
    batch = {
        "subject": {"type": "user", "id": "🚉" * 8_000},
        "action": {"name": "🚉" * 8_000},
        "evaluations": [{"resource": {"type": "route", "id": f"/{number}"}} for number in range(1000)],
    }
    search = {
        "subject": {"type": "user"},
        "action": {"name": "GET"},
        "resource": {"type": "route", "id": "/admin"},
    }
    numbers = iter(range(10_000_000))
    forged = [issuer.token({"kid": "made-up"}, jti=str(number)) for number in range(500)]
    signed = [issuer.token(jti=str(number), aud="another") for number in range(500)]
    yield "none", 1, lambda: time.sleep(0.1)
    yield "targets without end", 4, lambda: _pour(service, b"GET /", b"a" * 65_536)
    yield (
        "headers without end",
        4,
        lambda: _pour(service, b"GET / HTTP/1.1\r\nHost: a\r\n", b"X-Y: aaaaaaaaaaaaaaaa\r\n" * 3_000),
    )
    yield "heads that never end", 4, lambda: _hold(service, b"GET / HTTP/1.1\r\n")
    yield "bodies without end", 4, lambda: _pour(service, chunked, body)
    yield "bodies that never end", 4, lambda: _hold(service, chunked)
    yield (
        "requests sent ahead, answers not taken",
        4,
        lambda: _pour(service, b"", b"GET /a HTTP/1.1\r\nHost:a\r\n\r\n" * 2_000),
    )
    yield "connections", 4, lambda: _hold(service, b"")
    yield (
        "tokens that are not accepted",
        4,
        lambda: _ask(service, request("/user", signed[next(numbers) % 500])),
    )
    yield "key ids that nobody knows", 4, lambda: _ask(service, request("/user", forged[next(numbers) % 500]))
    yield "batches", 4, lambda: _ask(service, _post("/access/v1/evaluations", pep, batch))
    yield "searches", 20, lambda: _ask(service, _post("/access/v1/search/subject", pep, search))


def measured(service: Service, threads: int, step: Step) -> tuple[float, float, float]:
    """While ``threads`` do ``step``: the median and the longest wait for ``/healthz`` in ms, and MiB that memory grew."""
    over = time.monotonic() + SECONDS

    def work() -> None:
        while time.monotonic() < over:
            with suppress(OSError):
                step()

    busy = [threading.Thread(target=work) for _ in range(threads)]
    before = resident_mib(service.process.pid)
    for each in busy:
        each.start()
    waits = []
    while time.monotonic() < over:
        began = time.perf_counter()
        _ask(service, request("/healthz"))
        waits.append(1000 * (time.perf_counter() - began))
        time.sleep(0.02)
    grown = resident_mib(service.process.pid) - before
    for each in busy:
        each.join()
    return statistics.median(waits), max(waits), grown


@contextmanager
def _stopped_reader() -> Iterator[int]:
    """The end of a pipe that nobody reads until the block is over."""
    reading, writing = os.pipe()
    try:
        yield writing
    finally:
        threading.Thread(
            target=lambda: [None for _ in iter(lambda: os.read(reading, 65_536), b"")], daemon=True
        ).start()


def _row(name: str, figures: tuple[float, float, float]) -> None:
    median, longest, grown = figures
    print(f"| {name} | {median:.1f} | {longest:.0f} | {max(0.0, grown):.0f} |", flush=True)


def main() -> None:
    """Prints a row for each flood."""
    print("| flood | median, ms | longest, ms | memory, MiB |\n|---|---|---|---|")
    with Issuer() as issuer, tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary)
        entities = directory / "entities.json"
        people = [{"type": "user", "id": f"person|{number}"} for number in range(PEOPLE)]
        entities.write_text(json.dumps({"subjects": people}))
        settings = trusting(issuer) | {"LOG_LEVEL": "WARNING", "PDP_ENTITIES": str(entities)}
        log = {"DECISION_LOG": str(directory / "decisions.jsonl")}
        with running(directory, settings | log) as service:
            service.eventually("/readyz", None, 200)
            for name, threads, step in floods(service, issuer):
                _row(name, measured(service, threads, step))
        long = request("/public/" + "x" * 8_000)
        with _stopped_reader() as pipe, running(directory, settings, stdout=pipe) as service:
            _row("a reader that stops", measured(service, 4, lambda: _ask(service, long)))


if __name__ == "__main__":
    main()
