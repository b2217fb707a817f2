"""The application's log, set up once a process, the same in ``python -m app`` and in a worker of uvicorn's.

It goes to standard error, so that standard output holds decisions and nothing else, and to ``LOG_FILE`` when
that is set. Every line passes the redaction of ``rbac.decision_log.redaction``.
"""

import contextlib
import fcntl
import logging
import os
import sys
from collections.abc import Mapping
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import MappingProxyType
from typing import TextIO

from app.config import Settings
from app.logs.format import JsonLine, TextLine, stamp_request_id
from app.logs.stream import without_waiting
from rbac.guard.http.request_id import request_id_var

__all__ = ["configure_logging", "request_id_var"]

MAX_BYTES = 10 * 1024 * 1024
BACKUPS = 5

# The least that each library logs at, however low LOG_LEVEL is: at DEBUG several print headers or bodies.
_FLOORS: Mapping[str, int] = MappingProxyType(
    {
        "asyncio": logging.WARNING,
        "boto3": logging.WARNING,
        "botocore": logging.WARNING,
        "casbin": logging.WARNING,
        "fastapi_cloudauth": logging.DEBUG,
        "httpcore2": logging.WARNING,
        "httpx2": logging.WARNING,
        "jose": logging.WARNING,
        "opentelemetry": logging.WARNING,
        "psycopg": logging.WARNING,
        "urllib3": logging.WARNING,
        "uvicorn": logging.INFO,
        "watchfiles": logging.WARNING,
        "websockets": logging.INFO,
        "werkzeug": logging.WARNING,
    }
)
# Loggers that uvicorn gives handlers of its own when it is started with its own configuration.
_UVICORN = ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi")


def configure_logging(settings: Settings) -> None:
    """Sends every record of this process through our handlers. May be called again: the last call counts."""
    level = logging.getLevelNamesMapping()[settings.log_level]
    root = logging.getLogger()
    for earlier in [handler for handler in root.handlers if isinstance(handler, _Quiet)]:
        root.removeHandler(earlier)
        earlier.close()
    root.setLevel(level)
    for handler in _handlers(settings):
        handler.addFilter(stamp_request_id)
        root.addHandler(handler)
    for name, floor in _FLOORS.items():
        logging.getLogger(name).setLevel(max(level, floor))
    for name in _UVICORN:
        _hand_over(logging.getLogger(name))
    # app.access writes that line, with the request's id and without its query.
    logging.getLogger("uvicorn.access").disabled = True
    logging.getLogger("uvicorn.error").addFilter(_no_handshakes)
    logging.captureWarnings(capture=True)


def _no_handshakes(record: logging.LogRecord) -> bool:
    """Leaves out what uvicorn says of each WebSocket handshake: app.access says it without the query, and a refusal that
    the policy made is no error of the server's."""
    said = str(record.msg)
    return '"WebSocket %s"' not in said and not said.startswith(_HANDSHAKES)


_HANDSHAKES = (
    "connection open",
    "connection closed",
    "connection rejected",
    "ASGI callable returned without completing",
)


def _hand_over(logger: logging.Logger) -> None:
    """Takes a logger's own handlers away, so that its records reach ours and no other."""
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
    logger.propagate = True
    if logger.name != "uvicorn":
        logger.setLevel(logging.NOTSET)


class _Quiet(logging.Handler):
    """A handler that says when it fails, not with what: logging's own report shows a record's arguments."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        failure = type(sys.exc_info()[1]).__name__
        with contextlib.suppress(OSError, ValueError):  # standard error itself may be full or closed
            sys.stderr.write(f"a log record of {record.pathname}:{record.lineno} was lost: {failure}\n")


class _Console(_Quiet, logging.StreamHandler[TextIO]):
    pass


class SharedRotatingFile(_Quiet, RotatingFileHandler):
    """A rotating file that several worker processes write: one of them rotates it, and the others follow.

    Only its owner and group may read it.
    """

    def _open(self) -> TextIOWrapper:
        file = os.open(self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        return os.fdopen(file, "a", encoding=self.encoding, errors=self.errors)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if not self._is_current():
                self._reopen()
        except OSError:
            self.handleError(record)
            return
        super().emit(record)

    def doRollover(self) -> None:  # noqa: N802 - logging's name
        # The lock is on the file that all of us have open. The copy of the descriptor keeps it while the base
        # class closes the stream and renames the file.
        held = os.dup(self._opened().fileno())
        try:
            fcntl.flock(held, fcntl.LOCK_EX)
            if self._is_current():
                super().doRollover()
            else:
                self._reopen()
        finally:
            os.close(held)

    def _is_current(self) -> bool:
        """Whether the open file is still the one at the path."""
        try:
            there = Path(self.baseFilename).stat()
            return os.path.samestat(there, os.fstat(self._opened().fileno()))
        except FileNotFoundError:
            return False

    def _reopen(self) -> None:
        self._opened().close()
        self.stream = self._open()

    def _opened(self) -> TextIO:
        """The stream; opened anew after a rotation that failed half way."""
        if self.stream is None:
            self.stream = self._open()
        return self.stream


def _handlers(settings: Settings) -> list[logging.Handler]:
    console = _Console(without_waiting(sys.stderr))
    console.setFormatter(_formatter(settings, colour=_takes_colour(sys.stderr)))
    if settings.log_file is None:
        return [console]
    file = SharedRotatingFile(settings.log_file, maxBytes=MAX_BYTES, backupCount=BACKUPS, encoding="utf-8")
    file.setFormatter(_formatter(settings))
    return [console, file]


def _formatter(settings: Settings, *, colour: bool = False) -> logging.Formatter:
    return JsonLine() if settings.log_format == "json" else TextLine(colour=colour)


def _takes_colour(stream: TextIO) -> bool:
    """A terminal does, unless its user said NO_COLOR (no-color.org: set to anything but the empty text)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
