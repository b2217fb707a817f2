"""The id that ties an answer, its log lines and its decision together."""

import os
import re
from contextvars import ContextVar
from itertools import count, islice

request_id_var: ContextVar[str] = ContextVar("request_id", default="-")

# Every header value that each server and proxy hands on unchanged: visible ASCII, with spaces inside, up to 1 KiB.
_SAFE = re.compile(r"[!-~](?:[ -~]{0,1022}[!-~])?\Z")


def _random() -> str:
    return f"{os.urandom(6).hex()}-"


# 12 random hex digits a process, then a number in 10.
_process = _random()
_numbers = count()


def new_id() -> str:
    """An id that no other call gives, in this process or another."""
    return f"{_process}{next(_numbers):010x}"


def new_ids(number: int) -> list[str]:
    """So many of them."""
    return [f"{_process}{each:010x}" for each in islice(_numbers, number)]


def request_id(sent: bytes | None) -> str:
    """The caller's own ``X-Request-ID``, as sent, when it is safe as a header (visible ASCII, 1 KiB), else a new one."""
    if sent is not None:
        text = sent.decode("latin-1")
        if _SAFE.match(text):
            return text
    return new_id()


def _renew_after_fork() -> None:
    global _process  # noqa: PLW0603 - a forked worker must not repeat its parent's ids
    _process = _random()


os.register_at_fork(after_in_child=_renew_after_fork)
