"""The id that ties an answer, its log lines and its decision together."""

import os
import re
from collections.abc import Iterator
from contextvars import ContextVar
from itertools import product

request_id_var: ContextVar[str] = ContextVar("request_id", default="-")

# Every header value that each server and proxy hands on unchanged: visible ASCII, with spaces inside, up to 1 KiB.
_SAFE = re.compile(r"[!-~](?:[ -~]{0,1022}[!-~])?\Z")
_BYTES = [f"{byte:02x}" for byte in range(256)]


def _process_ids() -> Iterator[str]:
    """12 random hex digits a process, then a number in 10; put together without a line of Python."""
    return map("".join, product([os.urandom(6).hex() + "-"], *[_BYTES] * 5))


_ids = _process_ids()


def new_id() -> str:
    """An id that no other call gives, in this process or another."""
    return next(_ids)


def request_id(sent: bytes | None) -> str:
    """The caller's own ``X-Request-ID``, as sent, when it is safe as a header (visible ASCII, 1 KiB), else a new one."""
    if sent is not None:
        text = sent.decode("latin-1")
        if _SAFE.match(text):
            return text
    return next(_ids)


def _renew_after_fork() -> None:
    global _ids  # noqa: PLW0603 - a forked worker must not repeat its parent's ids
    _ids = _process_ids()


os.register_at_fork(after_in_child=_renew_after_fork)
