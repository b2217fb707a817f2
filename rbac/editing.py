"""Files that commands edit: one editor at a time, each edit whole, so that a service that watches never reads half of it."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform != "win32":
    import fcntl

    def _alone(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX)

else:

    def _alone(descriptor: int) -> None:
        """Nothing: only Unix has advisory locks."""


@contextmanager
def held(path: Path) -> Iterator[int]:
    """The file at ``path``, open to read and to append, which nobody else who asks here edits meanwhile. Raises
    ``OSError``."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND)
        try:
            _alone(descriptor)
            # It may have been renamed over while this waited.
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                yield descriptor
                return
        finally:
            os.close(descriptor)


def whole(descriptor: int) -> bytes:
    """All that an open file holds."""
    with os.fdopen(os.dup(descriptor), "rb") as file:
        file.seek(0)
        return file.read()


def add(descriptor: int, content: bytes, path: Path) -> None:
    """Puts ``content`` behind what a :func:`held` file holds, in one write: whoever reads sees all of it or nothing.
    Raises ``OSError``."""
    os.lseek(descriptor, 0, os.SEEK_END)
    if os.write(descriptor, content) != len(content):
        raise OSError(28, "only a part of it could be written", str(path))
    os.fsync(descriptor)


@contextmanager
def prepared(path: Path, content: bytes) -> Iterator[Path]:
    """A file beside ``path`` that holds ``content``, to be renamed into its place; gone where it was not. Raises
    ``OSError``."""
    target = path.resolve()
    file, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    written = Path(name)
    try:
        with os.fdopen(file, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        written.chmod(target.stat().st_mode if target.exists() else 0o666 & ~_umask())
        yield written
    finally:
        written.unlink(missing_ok=True)


def replace(path: Path, content: bytes) -> None:
    """Puts ``content`` in the file's place at once, with its rights. Raises ``OSError``, and leaves what was there."""
    with prepared(path, content) as written:
        written.replace(path.resolve())


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
