"""An event loop in a thread of its own, for what has to be waited for by whoever cannot wait."""

import asyncio
import threading
import weakref
from collections.abc import Coroutine
from typing import Any


class OwnLoop:
    """Runs coroutines, always in the same loop: what a database's connections are bound to. Its thread begins with the
    first and ends with this object."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._end: weakref.finalize[..., Any] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """What ``coroutine`` returns or raises; waits for it, and so must not be called in this loop itself."""
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=_run, args=[self._loop], name="rbac.stores", daemon=True).start()
                self._end = weakref.finalize(self, self._loop.call_soon_threadsafe, self._loop.stop)
                self._end.atexit = False
            running = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        return running.result()

    def close(self) -> None:
        """End the loop, and what still runs in it; a later coroutine begins another."""
        with self._lock:
            if self._end is not None:
                self._end()
            self._loop = self._end = None


def _run(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.close()
