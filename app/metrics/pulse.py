"""The service's pulse: is the event loop on time?"""

import asyncio
import contextlib
import logging
from typing import Self

from app.metrics.numbers import Metrics
from rbac.decision_log.buffer import DecisionLog

log = logging.getLogger("app.pulse")

_EVERY_S = 0.25


class Pulse:
    """Four times a second: measures how late the event loop is, and samples in place of a log whose thread is stuck."""

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
            if self._log.writer.blocked:  # its thread samples as a rule
                self._sample()

    def _sample(self) -> None:
        try:
            self._metrics.sample()
        except Exception:
            log.exception("sampling failed, and will be tried again")
