"""A document in files: ``model.conf``, ``policy.csv`` and a directory of policy tests, watched by file
events."""

import asyncio
import contextlib
import logging
import os
import stat
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path

from watchfiles import Change, awatch

from rbac.errors import PolicyError, Problem
from rbac.stores import Snapshot
from rbac.stores.writers import being_written, without_waiting
from rbac.suite_files import SuiteFiles, suite_files

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


class FileStore:
    """Files on disk. ``tests`` is a directory of YAML files, or one of them (:mod:`rbac.suite_files`); missing tests are
    no tests, but tests that cannot be read are an error."""

    def __init__(self, model: str | Path, policy: str | Path, tests: str | Path | None = None) -> None:
        self._model = Path(model)
        self._policy = Path(policy)
        self._tests = None if tests is None else Path(tests)
        self._asks_for_writers = True
        self._was_read = False

    def read(self) -> Snapshot:
        """The files as they are once nobody writes them and none changed while all were read.

        Raises :class:`PolicyError` when one cannot be read, or is still being written after two seconds.
        """
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            before = self._stamps()
            snapshot = self._read_once()
            open_file = self._open_file()
            if open_file is None and self._stamps() == before:
                self._was_read = True
                return snapshot
            if time.monotonic() >= deadline:
                if self._was_read or open_file is None:
                    raise PolicyError([_unfinished(open_file or self._policy)])
                # Before anything was ever read, a file system that always says so is the likelier reason.
                log.warning("%s seems to be open for writing; not asking that any more", open_file)
                self._asks_for_writers = False
            time.sleep(0.01)

    async def changes(self) -> AsyncGenerator[None, None]:
        """Yields once it is listening, and whenever a file, a link on the way to it, or a policy test is
        written, renamed or removed."""
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
        return next((path for path in self._files() if being_written(path)), None)

    def _read_once(self) -> Snapshot:
        tests = self._suites(_refuse_unlisted)
        return Snapshot(
            model=_bytes(self._model),
            policy=_bytes(self._policy),
            tests={str(path): _bytes(path) for path in tests.read},
            model_name=str(self._model),
            policy_name=str(self._policy),
            tests_name="" if self._tests is None else str(self._tests),
            passed_over=tuple(map(str, tests.passed_over)),
        )

    def _stamps(self) -> dict[Path, _Stamp]:
        """Also of what is passed over: that it is there is told."""
        tests = self._suites()
        return {path: _stamp(path) for path in (self._model, self._policy, *tests.read, *tests.passed_over)}

    def _files(self) -> list[Path]:
        return [self._model, self._policy, *self._suites().read]

    def _suites(self, unlisted: Callable[[OSError], None] | None = None) -> SuiteFiles:
        """The policy tests; ``unlisted`` is told of a directory that cannot be listed."""
        return SuiteFiles() if self._tests is None else suite_files(self._tests, unlisted)

    def _entries(self) -> frozenset[Path]:
        """Every directory entry that a change of the documents must touch: the files, and the links on the
        way to them."""
        tests = self._suites()
        names = [self._model, self._policy, *tests.read, *(path / "*" for path in tests.directories)]
        if self._tests is not None:
            names.append(self._tests)
        return frozenset(entry for name in names for entry in _links(name.absolute()))

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


def _bytes(path: Path) -> bytes:
    try:
        with open(path, "rb", opener=without_waiting) as file:
            if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return file.read()
    except OSError as error:
        raise _unreadable(path, (error.strerror or str(error)).lower()) from error
    # A pipe would keep the reload waiting for a writer, and a device may have no end.
    raise _unreadable(path, "it is no regular file")


def _refuse_unlisted(error: OSError) -> None:
    """A document whose tests cannot be seen has not passed them; a directory that just went has none."""
    if not isinstance(error, FileNotFoundError):
        raise _unreadable(Path(error.filename), (error.strerror or str(error)).lower()) from error


def _unreadable(path: Path, reason: str) -> PolicyError:
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
