"""A way to a server that a test may block: what it does to connections is changed while they are open."""

import contextlib
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.ports import free_port

_SLOW_S = 4.0


class Forwarder:
    """Forwards bytes both ways between a port of its own and ``target``. :meth:`do` says what else happens."""

    def __init__(self, target: int) -> None:
        self.port = free_port()
        self._target = target
        self._mode = "forward"
        self._left: int | None = None
        self._word: tuple[bytes, bool] | None = None
        self._listener: socket.socket | None = None
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._ended = False
        self._changing = (
            threading.Lock()
        )  # of the mode and what it ends, beside whoever comes in at that moment
        self._listen()

    def do(self, mode: str) -> None:
        """``forward``; ``silent``: nothing comes through any more; ``slow``: late; ``cut``: open connections end, and new
        ones at once; ``refusing``: nobody listens."""
        self._left = self._word = None
        with self._changing:
            self._mode = mode
            if mode in {"cut", "refusing", "forward"}:  # what was dropped is missing in those connections
                self._hang_up()
        if mode == "refusing" and self._listener is not None:
            self._listener.close()
            self._listener = None
        elif mode != "refusing" and self._listener is None:
            self._listen()

    def cut_after(self, size: int) -> None:
        """From now on a connection ends once the server has sent so many bytes over it."""
        self._left = size

    def cut_at(self, word: bytes, *, delivered: bool) -> None:
        """The next connection over which a client says ``word`` ends there and then; what said it is ``delivered``, or
        not."""
        self._word = word, delivered

    def close(self) -> None:
        with self._changing:
            self._ended = True
            self._hang_up()
        if self._listener is not None:
            self._listener.close()

    def _listen(self) -> None:
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", self.port))
        self._listener.listen()
        self._listener.settimeout(0.05)  # here: whoever accepts may find it closed
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        while listener.fileno() >= 0 and not self._ended:
            try:
                client, _ = listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            client.settimeout(None)
            if self._mode == "cut":
                client.close()
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                client.close()
                continue
            with self._changing:
                unwanted = (
                    self._mode in {"cut", "refusing"} or self._ended
                )  # it was told so while this one came in
                if unwanted:
                    self._end(client, server)
                else:
                    self._pairs.append((client, server))
            if unwanted:
                continue
            threading.Thread(target=self._pump, args=(client, server), daemon=True).start()

    def _pump(self, client: socket.socket, server: socket.socket) -> None:
        sent = 0
        with contextlib.suppress(OSError, ValueError):
            while True:
                if self._mode == "silent":
                    time.sleep(0.05)
                    continue
                ready, _, _ = select.select([client, server], [], [], 0.05)
                if self._mode == "silent":
                    continue
                for source in ready:
                    piece = source.recv(65536)
                    if not piece:
                        return self._end(client, server)
                    if self._mode == "slow":
                        time.sleep(_SLOW_S)
                    if source is client and self._word is not None and self._word[0] in piece:
                        (_, delivered), self._word = self._word, None
                        if delivered:
                            server.sendall(piece)
                            server.recv(65536)  # it answers once it has done so
                        return self._end(client, server)
                    (server if source is client else client).sendall(piece)
                    sent += len(piece) if source is server else 0
                    if self._left is not None and sent > self._left:
                        return self._end(client, server)
        return self._end(client, server)

    def _hang_up(self) -> None:
        for pair in self._pairs:
            self._end(*pair)
        self._pairs.clear()

    @staticmethod
    def _end(*ends: socket.socket) -> None:
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@contextmanager
def forwarder(target: int) -> Iterator[Forwarder]:
    """A forwarder to a port of 127.0.0.1."""
    made = Forwarder(target)
    try:
        yield made
    finally:
        made.close()
