"""Files that are read whole and of one moment, and watched by file events: what stores of files have in common."""

import asyncio
import contextlib
import logging
import os
import stat
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from watchfiles import Change, awatch

from rbac.errors import PolicyError, Problem
from rbac.stores.writers import being_written, without_waiting

log = logging.getLogger("rbac.stores.file")

# A burst of writes is one change: it is over when nothing happened for the first, or has gone on for the
# second.
_SETTLED_MS = 50
_BURST_MS = 400
# File events can be lost (network file systems, a directory moved away, a full queue): look that often
# anyway.
_LOOK_MS = 500
# How long `read` waits for a writer to finish before it says that there is nothing whole to read.
_PATIENCE_S = 2.0

_READABLE = "make it a regular file, or a directory of them, that the service may read"

# Device, inode, size, and the times of the last write and of the last change of any kind; None for a missing
# file.
_Stamp = tuple[int, int, int, int, int] | None

Read = TypeVar("Read")


class WatchedFiles(ABC):
    """Files on disk that are one thing together. Whoever is one says which files, and reads them."""

    def __init__(self) -> None:
        self._asks_for_writers = True
        self._was_read = False

    @abstractmethod
    def files(self) -> list[Path]:
        """The files that are read."""

    @property
    def main(self) -> Path:
        """The file that is told of where a problem is one of all of them."""
        return self.files()[0]

    def others(self) -> Iterable[Path]:
        """Files besides that are not read, and whose change is one all the same."""
        return ()

    def names(self) -> list[Path]:
        """What is watched: paths, and ``directory/*`` for all that is in one."""
        return self.files()

    def steady(self, read_once: Callable[[], Read]) -> Read:
        """What ``read_once`` reads once nobody writes the files and none changed meanwhile.

        Raises :class:`PolicyError` when one cannot be read, or is still being written after two seconds.
        """
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            before = self._stamps()
            found = read_once()
            open_file = self._open_file()
            if open_file is None and self._stamps() == before:
                self._was_read = True
                return found
            if time.monotonic() >= deadline:
                if self._was_read or open_file is None:
                    raise PolicyError([_unfinished(open_file or self.main)])
                # Before anything was ever read, a file system that always says so is the likelier reason.
                log.warning("%s seems to be open for writing; not asking that any more", open_file)
                self._asks_for_writers = False
            time.sleep(0.01)

    async def changes(self) -> AsyncGenerator[None, None]:
        """Yields once it is listening, and whenever a file, a link on the way to it, or what is in a watched
        directory is written, renamed or removed."""
        while True:
            entries = await asyncio.to_thread(self._entries)
            async with contextlib.aclosing(self._events(entries)) as events:
                async for _ in events:
                    yield

    async def _events(self, entries: frozenset[Path]) -> AsyncGenerator[None, None]:
        """One item to begin with, and one a burst of events; ends when other entries are to be watched."""
        watch = awatch(
            *_directories(entries),
            watch_filter=lambda change, path: self._concerns(change, path, entries),
            debounce=_BURST_MS,
            step=_SETTLED_MS,
            rust_timeout=_LOOK_MS,
            yield_on_timeout=True,
            recursive=False,
        )
        following = asyncio.ensure_future(anext(watch))
        try:
            await asyncio.sleep(0)  # its first step begins to listen
            now, stamps = await asyncio.to_thread(self._look)
            yield
            while now == entries:
                # Awaited by itself it would be cancelled in our place, and if it does not pass that on, nobody is.
                await asyncio.wait({following})
                changes = following.result()
                following = asyncio.ensure_future(anext(watch))
                known, (now, stamps) = stamps, await asyncio.to_thread(self._look)
                if changes or stamps != known:
                    yield
        except OSError as error:
            log.warning("no file events (%s); looking every %d ms", error, _LOOK_MS)
            await asyncio.sleep(_LOOK_MS / 1000)
        finally:
            following.cancel()
            # INVARIANT: what is caught is how `following` ends, never a cancelling of whoever asks for changes.
            await asyncio.wait({following})
            with contextlib.suppress(asyncio.CancelledError, OSError):
                following.result()
            await watch.aclose()

    def _look(self) -> tuple[frozenset[Path], dict[Path, _Stamp]]:
        return self._entries(), self._stamps()

    def _open_file(self) -> Path | None:
        """A file that somebody is still writing."""
        if not self._asks_for_writers:
            return None
        return next((path for path in self.files() if being_written(path)), None)

    def _stamps(self) -> dict[Path, _Stamp]:
        return {path: _stamp(path) for path in (*self.files(), *self.others())}

    def _entries(self) -> frozenset[Path]:
        """Every directory entry that a change of the files must touch: the files, and the links on the way to them."""
        return frozenset(entry for name in self.names() for entry in _links(name.absolute()))

    @staticmethod
    def _concerns(_change: Change, path: str, entries: frozenset[Path]) -> bool:
        entry = Path(path)
        return entry in entries or entry.with_name("*") in entries


def _links(path: Path) -> Iterator[Path]:
    """``path`` and every symbolic link that the kernel follows to get there, those among directories included."""
    pending, seen = [path], set[Path]()
    while pending:
        entry = pending.pop()
        if entry in seen:
            continue
        seen.add(entry)
        with contextlib.suppress(OSError):
            pending.append(entry.parent / entry.readlink())
        pending += [parent for parent in entry.parents if parent.is_symlink()]
    yield from seen


def _directories(entries: frozenset[Path]) -> list[Path]:
    """The directories that say when one of these entries changes, as far as they exist."""
    return sorted({entry.parent for entry in entries if entry.parent.is_dir()})


def _stamp(path: Path) -> _Stamp:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def content_of(path: Path) -> bytes:
    """The whole of a regular file. Raises :class:`PolicyError` for one that cannot be read."""
    try:
        with open(path, "rb", opener=without_waiting) as file:
            if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return file.read()
    except OSError as error:
        raise unreadable(path, (error.strerror or str(error)).lower()) from error
    # A pipe would keep the reload waiting for a writer, and a device may have no end.
    raise unreadable(path, "it is no regular file")


def unreadable(path: Path, reason: str) -> PolicyError:
    """That a file cannot be read, and what to do about it."""
    return PolicyError(
        [Problem(str(path), 0, 0, "unreadable", "error", f"cannot be read: {reason}", _READABLE)]
    )


def _unfinished(path: Path) -> Problem:
    return Problem(
        str(path),
        0,
        0,
        "unfinished",
        "error",
        "is still being written",
        "close it, or write aside and rename",
    )
