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
from typing import Self, TypedDict, Unpack

from rbac.background import Pace, Teardown, beside_others
from rbac.document.names import SUBJECT
from rbac.errors import PolicyError, Problem
from rbac.model.own_functions import OwnFunctions, own_functions
from rbac.policy import Policy
from rbac.policy_tests.verdict import Verdict
from rbac.reloading.giving_way import Attention, GivenWay, wait_for_tests
from rbac.reloading.judging import (
    NOT_JUDGED,
    Approval,
    Gate,
    Judgement,
    TestsGate,
    first,
    judged,
    lint_gate,
    not_yet,
    parsed,
    tell_of_refusal,
    tell_of_swap,
)
from rbac.reloading.reloaded import FAILED, Reloaded
from rbac.reloading.watch import Watch
from rbac.stores import Snapshot, Store
from rbac.stores.cache import DocumentCache
from rbac.stores.file import FileStore

log = logging.getLogger("rbac.live")

# So often in a row a document gives way to a newer one: a file that is written without end is judged at last.
_GIVES_WAY = 5


class LiveOptions(TypedDict, total=False):
    """What a live policy is made with besides its store."""

    gate: Gate
    tests_gate: TestsGate | None
    on_swap: Callable[[Policy], None] | None
    on_refusal: Callable[[tuple[Problem, ...]], None] | None
    cache: DocumentCache | None
    subjects: str
    functions: OwnFunctions | None


class LivePolicy(Reloaded):
    """Holds the policy that is in force, and replaces it when its store holds another one that passes the
    gates.

    ``policy`` is what decides now: read it once for each request, and ask only what was read. The gates name
    what is wrong with a document; an error refuses it, warnings are logged. The first document is refused by
    :class:`PolicyError`; a later one changes nothing, and ``problems`` says why until one is accepted.
    ``last_good`` is true while the one in force came from ``cache``, which keeps what came into force, because the
    store held none that passes. ``warnings`` are about the one in force, and ``tested`` is what came of its tests.
    ``checking`` holds while another one is judged. The rest is as :class:`Reloaded` has it.
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
        super().__init__(cache)
        self._store = store
        self._subjects = subjects
        self._functions = own_functions(functions)
        self._gate = gate
        self._tests_gate = tests_gate
        self._on_swap = on_swap
        self._on_refusal = on_refusal
        self.judgement = NOT_JUDGED
        self.checking = False
        self._live: Snapshot | None = None
        self._seen: Snapshot | None = None
        self._judged_by: frozenset[str] = frozenset()
        self._unreadable: tuple[Problem, ...] = ()
        self._reloading = threading.Lock()
        self._changed = threading.Event()
        self._watch = Watch(
            store.changes, self.reload, name="the policy", cache=cache, heard=self._changed.set
        )

    @classmethod
    def files(
        cls,
        model: str | Path,
        policy: str | Path,
        tests: str | Path | None = None,
        **options: Unpack[LiveOptions],
    ) -> Self:
        """A live policy from files, as :class:`FileStore` reads and watches them."""
        return cls(FileStore(model, policy, tests), **options)

    def load(self, *, or_last_good: bool = False, approved: Approval = not_yet) -> Policy:
        """Loads the first document. Raises :class:`PolicyError` with all that is wrong with it.

        With ``or_last_good`` one that is refused gives way to the one that the cache keeps, if that passes the gates:
        then ``problems`` says why, as after a reload. What the same gates said already, ``approved`` knows.
        """
        with self._reloading:
            try:
                return self._load(self._store, approved)
            except PolicyError as refused:
                if not or_last_good or self._cache is None:
                    raise
                return self._fall_back(self._cache, refused, approved)

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
            remains = Teardown(left, pace)
            del left
            remains.give_back(pace)
        return swapped

    async def stop(self) -> None:
        """Stops watching; a reload under way is finished first. ``policy`` stays what it is."""
        await super().stop()
        await asyncio.to_thread(self._finish)

    # --- loading, under the lock

    def _finish(self) -> None:
        with self._reloading:
            pass

    def _load_once(self) -> None:
        with self._reloading:
            if self._live is None:
                self._load(self._store)

    def _load(self, source: Store | DocumentCache, approved: Approval = not_yet) -> Policy:
        snapshot = source.read()
        with beside_others():
            policy = parsed(snapshot, None, self._subjects, self._functions)
            judgement = approved(snapshot) or judged(policy, snapshot, self._gate, self._tests_gate)
        self._swap(snapshot, policy, judgement)
        return policy

    def _fall_back(self, cache: DocumentCache, refused: PolicyError, approved: Approval) -> Policy:
        try:
            policy = self._load(cache, approved)
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
                        snapshot,
                        Pace() if turn == _GIVES_WAY else Attention.to(self._store, snapshot, self._changed),
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
                judgement = judged(policy, snapshot, self._gate, self._tests_gate)
        except PolicyError as error:
            self._judged_by |= snapshot.tests.keys()
            self._refuse(error.problems)
            return False, policy
        except GivenWay:
            raise
        except Exception:
            # A gate that fails has not passed the document.
            log.exception("the reload failed")
            self._refuse((FAILED,))
            return False, policy
        self._wait_for_tests(snapshot)
        old = None if self._live is None else self.policy
        self._swap(snapshot, policy, judgement)
        if old is not None:
            self.reloads += 1
        if self._on_swap is not None:
            self._callbacks.add(partial(self._on_swap, policy))
        return True, old

    def _wait_for_tests(self, snapshot: Snapshot) -> None:
        """Waits while test files are missing that judged documents before. Raises :class:`GivenWay` once the store
        changes."""
        live = self._live
        missing = self._judged_by - snapshot.tests.keys()
        if live is None or self._tests_gate is None or not missing:
            return
        if (snapshot.model, snapshot.policy) != (live.model, live.policy):
            wait_for_tests(self._store, snapshot, missing)

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
            raise PolicyError([FAILED]) from None
        self._seen = snapshot
        if snapshot == self._live:
            if self.problems:
                # The document that was refused in between is gone again.
                log.info("policy %s, which is in force, is in its place again", self.policy.revision)
                self.problems = ()
            self.last_good = False
            return None
        return None if snapshot == known else snapshot

    def _swap(self, snapshot: Snapshot, policy: Policy, judgement: Judgement) -> None:
        old, before = self._revision, self.tested
        edited = old is None or policy.revision != old
        self.policy = policy
        self.problems = ()
        self.judgement = judgement
        self.loaded_at = time.time()
        self.last_good = False
        self._live = self._seen = snapshot
        self._judged_by = frozenset(snapshot.tests) if edited else self._judged_by | snapshot.tests.keys()
        if self._cache is not None:
            self._cache.keep(snapshot)
        name = f"{policy.revision} (version {snapshot.version})" if snapshot.version else policy.revision
        tell_of_swap(name, old, judgement, before)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What the gates found in the document in force."""
        return self.judgement.warnings

    @property
    def tested(self) -> Verdict | None:
        """What came of the tests of the document in force; ``None`` where nothing tests it."""
        return self.judgement.tested

    @property
    def version(self) -> int:
        """The number of the version in force, as its store counts; 0 where the store does not count."""
        return 0 if self._live is None else self._live.version

    @property
    def store(self) -> Store:
        """Where the documents come from."""
        return self._store

    @property
    def snapshot(self) -> Snapshot | None:
        """What the document in force was read from, with the tests it passed; ``None`` before the first one."""
        return self._live

    @property
    def _revision(self) -> str | None:
        """The revision in force."""
        return None if self._live is None else self.policy.revision

    def _refuse(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        self.refused += 1
        tell_of_refusal(self._revision, problems)
        if self._on_refusal is not None:
            self._callbacks.add(partial(self._on_refusal, problems))
