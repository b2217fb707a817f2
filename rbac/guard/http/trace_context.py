"""The trace that a request belongs to, by the header ``traceparent`` (W3C Trace Context, section 3.2).

It is a caller's own word. What is not exactly an id is ignored, so that nothing else of theirs gets into a log.
"""

import random
import re
from collections.abc import Iterable
from contextvars import ContextVar

trace_var: ContextVar[str] = ContextVar("trace", default="")
"""``<trace id>-<parent id>-<flags>``; the trace id alone of a trace that begins here, ``""`` of none. All of it lower-case
hexadecimal digits."""

HEADER = b"traceparent"
ID_LENGTH = 32  # characters of a trace id

# Version 00 ends behind the flags; a later one may go on behind another dash, and `ff` is none.
_TRACEPARENT = re.compile(
    rb"(?P<version>(?!ff)[0-9a-f]{2})-(?P<trace>(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2})(?P<more>-.*)?",
    re.DOTALL,
)
_begins = False


def sent_trace(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    """The value of ``traceparent``; ``None`` where there is none, ``b""`` where there are several, which is as good as
    none."""
    found = [value for name, value in headers if name == HEADER]
    return None if not found else found[0] if len(found) == 1 else b""


def trace_of(sent: bytes | None) -> str:
    """What :data:`trace_var` is to be for a ``traceparent``, ``None`` without one."""
    if sent is not None:
        match = _TRACEPARENT.fullmatch(sent)
        if match is not None and not (match["more"] is not None and match["version"] == b"00"):
            return match["trace"].decode("ascii")
    return f"{random.getrandbits(128) or 1:032x}" if _begins else ""


def begin_traces(*, wanted: bool) -> None:
    """Whether a request that belongs to no trace begins one. Not unless spans are made: nobody would look for it."""
    global _begins  # noqa: PLW0603 - of the process, as the exporter is
    _begins = wanted
