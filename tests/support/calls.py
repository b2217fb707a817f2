"""One call at a time over a connection of its own, cheaply, and callers who go on calling."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from urllib.parse import urlsplit

from tests.support.service import Service
from tests.support.waiting import LIMIT_S


def status(service: Service, token: str, path: str = "/user") -> int:
    """What one GET over a connection of its own is answered with: cheaply, for there are many."""
    connection = HTTPConnection(urlsplit(service.base_url).netloc, timeout=LIMIT_S)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        return connection.getresponse().status
    finally:
        connection.close()


@contextmanager
def calling(service: Service, token: str) -> Iterator[list[int]]:
    """Two callers who go on calling; the statuses that they got."""
    statuses: list[int] = []
    over = threading.Event()

    def call() -> None:
        while not over.is_set():
            statuses.append(status(service, token))
            over.wait(0.02)

    callers = [threading.Thread(target=call) for _ in range(2)]
    for caller in callers:
        caller.start()
    try:
        yield statuses
    finally:
        over.set()
        for caller in callers:
            caller.join()
