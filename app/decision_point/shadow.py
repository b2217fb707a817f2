"""Another policy, decided beside the live one on real traffic and only compared: what would change if it were in force.

It is asked after the answer has gone, in the decision log's thread, so that it costs a request nothing.
"""

import asyncio
import logging
from pathlib import Path
from typing import Self

from app.config import Settings
from rbac import Decision, LivePolicy, Policy, PolicyError, Problem
from rbac.decision_log.record import Decided
from rbac.decision_log.replay import bounded
from rbac.decision_log.ruling import Subject
from rbac.errors import RbacError
from rbac.linting.lint import lint
from rbac.stores.file import FileStore

log = logging.getLogger("app.shadow")

_LOOK_S = 1.0


class Shadow:
    """The rules in ``path`` under the live policy's model, read again whenever the file or the model changes.

    ``policy`` is ``None`` until the file holds a document that passes lint; a later one that does not changes nothing.
    ``compared`` counts the decisions taken twice, ``granted`` those that only the shadow allows, ``revoked`` those that
    only the live policy allows, ``failed`` those that the shadow could not take.
    """

    def __init__(self, path: Path, live: LivePolicy, *, decides_for_others: bool = True) -> None:
        """``decides_for_others``: whether other programs are answered by the live policy, too."""
        self.policy: Policy | None = None
        self.problems: tuple[Problem, ...] = ()
        self.compared = self.granted = self.revoked = self.failed = 0
        self._path = path
        self._live = live
        self._decides_for_others = decides_for_others
        self._store = FileStore(path, path)
        self._refused: object = None
        self._tasks: tuple[asyncio.Task[None], ...] = ()
        self._loading = asyncio.Lock()

    @classmethod
    def of(cls, settings: Settings, live: LivePolicy) -> Self | None:
        """The shadow that ``settings`` ask for."""
        if settings.shadow_policy_file is None:
            return None
        return cls(settings.shadow_policy_file, live, decides_for_others=settings.pdp_document is None)

    def compare(self, decided: Decided) -> Decision | None:
        """The shadow's decision about the same question where it differs, else ``None``."""
        policy = self.policy
        decision, words, live, role_index, halves = decided.ruling
        if policy is None or live.words != policy.words:
            return None
        if decided.via != "http" and not self._decides_for_others:
            return None
        try:
            other = _again(policy, words, role_index, decided.who)
            if halves is not None:
                client = halves.client
                other = bounded(other, _again(policy, client.words, client.role_index, halves.program))
        except RbacError as error:
            if not self.failed:
                log.warning("the shadow policy %s cannot decide everything: %s", policy.revision, error)
            self.failed += 1
            return None
        self.compared += 1
        if other.allowed == decision.allowed:
            return None
        if other.allowed:
            self.granted += 1
        else:
            self.revoked += 1
        return other

    async def __aenter__(self) -> Self:
        await self._load()
        self._tasks = (
            asyncio.create_task(self._follow_file(), name="shadow policy"),
            asyncio.create_task(self._follow_model(), name="shadow model"),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _follow_file(self) -> None:
        while True:
            try:
                async for _ in self._store.changes():
                    await self._load()
            except Exception:
                log.exception("watching the shadow policy failed; trying again")
            await asyncio.sleep(_LOOK_S)

    async def _follow_model(self) -> None:
        model = self._live.policy.document.model_bytes
        while True:
            await asyncio.sleep(_LOOK_S)
            if self._live.policy.document.model_bytes != model:
                model = self._live.policy.document.model_bytes
                await self._load()

    async def _load(self) -> None:
        async with self._loading:
            await asyncio.to_thread(self._read)

    def _read(self) -> None:
        try:
            rules = self._store.read().policy
        except PolicyError as error:
            self._refuse(error.problems, error.problems)
            return
        try:
            policy = self._compiled(rules)
        except PolicyError as error:
            self._refuse((self._live.policy.document.model_bytes, rules), error.problems)
            return
        was_refused = bool(self.problems)
        self.problems, self._refused = (), None
        if policy is not self.policy:
            self.policy = policy
            self.failed = 0
            log.info("shadow policy %s is compared with what is in force", policy.revision)
        elif was_refused:
            # What was refused in between is gone again.
            log.info("shadow policy %s, which is compared, is in its place again", policy.revision)

    def _compiled(self, rules: bytes) -> Policy:
        """The policy that ``rules`` make under the live model; raises :class:`PolicyError`."""
        live = self._live.policy.document
        old = self.policy
        if old is not None and (old.document.model_bytes, old.document.policy_bytes) == (
            live.model_bytes,
            rules,
        ):
            return old
        policy = Policy.parse(
            live.model_bytes,
            rules,
            model_name=live.model_name,
            policy_name=str(self._path),
            subjects=self._live.policy.subjects_look_like,
            functions=live.functions,
        )
        problems = lint(policy.document, subjects=policy.subjects_look_like)
        if any(problem.severity == "error" for problem in problems):
            raise PolicyError(problems)
        return policy

    def _refuse(self, what: object, problems: tuple[Problem, ...]) -> None:
        """Logs each refusal once: the store tells of a change also where ``what`` it holds is what it held."""
        if what == self._refused:
            return
        self._refused, self.problems = what, problems
        kept = f"{self.policy.revision} goes on" if self.policy else "nothing is compared"
        for problem in problems:
            log.warning("shadow policy refused, %s: %s", kept, problem)


def _again(policy: Policy, words: tuple[str, ...], role_index: int | None, who: Subject | None) -> Decision:
    if role_index is None or who is None:
        return policy.decide_request(words)
    return policy.decide_roles(words, role_index, who.roles)
