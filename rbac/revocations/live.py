"""The revocations of a running service: read, swapped by one reference, and the last good ones on failure."""

import logging
import threading
import time
from collections.abc import Callable

from rbac.background import Pace, beside_others
from rbac.errors import PolicyError, Problem
from rbac.reloading.judging import first
from rbac.reloading.reloaded import FAILED, Reloaded
from rbac.reloading.watch import Watch
from rbac.revocations.ahead import ahead
from rbac.revocations.file import RevocationStore, Written
from rbac.revocations.reading import read_revocations
from rbac.revocations.table import NOBODY, SentAway
from rbac.stores import Snapshot
from rbac.stores.cache import DocumentCache
from rbac.text.wording import counted

log = logging.getLogger("rbac.revocations")


class LiveRevocations(Reloaded):
    """Holds who is sent away now: ``table``, one reference, which is read once for each request.

    The first ones are refused by :class:`rbac.PolicyError`. Later ones that cannot be read change nothing, and
    ``problems`` says why until there are some that can; the rest is as :class:`Reloaded` has it. ``on_swap`` is told of
    each table but the first, in the thread that reads it.
    """

    def __init__(
        self,
        store: RevocationStore,
        *,
        on_swap: Callable[[SentAway], None] | None = None,
        cache: DocumentCache | None = None,
    ) -> None:
        super().__init__(cache)
        self._store = store
        self.on_swap = on_swap
        self.table = NOBODY
        self._live: Written | None = None
        self._refused: Written | None = None
        self._reading = threading.Lock()
        self._watch = Watch(store.changes, self.reload, name="the revocations", cache=cache)

    def load(self, *, or_last_good: bool = False) -> SentAway:
        """Reads the first ones. Raises :class:`rbac.PolicyError` with all that is wrong with them.

        With ``or_last_good`` those that are refused give way to the ones that the cache keeps: then ``problems`` says
        why, as after a reload.
        """
        with self._reading:
            try:
                self._take(self._store.read())
            except PolicyError as refused:
                if not or_last_good or self._cache is None:
                    raise
                self._fall_back(self._cache, refused)
        return self.table

    def reload(self) -> bool:
        """Puts what the store holds now in force; whether anything was swapped. Never raises; from any thread."""
        with self._reading:
            swapped = self._replace()
        self._callbacks.tell()
        return swapped

    def _load_once(self) -> None:
        self.load()

    # --- under the lock

    def _take(self, written: Written) -> None:
        with beside_others(None if self._live is None else Pace()):
            rows = read_revocations(written.content, written.name)
            table = SentAway.of(rows)
        fewer = self.table.rows - table.rows
        if self._live is not None:
            self.reloads += 1
            if self.on_swap is not None:
                told = self.on_swap
                self._callbacks.add(lambda: told(table))
        self.table = table
        self._live, self._refused = written, None
        self.problems, self.last_good = (), False
        self.loaded_at = time.time()
        if self._cache is not None:
            kept = Snapshot(b"", written.content, policy_name=written.name, version=written.number)
            self._cache.keep(kept)
        less = f"; {fewer} fewer than before, who may come back" if fewer > 0 else ""
        level = logging.WARNING if less else logging.INFO
        log.log(level, "%s in force%s", counted(table.rows, "revocation"), less)
        for problem in first(ahead(rows, written.name)):
            log.warning("%s", problem)

    def _replace(self) -> bool:
        written = None
        try:
            written = self._store.read()
            if written == self._live:
                if self.problems:
                    log.info("the revocations in force are in their place again")
                self.problems, self.last_good, self._refused = (), False, None
                return False
            if written == self._refused:
                return False
            self._take(written)
        except PolicyError as error:
            self._refused = written
            self._refuse(error.problems)
            return False
        except Exception:
            # INVARIANT: whatever goes wrong, those in force stay in force.
            log.exception("the revocations could not be read")
            self._refuse((FAILED,))
            return False
        return True

    def _refuse(self, problems: tuple[Problem, ...]) -> None:
        if problems == self.problems:
            return
        self.problems = problems
        self.refused += 1
        for problem in first(problems):
            log.error("revocations refused, the last good ones stay in force: %s", problem)

    def _fall_back(self, cache: DocumentCache, refused: PolicyError) -> None:
        try:
            kept = cache.read()
            written = Written(kept.policy, kept.policy_name, kept.version)
            self.table = SentAway.of(read_revocations(written.content, written.name))
        except PolicyError as error:
            for problem in first(error.problems):
                log.warning("no last good revocations to start on: %s", problem)
            raise refused from None
        self._live = written
        self.last_good = True
        self.loaded_at = time.time()
        log.critical(
            "the revocations are refused: starting on the last good ones, which are kept in %s", cache.path
        )
        self._refuse(refused.problems)
