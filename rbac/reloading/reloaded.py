"""What is read from a store, and replaced while the store is watched; the last good one on failure."""

import asyncio
from abc import ABC, abstractmethod
from typing import Final, Self

from rbac.errors import Problem
from rbac.reloading.callbacks import Callbacks
from rbac.reloading.watch import Watch
from rbac.stores.cache import DocumentCache

FAILED: Final = Problem(
    "", 0, 0, "reload-failed", "error", "the reload failed", "look into the log, which says why"
)


class Reloaded(ABC):
    """``problems`` says why what the store holds is not in force; ``last_good`` is true while what is came from ``cache``.

    ``reloads`` and ``refused`` count what was swapped in and refused after the first; ``loaded_at`` is when what is in force
    came into force, in seconds since the epoch.
    """

    _watch: Watch

    def __init__(self, cache: DocumentCache | None) -> None:
        self._cache = cache
        self.problems: tuple[Problem, ...] = ()
        self.last_good = False
        self.reloads = 0
        self.refused = 0
        self.loaded_at = 0.0
        self._callbacks = Callbacks()

    @abstractmethod
    def _load_once(self) -> None:
        """Loads the first one, unless there is one. Raises :class:`rbac.PolicyError`."""

    async def start(self) -> None:
        """Loads the first one, unless that was done, and watches the store from now on."""
        if not self.loaded_at:
            await asyncio.to_thread(self._load_once)
        self._watch.start()

    async def stop(self) -> None:
        """Stops watching. What is in force stays so."""
        await self._watch.stop()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.stop()

    @property
    def kept(self) -> bool:
        """Whether the cache, if there is one, holds what is in force."""
        return self._cache is None or not self._cache.failing
