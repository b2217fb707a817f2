"""Standard error as a stream that nobody waits for: whoever reads the log may stop, and the service goes on."""

import atexit
import contextlib
import logging
import os
import stat
import threading
from collections import deque
from functools import cache
from typing import TextIO

log = logging.getLogger("app.log_stream")

MOST_WAITING = 4 << 20  # bytes
_AT_THE_END_S = 2.0


def without_waiting(stream: TextIO) -> TextIO:
    """``stream``, or where it is a pipe or a socket, one beside it whose writes never wait. One for each stream."""
    try:
        kind = os.fstat(stream.fileno()).st_mode
    except (OSError, ValueError):  # no file behind it
        return stream
    return _beside(stream) if stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind) else stream


@cache
def _beside(stream: TextIO) -> TextIO:
    return BackgroundStream(stream.fileno())  # type: ignore[return-value]  # a logging handler writes and flushes


class BackgroundStream:
    """Takes texts at once, and writes them to ``file`` in a thread of its own, in their order.

    Beyond ``most`` bytes that wait, texts are lost; the log says how many once it is read again. At the end of the
    process what waits is written for two seconds at most.
    """

    def __init__(self, file: int, most: int = MOST_WAITING) -> None:
        self.lost = 0
        self._file = file
        self._most = most
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        threading.Thread(target=self._run, name="log stream", daemon=True).start()
        atexit.register(self.drain)

    def write(self, text: str) -> int:
        """Takes ``text``, or counts it as lost. Never waits for whoever reads."""
        encoded = text.encode("utf-8", "backslashreplace")
        with self._changed:
            if self._bytes + len(encoded) > self._most:
                self.lost += 1
            else:
                self._waiting.append(encoded)
                self._bytes += len(encoded)
                self._changed.notify_all()
        return len(text)

    def flush(self) -> None:
        """Nothing: what waits is written as soon as it can be."""

    def drain(self, limit_s: float = _AT_THE_END_S) -> None:
        """Returns when nothing waits any more, or after ``limit_s`` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: not self._bytes, limit_s)

    def _run(self) -> None:
        told = 0
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                text = self._waiting.popleft()
                size = len(text)
            with contextlib.suppress(OSError):  # closed, or gone: there is nobody to tell
                while text:
                    text = text[os.write(self._file, text) :]
            with self._changed:
                self._bytes -= size
                lost, read_again = self.lost - told, not self._waiting
                self._changed.notify_all()
            if lost and read_again:
                told += lost
                log.warning("%d log records were lost while nobody read standard error", lost)
