"""The id that ties an answer, its log lines and its decision together."""

import os
import re
from contextvars import ContextVar
from itertools import count

request_id_var: ContextVar[str] = ContextVar("request_id", default="-")

# What a log search, a header and a shell all take without quoting.
_SANE = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}\Z")

_process = os.urandom(6).hex()
_numbers = count(1)


def new_id() -> str:
    """An id that no other call gives, in this process or another: 12 random hex digits a process, then a number."""
    return f"{_process}-{next(_numbers):x}"


def request_id(sent: bytes | None) -> str:
    """The caller's own ``X-Request-ID`` when it is sane (at most 128 plain characters), else a new one."""
    if sent is not None:
        text = sent.decode("latin-1")
        if _SANE.match(text):
            return text
    return new_id()


def _renew_after_fork() -> None:
    global _process  # noqa: PLW0603 - a forked worker must not repeat its parent's ids
    _process = os.urandom(6).hex()


os.register_at_fork(after_in_child=_renew_after_fork)
