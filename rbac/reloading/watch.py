"""Reloading after each change that a store tells of, for as long as an event loop runs."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable
from typing import Final

from rbac.stores.cache import DocumentCache

log = logging.getLogger("rbac.live")

_RETRY_S: Final = 1.0


class Watch:
    """Calls ``reload`` in a thread after changes, one call at a time; a change meanwhile leads to one more. And sees to it
    that ``cache`` holds what is in force.

    ``heard`` is called at each change, also while a reload is under way. ``name`` is what the log and the tasks call it;
    ``task`` watches, while something does.
    """

    def __init__(
        self,
        changes: Callable[[], AsyncGenerator[None, None]],
        reload: Callable[[], object],
        *,
        name: str,
        cache: DocumentCache | None,
        heard: Callable[[], None] = lambda: None,
    ) -> None:
        self._changes = changes
        self._reload = reload
        self._name = name
        self._cache = cache
        self._heard = heard
        self.task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Watches from now on, in the event loop that is running."""
        if self.task is None or self.task.done():  # its event loop has ended, and there is another
            self.task = asyncio.create_task(self._keep_watching(), name=f"watch over {self._name}")

    async def stop(self) -> None:
        """Ends the watching; a reload under way goes on in its thread."""
        task = self.task
        if task is None:
            return
        task.cancel()
        try:
            # INVARIANT: what is waited for is how the watch ends, so that a cancelling of whoever stops it gets through.
            await asyncio.wait({task})
        finally:
            if self.task is task:
                self.task = None

    async def _keep_watching(self) -> None:
        changed = asyncio.Event()
        beside = {asyncio.create_task(self._keep_reloading(changed), name=f"reloading of {self._name}")}
        if self._cache is not None:
            beside.add(asyncio.create_task(self._cache.keep_trying(), name=f"cache of {self._name}"))
        try:
            while True:
                try:
                    async with contextlib.aclosing(self._changes()) as changes:
                        async for _ in changes:
                            self._heard()
                            changed.set()
                except Exception:
                    log.exception("watching %s failed; trying again in %g s", self._name, _RETRY_S)
                await asyncio.sleep(_RETRY_S)
        finally:
            for each in beside:
                each.cancel()
            await asyncio.wait(beside)

    async def _keep_reloading(self, changed: asyncio.Event) -> None:
        while True:
            await changed.wait()
            changed.clear()
            try:
                await asyncio.to_thread(self._reload)
            except Exception:
                log.exception("reloading %s failed", self._name)
