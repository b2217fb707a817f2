"""Whether somebody is still writing a file. What is half written can look like a whole document with its last
lines gone."""

import os
import signal
import sys
from pathlib import Path


def without_waiting(path: str, flags: int) -> int:
    """Opens a file, and does not wait for somebody to write if it is a pipe."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


if sys.platform == "linux":
    import fcntl

    def being_written(path: Path) -> bool:
        """Whether any process holds ``path`` open for writing at this moment.

        Asks the kernel for a read lease, which it grants only when there is no writer (fcntl(2), F_SETLEASE),
        and gives it back. False when the kernel cannot say: the file is gone, is another user's, or lies on a
        file system without leases.
        """
        try:
            descriptor = without_waiting(os.fspath(path), os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            # A writer that comes in between sends a signal; SIGIO, the default, would end this process.
            # SIGURG is ignored.
            fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
            fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
            fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        finally:
            os.close(descriptor)
        return False

else:

    def being_written(path: Path) -> bool:  # noqa: ARG001 - the same signature on systems that have no leases
        """False: only Linux can say."""
        return False
