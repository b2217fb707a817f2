"""Whoever has the console open: its events are read for a while, and it is opened again."""

import threading
import time
from collections.abc import Callable

import httpx2

from tests.support import plain_http


class Streams:
    """Follows the stream of decisions with one connection after the other, each for ``seconds``."""

    def __init__(
        self, base_url: str, token: Callable[[], str], wrong: Callable[[str], None], seconds: float
    ) -> None:
        self.opened = self.events = 0
        self._url = f"{base_url}/policy/decisions"
        self._token = token
        self._wrong = wrong
        self._seconds = seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _follow(self) -> None:
        while not self._over.is_set():
            headers = {"Authorization": f"Bearer {self._token()}", "Accept": "text/event-stream"}
            try:
                with plain_http.stream("GET", self._url, headers=headers) as answer:
                    if answer.status_code != 200:
                        self._wrong(f"the stream is answered {answer.status_code}")
                    self.opened += 1
                    self._read(answer)
            except httpx2.TransportError as error:
                self._wrong(f"the stream broke: {error!r}")

    def _read(self, answer: httpx2.Response) -> None:
        until = time.monotonic() + self._seconds
        for line in answer.iter_lines():
            self.events += line == "event: decision"
            if line == "event: end":
                self._wrong("the stream ended by itself")
            if self._over.is_set() or time.monotonic() > until:
                return
