"""A stand-in for standard error, and a logging tree that is put back afterwards."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import pytest

from app.config import Settings
from app.logs.setup import configure_logging

_TOUCHED = ("uvicorn", "fastapi_cloudauth", "httpx2", "httpcore2", "watchfiles")


class Terminal(StringIO):
    """Standard error of a service whose log is set up with :meth:`configure`; ``tty`` says whether a person reads."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.tty = False
        self.monkeypatch = monkeypatch

    def isatty(self) -> bool:
        return self.tty

    def configure(self, **given: Any) -> None:
        """Sets the log up with these settings, on a development machine unless they say otherwise."""
        pool: dict[str, Any] = {"environment": "development"}
        pool |= {"cognito_user_pool_id": "eu-west-1_AbC123xyz", "cognito_app_client_id": ("a",)}
        self.monkeypatch.setattr(sys, "stderr", self)
        configure_logging(Settings(**(pool | given)))

    def lines(self) -> list[str]:
        return self.getvalue().splitlines()


@contextmanager
def a_terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """A terminal; every logger is afterwards as it was before."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name in _TOUCHED:
        logging.getLogger(name)
    known = [each for each in logging.Logger.manager.loggerDict.values() if isinstance(each, logging.Logger)]
    root = logging.getLogger()
    before = [
        (each, each.level, list(each.handlers), list(each.filters), each.propagate, each.disabled)
        for each in [root, *known]
    ]
    try:
        yield Terminal(monkeypatch)
    finally:
        logging.captureWarnings(capture=False)
        for made in set(root.handlers) - set(before[0][2]):
            made.close()
        for logger, level, handlers, filters, propagate, disabled in before:
            logger.setLevel(level)
            logger.filters[:] = filters
            logger.handlers[:] = handlers
            logger.propagate, logger.disabled = propagate, disabled
