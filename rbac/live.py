"""The policy of a running service: read, gate, compile aside, swap one reference; the last good one on
failure."""

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Self

from rbac.callbacks import Callbacks
from rbac.errors import PolicyError, Problem
from rbac.giving_way import Attention, GivenWay
from rbac.judging import Gate, TestsGate, first, judged, lint_gate, parsed, tell_of_refusal, tell_of_swap
from rbac.names import SUBJECT
from rbac.own_functions import OwnFunctions, own_functions
from rbac.pacing import Pace, Remains, beside_others
from rbac.policy import Policy
from rbac.stores import Snapshot, Store
from rbac.stores.cache import DocumentCache
from rbac.stores.file import FileStore
from rbac.verdict import Verdict

log = logging.getLogger("rbac.live")

_RETRY_S = 1.0
# So often in a row a document gives way to a newer one: a file that is written without end is judged at last.
_GIVES_WAY = 5
_FAILED = Problem(
    "", 0, 0, "reload-failed", "error", "the reload failed", "look into the log, which says why"
)


class LivePolicy:
    """Holds the policy that is in force, and replaces it when its store holds another one that passes the
    gates.

    ``policy`` is what decides now: read it once for each request, and ask only what was read. The gates name
    what is wrong with a document; an error refuses it, warnings are logged. The first document is refused by
    :class:`PolicyError`; a later one changes nothing, and ``problems`` says why until one is accepted.
    ``last_good`` is true while the one in force came from ``cache``, which keeps what came into force, because the
    store held none that passes. ``warnings`` are about the one in force, and ``tested`` is what came of its tests.
    ``checking`` holds while another one is judged. ``reloads`` and ``refused`` count the documents swapped in and
    refused after the first; ``loaded_at`` is when the one in force came into force, in seconds since the epoch.
    ``functions`` are those of one's own that the matcher may call, as of :meth:`Policy.load`.

    Callbacks are told one at a time and in order, under no lock, in a thread that reloads; what they raise is logged,
    and they may reload. After a :meth:`stop` one may still be under way.
    """

    policy: Policy

    def __init__(
        self,
        store: Store,
        *,
        gate: Gate = lint_gate,
        tests_gate: TestsGate | None = None,
        on_swap: Callable[[Policy], None] | None = None,
        on_refusal: Callable[[tuple[Problem, ...]], None] | None = None,
        cache: DocumentCache | None = None,
        subjects: str = SUBJECT,
        functions: OwnFunctions | None = None,
    ) -> None:
        self._store = store
        self._cache = cache
        self._subjects = subjects
        self._functions = own_functions(functions)
        self._gate = gate
        self._tests_gate = tests_gate
        self._on_swap = on_swap
        self._on_refusal = on_refusal
        self.problems: tuple[Problem, ...] = ()
        self.warnings: tuple[Problem, ...] = ()
        self.tested: Verdict | None = None
        self.checking = False
        self.last_good = False
        self.reloads = 0
        self.refused = 0
        self.loaded_at = 0.0
        self._live: Snapshot | None = None
        self._seen: Snapshot | None = None
        self._unreadable: tuple[Problem, ...] = ()
        self._reloading = threading.Lock()
        self._changed = threading.Event()
        self._callbacks = Callbacks()
        self._watch: asyncio.Task[None] | None = None

    @classmethod
    def files(  # noqa: PLR0913 - two files and their tests, and what the class is made with
        cls,
        model: str | Path,
        policy: str | Path,
        tests: str | Path | None = None,
        *,
        gate: Gate = lint_gate,
        tests_gate: TestsGate | None = None,
        on_swap: Callable[[Policy], None] | None = None,
        on_refusal: Callable[[tuple[Problem, ...]], None] | None = None,
        cache: DocumentCache | None = None,
        subjects: str = SUBJECT,
        functions: OwnFunctions | None = None,
    ) -> Self:
        """A live policy from files, as :class:`FileStore` reads and watches them."""
        store = FileStore(model, policy, tests)
        return cls(
            store,
            gate=gate,
            tests_gate=tests_gate,
            on_swap=on_swap,
            on_refusal=on_refusal,
            cache=cache,
            subjects=subjects,
            functions=functions,
        )

    def load(self, *, or_last_good: bool = False) -> Policy:
        """Loads the first document. Raises :class:`PolicyError` with all that is wrong with it.

        With ``or_last_good`` one that is refused gives way to the one that the cache keeps, if that passes the gates:
        then ``problems`` says why, as after a reload.
        """
        with self._reloading:
            try:
                return self._load(self._store)
            except PolicyError as refused:
                if not or_last_good or self._cache is None:
                    raise
                return self._fall_back(self._cache, refused)

    def reload(self) -> bool:
        """Puts what the store holds now in force; whether anything was swapped.

        False too when the store holds what is in force, or what was refused already, or when it is refused
        now. Never raises for a document; may be called from any thread, also before :meth:`load`, and at most one
        reload runs at a time. One that is under way gives way to a newer document.
        """
        self._changed.set()
        with self._reloading:
            swapped, left = self._replace()
        self._callbacks.tell()
        if left is not None:
            pace = Pace()
            remains = Remains(left, pace)
            del left
            remains.give_back(pace)
        return swapped

    async def start(self) -> None:
        """Loads the first document, unless :meth:`load` did, and watches the store from now on."""
        if self._live is None:
            await asyncio.to_thread(self._load_once)
        if self._watch is None:
            self._watch = asyncio.create_task(self._keep_watching(), name="rbac.live")

    async def stop(self) -> None:
        """Stops watching; a reload under way is finished first. ``policy`` stays what it is."""
        watch = self._watch
        if watch is None:
            return
        watch.cancel()
        try:
            # INVARIANT: what is waited for is how the watch ends, so that a cancelling of whoever stops it gets through.
            await asyncio.wait({watch})
        finally:
            if self._watch is watch:
                self._watch = None
        await asyncio.to_thread(self._finish)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.stop()

    # --- watching

    def _finish(self) -> None:
        with self._reloading:
            pass

    async def _keep_watching(self) -> None:
        changed = asyncio.Event()
        reloading = asyncio.create_task(self._keep_reloading(changed), name="rbac.live.reload")
        try:
            while True:
                try:
                    async with contextlib.aclosing(self._store.changes()) as changes:
                        async for _ in changes:
                            self._changed.set()
                            changed.set()
                except Exception:
                    log.exception("watching the policy failed; trying again in %g s", _RETRY_S)
                await asyncio.sleep(_RETRY_S)
        finally:
            reloading.cancel()
            await asyncio.wait({reloading})

    async def _keep_reloading(self, changed: asyncio.Event) -> None:
        """Reloads after each change, and hears of the next one meanwhile."""
        while True:
            await changed.wait()
            changed.clear()
            try:
                await asyncio.to_thread(self.reload)
            except Exception:
                log.exception("the reload failed")

    # --- loading, under the lock

    def _load_once(self) -> None:
        with self._reloading:
            if self._live is None:
                self._load(self._store)

    def _load(self, source: Store | DocumentCache) -> Policy:
        snapshot = source.read()
        with beside_others():
            policy = parsed(snapshot, None, self._subjects, self._functions)
            warnings, tested = judged(policy, snapshot, self._gate, self._tests_gate)
        self._swap(snapshot, policy, warnings, tested)
        return policy

    def _fall_back(self, cache: DocumentCache, refused: PolicyError) -> Policy:
        try:
            policy = self._load(cache)
        except PolicyError as error:
            for problem in first(error.problems):
                log.warning("no last good document to start on: %s", problem)
            raise refused from None
        self.last_good = True
        log.critical(
            "the document is refused: starting on the last good one, which is kept in %s", cache.path
        )
        self._refuse(refused.problems)
        return policy

    def _replace(self) -> tuple[bool, Policy | None]:
        """Whether the policy was replaced, and the policy that is left: the old one, or the refused one."""
        try:
            for turn in range(_GIVES_WAY + 1):
                self._changed.clear()
                snapshot = self._read()
                if snapshot is None:
                    return False, None
                self.checking = True
                with contextlib.suppress(GivenWay):
                    return self._replace_by(
                        snapshot, Pace() if turn == _GIVES_WAY else self._attention(snapshot)
                    )
                # It was not judged: where the store still holds it, it is read as new.
                self._seen = None
        except PolicyError as error:
            self._refuse(error.problems)
        finally:
            self.checking = False
        return False, None

    def _replace_by(self, snapshot: Snapshot, pace: Pace) -> tuple[bool, Policy | None]:
        policy = None
        try:
            with beside_others(pace):
                policy = parsed(snapshot, pace, self._subjects, self._functions)
                warnings, tested = judged(policy, snapshot, self._gate, self._tests_gate)
        except PolicyError as error:
            self._refuse(error.problems)
            return False, policy
        except GivenWay:
            raise
        except Exception:
            # A gate that fails has not passed the document.
            log.exception("the reload failed")
            self._refuse((_FAILED,))
            return False, policy
        old = None if self._live is None else self.policy
        self._swap(snapshot, policy, warnings, tested)
        if old is not None:
            self.reloads += 1
        if self._on_swap is not None:
            self._callbacks.add(partial(self._on_swap, policy))
        return True, old

    def _read(self) -> Snapshot | None:
        """What the store holds, unless that is known already: in force, or refused last time."""
        known, self._seen = self._seen, None
        told, self._unreadable = self._unreadable, ()
        try:
            snapshot = self._store.read()
        except PolicyError as error:
            self._unreadable = error.problems
            if told == error.problems:
                return None
            raise
        except Exception:
            log.exception("the reload failed")
            raise PolicyError([_FAILED]) from None
        self._seen = snapshot
        if snapshot == self._live:
            if self.problems:
                # The document that was refused in between is gone again.
                log.info("policy %s, which is in force, is in its place again", self.policy.revision)
                self.problems = ()
            self.last_good = False
            return None
        return None if snapshot == known else snapshot

    def _attention(self, snapshot: Snapshot) -> Attention:
        """A pace that ends the judging of ``snapshot`` once the store holds another."""

        def outdated() -> bool:
            if not self._changed.is_set():
                return False
            self._changed.clear()
            try:
                return self._store.read() != snapshot
            except PolicyError:
                return True

        return Attention(outdated)

    def _swap(
        self, snapshot: Snapshot, policy: Policy, warnings: tuple[Problem, ...], tested: Verdict | None
    ) -> None:
        old, before = self._revision, self.tested
        self.policy = policy
        self.problems = ()
        self.warnings = warnings
        self.tested = tested
        self.loaded_at = time.time()
        self.last_good = False
        self._live = self._seen = snapshot
        self._keep(snapshot)
        tell_of_swap(policy.revision, old, warnings, tested, before)

    @property
    def _revision(self) -> str | None:
        """The revision in force."""
        return None if self._live is None else self.policy.revision

    def _keep(self, snapshot: Snapshot) -> None:
        if self._cache is None:
            return
        try:
            self._cache.write(snapshot)
        except OSError as error:
            log.warning("the document in force cannot be kept in %s: %s", self._cache.path, error.strerror)

    def _refuse(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        self.refused += 1
        tell_of_refusal(self._revision, problems)
        if self._on_refusal is not None:
            self._callbacks.add(partial(self._on_refusal, problems))
