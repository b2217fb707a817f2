"""HTTP as bytes on a connection: for what no client library would send, or would not tell."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from tests.support.waiting import LIMIT_S


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; ``closed``: the server says that it ends the connection."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def closed(self) -> bool:
        return self.headers.get("connection") == "close"


def request(path: str = "/healthz", token: str | None = None, *headers: str, method: str = "GET") -> bytes:
    """The bytes of a request without a body."""
    lines = [f"{method} {path} HTTP/1.1", "Host: sekisho.test", *headers]
    if token is not None:
        lines.append(f"Authorization: Bearer {token}")
    return "\r\n".join([*lines, "", ""]).encode()


class Connection:
    """A connection to the server at ``base_url``. Waits for a minute at most, and then raises ``TimeoutError``."""

    def __init__(self, base_url: str) -> None:
        url = urlsplit(base_url)
        self.socket = socket.create_connection((url.hostname or "", url.port or 0), LIMIT_S)
        self._read = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Sends all of ``data``; what the server no longer wants is nobody's fault."""
        with contextlib.suppress(ConnectionError):
            self.socket.sendall(data)

    def answer(self) -> Answer:
        """The next answer. Raises ``ConnectionError`` when the server ends the connection without one."""
        head = self._until(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)
        }
        length = int(headers.get("content-length", "0"))
        while len(self._read) < length:
            self._more()
        body, self._read = self._read[:length], self._read[length:]
        return Answer(int(status.split(" ")[1]), headers, body)

    def ask(self, data: bytes) -> Answer:
        """The answer to ``data``."""
        self.send(data)
        return self.answer()

    def ended(self) -> bool:
        """Whether the server ends the connection, within a minute."""
        try:
            while self.socket.recv(65_536):
                pass
        except TimeoutError:
            return False
        except ConnectionError:
            return True
        return True

    def _until(self, end: bytes) -> bytes:
        while end not in self._read:
            self._more()
        head, _, self._read = self._read.partition(end)
        return head

    def _more(self) -> None:
        data = self.socket.recv(65_536)
        if not data:
            raise ConnectionError("the server ended the connection")
        self._read += data


def resident_mib(process: int) -> float:
    """What a process holds in memory now."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ValueError("no VmRSS")


@contextmanager
def flooded(base_url: str, data: bytes, most: int) -> Iterator[Connection]:
    """A connection that sends ``data`` over and over, ``most`` bytes in all, while the block runs."""
    with Connection(base_url) as connection:

        def pour() -> None:
            with contextlib.suppress(OSError):
                for _ in range(most // len(data)):
                    connection.socket.sendall(data)

        pouring = threading.Thread(target=pour)
        pouring.start()
        try:
            yield connection
        finally:
            with contextlib.suppress(OSError):
                connection.socket.shutdown(socket.SHUT_RDWR)
            pouring.join()
