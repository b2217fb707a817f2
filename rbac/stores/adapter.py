"""Rules by any Casbin adapter, a table of SQL as a rule; the model and the policy tests stay files."""

import asyncio
import contextlib
import inspect
import logging
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any

from casbin.persist.adapter import Adapter
from casbin.persist.adapters.asyncio import AsyncAdapter

from rbac.errors import PolicyError
from rbac.stores.adapter_rows import AdapterReading, as_lines
from rbac.stores.file import FileStore
from rbac.stores.own_loop import OwnLoop
from rbac.stores.store import Snapshot

log = logging.getLogger("rbac.stores.adapter")


class AdapterStore:
    """The rules that ``adapter`` loads, with a model and policy tests in files as :class:`rbac.stores.file.FileStore`
    reads them.

    Rows become the lines of a document in the order in which the adapter gives them, so the line of a problem or of a
    rule is the number of its row; ``name`` stands in a file's place. What Casbin would drop or read otherwise than it
    was written is refused.

    An adapter that is waited for runs in an event loop of this store's own: give it an engine that nobody else uses.
    :meth:`changed` says that rows may have changed, as the callback of a Casbin watcher: ``watcher`` is given it. Rows are
    read again every ``poll_s`` seconds besides, or not at all with ``None``.
    """

    def __init__(
        self,
        model: str | Path,
        adapter: Adapter | AsyncAdapter,
        tests: str | Path | None = None,
        *,
        watcher: Any = None,
        poll_s: float | None = 10.0,
        name: str = "casbin_rule",
    ) -> None:
        if not isinstance(adapter, Adapter | AsyncAdapter):
            raise TypeError(f"the rules come from a Casbin adapter, not from {type(adapter).__name__}")
        self._files = FileStore(model, model, tests)
        self._adapter = adapter
        self._loop = OwnLoop() if isinstance(adapter, AsyncAdapter) else None
        self._watcher = watcher
        self._poll_s = poll_s
        self._name = name
        self._listeners: set[_Listener] = set()

    def read(self) -> Snapshot:
        """The rows and the files as they are now.

        Raises :class:`PolicyError` when one cannot be read, or when there is a row that no line of a document can hold,
        with what is wrong with the others.
        """
        files = self._files.read()
        reading = AdapterReading()
        try:
            loading = self._adapter.load_policy(reading.model)
            if self._loop is not None:
                self._loop.run(loading)
        except Exception as error:
            log.error("the adapter failed: %s", error)  # noqa: TRY400 - at every poll, and the policy in force stays
            raise PolicyError([reading.failed(error, self._name)]) from error
        lines = as_lines(reading.rows(), files.model, self._name)
        return replace(files, policy=lines, policy_name=self._name)

    def close(self) -> None:
        """Ends the event loop of an adapter that is waited for; a later reading begins another."""
        if self._loop is not None:
            self._loop.close()

    def changed(self, *_message: Any) -> None:
        """Say that rows may have changed. May be called from any thread, with whatever a watcher passes on."""
        for listener in tuple(self._listeners):
            listener.tell()

    async def changes(self) -> AsyncGenerator[None, None]:
        """Yields once it is listening, then when the watcher calls or a file changes, and every ``poll_s`` seconds."""
        listener = _Listener()
        self._listeners.add(listener)
        files = asyncio.ensure_future(self._watch_files(listener))
        try:
            if self._watcher is not None:
                told = self._watcher.set_update_callback(self.changed)
                if inspect.isawaitable(told):
                    await told
            while True:
                await listener.wait(self._poll_s)
                if files.done():
                    files.result()
                yield
        finally:
            self._listeners.discard(listener)
            files.cancel()
            # INVARIANT: what is waited for is how `files` ends, so that a cancelling of whoever listens gets through.
            await asyncio.wait({files})

    async def _watch_files(self, listener: "_Listener") -> None:
        try:
            async with contextlib.aclosing(self._files.changes()) as changes:
                async for _ in changes:
                    listener.tell()
        finally:
            listener.tell()


class _Listener:
    """One who waits for changes, in the event loop that it was made in."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._told = asyncio.Event()

    def tell(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._told.set)

    async def wait(self, limit: float | None) -> None:
        """Until it is told, or for ``limit`` seconds."""
        with contextlib.suppress(TimeoutError):
            # Not `wait_for`: in Python 3.11 it loses a cancellation that comes together with what it waits for.
            async with asyncio.timeout(limit):
                await self._told.wait()
        self._told.clear()
