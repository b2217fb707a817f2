"""Where decision lines go: standard output, or a file that rotates by size. Several workers share either one.

Whole lines only: the lines of two workers never mix, and a line that could not be written whole is not there at all.
"""

import contextlib
import fcntl
import os
import select
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

STDOUT = 1  # the file descriptor
ROTATE_AT = 100 * 1024 * 1024  # bytes

_AT_ONCE = 64 * 1024
_ATOMIC = select.PIPE_BUF  # what the kernel writes to a pipe in one piece, whoever else writes to it
_CLOSED = -1


class Sink(Protocol):
    """Takes lines, and may fail."""

    def write(self, lines: bytes) -> int:
        """Writes a first part of ``lines``, all of them as a rule; how many bytes. Raises ``OSError`` if it is none.

        May block. One thread calls it.
        """
        ...

    def close(self) -> None:
        """Lets go of what it holds."""
        ...


class FileSink:
    """A file that is appended to, and renamed once it holds ``rotate_at`` bytes; nothing is ever deleted.

    ``decisions.jsonl`` becomes ``decisions.2026-11-23T09-11-30.123456Z.jsonl``, after the moment of renaming, so that
    the names in their order are the lines in theirs. A file that somebody else moved away is made anew.
    """

    def __init__(self, path: Path, rotate_at: int = ROTATE_AT) -> None:
        self._path = path
        self._rotate_at = rotate_at
        self._file = _CLOSED

    def write(self, lines: bytes) -> int:
        """All of ``lines``, or an ``OSError`` and none."""
        while True:
            if self._file == _CLOSED:
                self._file = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
            if not stat.S_ISREG(os.fstat(self._file).st_mode):  # a device, such as /dev/stderr
                return os.write(self._file, lines)
            with _held(self._file):
                if self._is_current() and self._has_room(len(lines)):
                    _append(self._file, lines)
                    return len(lines)
            self.close()

    def close(self) -> None:
        if self._file != _CLOSED:
            os.close(self._file)
            self._file = _CLOSED

    def _is_current(self) -> bool:
        """Whether the open file is still the one at the path: another worker may have rotated it."""
        try:
            return os.path.samestat(self._path.stat(), os.fstat(self._file))
        except FileNotFoundError:
            return False

    def _has_room(self, length: int) -> bool:
        """Whether the file is to hold ``length`` bytes more; else it has been renamed."""
        size = os.fstat(self._file).st_size
        if size == 0 or size + length <= self._rotate_at:
            return True
        while (away := self._name_of_old()).exists():
            pass
        self._path.rename(away)
        return False

    def _name_of_old(self) -> Path:
        moment = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%S.%fZ")
        return self._path.with_name(f"{self._path.stem}.{moment}{self._path.suffix}")


class StreamSink:
    """An open stream, such as standard output: a pipe, a terminal or a file that somebody else rotates."""

    def __init__(self, stream: int) -> None:
        self._stream = stream
        # A lock holds for all who opened by themselves, and workers inherit one opening: so this is another.
        self._lock = _CLOSED
        with contextlib.suppress(OSError):  # a socket cannot be opened
            self._lock = os.open(f"/proc/self/fd/{stream}", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)

    def write(self, lines: bytes) -> int:
        """As many lines as the stream takes in one piece; a longer line by itself."""
        most = _ATOMIC if self._lock == _CLOSED else _AT_ONCE
        end = (
            len(lines) if len(lines) <= most else (lines.rfind(b"\n", 0, most) + 1 or lines.index(b"\n") + 1)
        )
        done = 0
        with contextlib.nullcontext() if self._lock == _CLOSED else _held(self._lock):
            while done < end:
                try:
                    done += os.write(self._stream, memoryview(lines)[done:end])
                except BlockingIOError:  # whoever started us made it so
                    select.select([], [self._stream], [])
                except OSError:
                    if done:
                        break
                    raise
        return done

    def close(self) -> None:
        if self._lock != _CLOSED:
            os.close(self._lock)
            self._lock = _CLOSED


@contextmanager
def _held(file: int) -> Iterator[None]:
    """The lock that everybody who writes to ``file`` takes."""
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)


def _append(file: int, lines: bytes) -> None:
    """Appends ``lines`` whole. Where that fails nothing is left of them, and the ``OSError`` is raised."""
    size = os.fstat(file).st_size
    if size and os.pread(file, 1, size - 1) != b"\n":
        lines = b"\n" + lines  # somebody was killed in the middle of a line
    done = 0
    try:
        while done < len(lines):
            done += os.write(file, memoryview(lines)[done:])
    except OSError:
        os.ftruncate(file, size)
        raise
