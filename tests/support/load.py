"""Requests at full speed over kept-alive connections, counting what was answered, until the service goes away."""

import asyncio
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit


class Load:
    """``connections`` of them ask for ``targets`` in turn. ``answers`` maps each request id to the status that came."""

    def __init__(
        self, base_url: str, targets: Sequence[tuple[str, str | None]], connections: int = 32
    ) -> None:
        """``targets``: paths, each with a token or none."""
        url = urlsplit(base_url)
        self._address = (url.hostname or "", url.port or 0)
        self._requests = [_request(path, token) for path, token in targets]
        self._connections = connections
        self._reached: Callable[[int], None] = lambda _count: None
        self.answers: dict[str, int] = {}

    def run(self, until: int, reached: Callable[[], None]) -> None:
        """Asks on and on; calls ``reached`` at ``until`` answers, and ends when every connection has been closed."""

        def count(answered: int) -> None:
            if answered == until:
                reached()

        self._reached = count
        asyncio.run(self._run())

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(self._connections):
                group.create_task(self._connection(number))

    async def _connection(self, number: int) -> None:
        reader, writer = await asyncio.open_connection(*self._address)
        try:
            while True:
                writer.write(self._requests[number % len(self._requests)])
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(int(_header(head, b"content-length")))
                self.answers[_header(head, b"x-request-id").decode()] = int(head.split(b" ", 2)[1])
                self._reached(len(self.answers))
                number += 1
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the service is stopping: what was not answered is not counted
        finally:
            writer.close()


def _request(path: str, token: str | None) -> bytes:
    authorization = f"Authorization: Bearer {token}\r\n" if token else ""
    return f"GET {path} HTTP/1.1\r\nHost: sekisho.test\r\n{authorization}\r\n".encode()


def _header(head: bytes, name: bytes) -> bytes:
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.lower() == name:
            return value.strip()
    raise ValueError(f"no {name!r} in {head!r}")
