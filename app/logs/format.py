"""How a log record looks: a readable line in development, a JSON object elsewhere. Neither can be forged.

Text from outside ends up in messages. A line break or an escape sequence in it is written as an escape, so a
record is one line that begins with a timestamp; only a traceback in text form has more, each behind a bar.
"""

import json
import logging
import re
from datetime import UTC, datetime
from typing import ClassVar

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

from rbac.decision_log.redaction import redacted
from rbac.guard.http.request_id import request_id_var
from rbac.guard.http.trace_context import ID_LENGTH, trace_var
from rbac.text.visible import CONTROL_SPANS

# Control characters, and the separators and direction marks that make a terminal show another text than was written.
_UNSAFE = [
    *(code for first, last in CONTROL_SPANS for code in range(first, last + 1)),
    0x061C,
    0x200E,
    0x200F,
    *range(0x2028, 0x202F),
    *range(0x2066, 0x206A),
    *range(0xD800, 0xE000),  # no encoding can write one that stands alone
]
_ESCAPES = {code: f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" for code in _UNSAFE} | {
    ord("\n"): "\\n",
    ord("\r"): "\\r",
    ord("\t"): "\\t",
}
_CONTINUED = "\n    | "
# A request id that nobody can mistake for the rest of its line; any other is quoted.
_PLAIN_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}\Z")


def escaped(text: str) -> str:
    """``text`` as one line that a terminal shows as it is."""
    return text if text.isascii() and text.isprintable() else text.translate(_ESCAPES)


def timestamp(record: logging.LogRecord) -> str:
    """When the record was made: UTC, ISO 8601, milliseconds."""
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def stamp_request_id(record: logging.LogRecord) -> bool:
    """A filter that drops nothing: writes the id of the request being answered, or ``-``, and of its trace on it."""
    record.request_id = request_id_var.get()
    trace = trace_var.get()
    if trace:
        record.trace_id = trace[:ID_LENGTH]
    return True


def bracketed(request_id: str) -> str:
    """``[request id]``. One that might pass for more of the line stands there as a JSON string, without credentials."""
    safe = redacted(request_id)
    return f"[{safe if _PLAIN_ID.match(safe) else json.dumps(safe)}]"


class TextLine(logging.Formatter):
    """``time level logger [request id] message``, and the traceback below it."""

    _COLOURS: ClassVar[dict[str, str]] = {
        "WARNING": "\x1b[33m",
        "ERROR": "\x1b[31m",
        "CRITICAL": "\x1b[1;31m",
    }
    _PLAIN = "\x1b[0m"

    def __init__(self, *, colour: bool = False) -> None:
        super().__init__()
        self.colour = colour

    def format(self, record: logging.LogRecord) -> str:
        level = f"{record.levelname:<8}"
        if self.colour and record.levelname in self._COLOURS:
            level = f"{self._COLOURS[record.levelname]}{level}{self._PLAIN}"
        message = escaped(redacted(record.getMessage()))
        trace = trace_var.get()
        if trace:
            message += f" trace_id={trace[:ID_LENGTH]}"
        line = f"{timestamp(record)} {level} {record.name:<18} {bracketed(request_id_var.get())} {message}"
        below = [self.formatException(record.exc_info)] if record.exc_info else []
        if record.stack_info:
            below.append(record.stack_info)
        # Split at line feeds alone: any other line break in there came from outside.
        lines = [escaped(each) for text in below for each in redacted(text).split("\n")]
        return _CONTINUED.join([line, *lines])


class JsonLine(JsonFormatter):
    """One JSON object a line, in ASCII: the fields below, what ``extra`` holds, and ``exc_info``."""

    def __init__(self) -> None:
        super().__init__(
            ["asctime", "levelname", "name", "request_id", "message"],
            rename_fields={"asctime": "timestamp", "levelname": "level", "name": "logger"},
            # uvicorn's second copy of a message, for terminals
            reserved_attrs=[*RESERVED_ATTRS, "color_message"],
        )

    def formatTime(  # noqa: N802 - logging's name
        self,
        record: logging.LogRecord,
        datefmt: str | None = None,  # noqa: ARG002 - there is one format
    ) -> str:
        return timestamp(record)

    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record)).replace("\x7f", "\\u007f")
