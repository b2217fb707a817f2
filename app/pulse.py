"""The service's pulse: is the event loop on time, and does the decision log move?"""

import asyncio
import contextlib
import logging
from typing import Self

from app.decision_log import DecisionLog
from app.metrics import Metrics

log = logging.getLogger("app.pulse")

_EVERY_S = 0.25


class Pulse:
    """Four times a second: measures how late the event loop is, and looks after a log whose own thread may be stuck."""

    def __init__(self, metrics: Metrics, decision_log: DecisionLog) -> None:
        self._metrics = metrics
        self._log = decision_log
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._beat(), name="pulse")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _EVERY_S
            await asyncio.sleep(_EVERY_S)
            self._metrics.loop_lag.observe(max(0.0, loop.time() - due))
            try:
                self._look()
            except Exception:
                log.exception("looking after the decision log failed, and will be tried again")

    def _look(self) -> None:
        self._log.look()
        if self._log.writer.blocked:  # its thread samples as a rule
            self._metrics.sample()
