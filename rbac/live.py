"""The policy of a running service: read, gate, compile aside, swap one reference; the last good one on
failure."""

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

from rbac.errors import PolicyError, Problem
from rbac.lint import lint
from rbac.pacing import Pace, Remains, beside_others
from rbac.policy import Policy
from rbac.stores import Snapshot, Store
from rbac.stores.file import FileStore

log = logging.getLogger("rbac.live")

Gate = Callable[[Policy], Sequence[Problem]]
TestsGate = Callable[[Policy, Mapping[str, bytes]], Sequence[Problem]]

_RETRY_S = 1.0
_LOGGED = 50
_FAILED = Problem(
    "", 0, 0, "reload-failed", "error", "the reload failed", "look into the log, which says why"
)


def lint_gate(policy: Policy) -> Sequence[Problem]:
    """The gate that a live policy has unless it is given another: what lint finds in the document."""
    return lint(policy.document)


class LivePolicy:
    """Holds the policy that is in force, and replaces it when its store holds another one that passes the
    gates.

    ``policy`` is what decides now: read it once for each request, and ask only what was read. The gates name
    what is wrong with a document; an error refuses it, warnings are logged. The first document is refused by
    :class:`PolicyError`; a later one changes nothing, and ``problems`` says why until one is accepted.
    ``warnings`` are about the one in force. ``reloads`` and ``refused`` count the documents swapped in and
    refused after the first; ``loaded_at`` is when the one in force came into force, in seconds since the
    epoch. Callbacks run in the thread that reloads.
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
    ) -> None:
        self._store = store
        self._gate = gate
        self._tests_gate = tests_gate
        self._on_swap = on_swap
        self._on_refusal = on_refusal
        self.problems: tuple[Problem, ...] = ()
        self.warnings: tuple[Problem, ...] = ()
        self.reloads = 0
        self.refused = 0
        self.loaded_at = 0.0
        self._live: Snapshot | None = None
        self._seen: Snapshot | None = None
        self._reloading = threading.Lock()
        self._watch: asyncio.Task[None] | None = None

    @classmethod
    def files(
        cls,
        model: str | Path,
        policy: str | Path,
        tests: str | Path | None = None,
        *,
        gate: Gate = lint_gate,
        tests_gate: TestsGate | None = None,
        on_swap: Callable[[Policy], None] | None = None,
        on_refusal: Callable[[tuple[Problem, ...]], None] | None = None,
    ) -> Self:
        """A live policy from files, as :class:`FileStore` reads and watches them."""
        store = FileStore(model, policy, tests)
        return cls(store, gate=gate, tests_gate=tests_gate, on_swap=on_swap, on_refusal=on_refusal)

    def load(self) -> Policy:
        """Loads the first document. Raises :class:`PolicyError` with all that is wrong with it."""
        with self._reloading:
            snapshot = self._store.read()
            with beside_others():
                policy = _parse(snapshot, None)
                warnings = self._judge(policy, snapshot)
            self._swap(snapshot, policy, warnings)
        log.info("policy %s in force", policy.revision)
        return policy

    def reload(self) -> bool:
        """Puts what the store holds now in force; whether anything was swapped.

        False too when the store holds what is in force, or what was refused already, or when it is refused
        now. Never raises for a document; may be called from any thread, and at most one reload runs at a
        time.
        """
        with self._reloading:
            swapped, left = self._replace()
        if left is not None:
            pace = Pace()
            remains = Remains(left, pace)
            del left
            remains.give_back(pace)
        return swapped

    async def start(self) -> None:
        """Loads the first document, unless :meth:`load` did, and watches the store from now on."""
        if self._live is None:
            await asyncio.to_thread(self.load)
        if self._watch is None:
            self._watch = asyncio.create_task(self._keep_watching(), name="rbac.live")

    async def stop(self) -> None:
        """Stops watching; a reload under way is finished first. ``policy`` stays what it is."""
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
            self._watch = None
            await asyncio.to_thread(self._finish)

    def _finish(self) -> None:
        with self._reloading:
            pass

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.stop()

    async def _keep_watching(self) -> None:
        while True:
            try:
                async with contextlib.aclosing(self._store.changes()) as changes:
                    async for _ in changes:
                        await asyncio.to_thread(self.reload)
            except Exception:
                log.exception("watching the policy failed; trying again in %g s", _RETRY_S)
            await asyncio.sleep(_RETRY_S)

    def _replace(self) -> tuple[bool, Policy | None]:
        """Whether the policy was replaced, and the policy that is left: the old one, or the refused one."""
        policy = None
        try:
            snapshot = self._read()
            if snapshot is None:
                return False, None
            pace = Pace()
            with beside_others(pace):
                policy = _parse(snapshot, pace)
                warnings = self._judge(policy, snapshot)
        except PolicyError as error:
            self._refuse(error.problems)
            return False, policy
        except Exception:
            # A gate that fails has not passed the document.
            log.exception("the reload failed")
            self._refuse((_FAILED,))
            return False, policy
        old = self.policy
        self._swap(snapshot, policy, warnings)
        self.reloads += 1
        log.info("policy %s in force, in place of %s", policy.revision, old.revision)
        if self._on_swap is not None:
            self._on_swap(policy)
        return True, old

    def _read(self) -> Snapshot | None:
        """What the store holds, unless that is known already: in force, or refused last time."""
        seen, self._seen = self._seen, None
        snapshot = self._store.read()
        self._seen = snapshot
        if snapshot == self._live:
            # The document that was refused in between is gone again.
            self.problems = ()
            return None
        return None if snapshot == seen else snapshot

    def _judge(self, policy: Policy, snapshot: Snapshot) -> tuple[Problem, ...]:
        """The warnings of the gates, sorted. Raises :class:`PolicyError` if a gate finds an error."""
        problems = list(self._gate(policy))
        if self._tests_gate is not None:
            problems += self._tests_gate(policy, snapshot.tests)
        if any(problem.severity == "error" for problem in problems):
            raise PolicyError(problems)
        return tuple(sorted(problems))

    def _swap(self, snapshot: Snapshot, policy: Policy, warnings: tuple[Problem, ...]) -> None:
        self.policy = policy
        self.problems = ()
        self.warnings = warnings
        self.loaded_at = time.time()
        self._live = self._seen = snapshot
        for problem in _first(warnings):
            log.warning("%s", problem)

    def _refuse(self, problems: tuple[Problem, ...]) -> None:
        if problems == self.problems:
            return
        self.problems = problems
        self.refused += 1
        for problem in _first(problems):
            log.error("policy refused, %s stays in force: %s", self.policy.revision, problem)
        if self._on_refusal is not None:
            self._on_refusal(problems)


def _first(problems: Sequence[Problem]) -> Sequence[Problem | str]:
    """What the log is told of many problems: somebody may have put another file altogether in the policy's place."""
    more = len(problems) - _LOGGED
    return problems if more <= 0 else [*problems[:_LOGGED], f"and {more} more; `rbac check` lists them"]


def _parse(snapshot: Snapshot, pause: Callable[[], None] | None) -> Policy:
    return Policy.parse(
        snapshot.model,
        snapshot.policy,
        model_name=snapshot.model_name,
        policy_name=snapshot.policy_name,
        pause=pause,
    )
