"""The front door: :class:`Guard`, which puts a policy before an application."""

import asyncio
import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from rbac.decision import Decision
from rbac.decision_log.buffer import DecisionLog
from rbac.document.names import PRESETS, SUBJECT
from rbac.errors import PolicyError, Problem
from rbac.guard.checkpoint import Checkpoint
from rbac.guard.gate import lint_and, misfits, of_model, tests_hold, unanswered, unguarded
from rbac.guard.guarded import GuardedApplication
from rbac.guard.http import BEARER, SchemeChallenge
from rbac.guard.http.asgi import ASGIApp
from rbac.guard.identity.credentials import Credentials, bearer
from rbac.guard.identity.principal import Principal
from rbac.guard.identity.recognition import Identify, Recognition
from rbac.guard.request_words import USUAL, RequestWords, RequestWordsError
from rbac.guard.requirements import BehindItsOwn, GuardedEndpoint
from rbac.guard.testing import SOMEBODY, StandIns, stand_in
from rbac.live import LivePolicy
from rbac.model.own_functions import OwnFunctions
from rbac.policy import Policy
from rbac.policy_tests.suite_files import NO_TESTS
from rbac.policy_tests.verdict import Verdict
from rbac.revocations.file import RevocationFile, RevocationStore
from rbac.revocations.live import LiveRevocations
from rbac.routes import NO_ROUTES, KnownRoutes
from rbac.stores import Snapshot, Store
from rbac.stores.file import FileStore

_NO_TESTS = "write one; `tests=None` is how a guard is told that there are none"


class Guard(BehindItsOwn):
    """A policy before an application: who is calling, may they, and only then the router.

    ``identify`` says whose a token is: a preset (:func:`cognito` and its like), or a function of the application's own,
    plain or ``async``, that raises :class:`Unauthenticated`. ``credentials`` finds the token in a request.

    ``words`` says how a request fills the words of the model's request. A word that it leaves out is given by the
    endpoint (``require()``, ``Ask``); then, and with ``None``, the guard identifies callers and each endpoint asks: a
    route that does not stops the start. What describes the application (``/docs``) is open then.

    The document is read from ``model`` and ``policy``, or from ``store``; it is gated by lint and by the policy tests in
    ``tests``, at the start and at each reload. ``None`` types out that there are none. ``log`` takes a record of every
    answer. ``revocations`` are who was sent away: the path of a ``revocations.csv``, which must be there, or a store.

    ``functions`` are those of one's own that the matcher may call, by name. With ``explain_denials`` a 403 says which
    roles and rules it comes from. ``challenge`` is the scheme that a 401 asks for; what says more than its realm
    (RFC 6750) only Bearer has. Raises ``ValueError`` for a scheme that no header can name, and
    :class:`rbac.model.own_functions.FunctionsError` for a function that no matcher can call.

    Nothing is read, opened or fetched before the application starts. Nothing is read of the environment, and no logging
    is set up: what there is to say goes to the loggers ``rbac.…``.
    """

    def __init__(  # noqa: PLR0913 - each is something else that people set
        self,
        model: str | Path = "model.conf",
        policy: str | Path = "policy.csv",
        *,
        identify: Identify,
        credentials: Credentials = bearer,
        words: str | None = USUAL,
        tests: str | Path | None = "policy_tests",
        log: DecisionLog | None = None,
        store: Store | None = None,
        revocations: str | Path | RevocationStore | None = None,
        functions: OwnFunctions | None = None,
        explain_denials: bool = False,
        challenge: str = BEARER.scheme,
    ) -> None:
        self._words = words
        self._log = log
        self._stand_ins = StandIns()
        if isinstance(revocations, str | Path):
            revocations = RevocationFile(revocations)
        self._revocations = None if revocations is None else LiveRevocations(revocations)
        recognition = Recognition(
            identify, credentials, stand_ins=self._stand_ins, revocations=self._revocations
        )
        self._issuer = recognition.issuer
        self._live = LivePolicy(
            store or FileStore(model, policy, tests),
            gate=self._gate,
            tests_gate=None if tests is None else self._tests_gate,
            subjects=self._subjects(),
            functions=functions,
        )
        self.checkpoint = Checkpoint()
        self.checkpoint.take_up(
            self._live,
            recognition,
            self._words_of,
            log=log,
            explain_denials=explain_denials,
            challenge=SchemeChallenge(challenge),
        )
        self._loaded = False
        self._loading = threading.Lock()
        self._routes: KnownRoutes = NO_ROUTES
        self._endpoints: dict[int, tuple[GuardedEndpoint, ...]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._openings = 0

    def middleware(self, app: ASGIApp) -> ASGIApp:
        """``app`` behind this guard: ``app.add_middleware(guard.middleware)``, or around anything that speaks ASGI.

        It opens and closes with the application's lifespan, and at the first request where there is none.
        """
        return GuardedApplication(app, self)

    def decide(self, who: Principal | None, **words: str) -> Decision:
        """What the policy decides about ``who`` (``None`` for nobody), in the model's own words.

        Words about the caller come from ``who`` unless they are given. Loads the policy where nothing has yet: raises
        :class:`rbac.PolicyError` for one that is refused, and :class:`rbac.RequestError` for a word that is missing or
        unknown.
        """
        self.load()
        ruling, _ = self.checkpoint.ask(words, who)
        return ruling.decision

    def acting_as(self, *roles: str, sub: str = SOMEBODY, **claims: object) -> AbstractContextManager[None]:
        """Takes every caller for somebody with these roles, whatever is sent: for the application's own tests.

        ``sub=""`` is nobody: a caller without a token. Holds in this thread or task and what they call, a test client
        among them. Begun before the application starts, it keeps the guard from fetching an issuer's keys.
        """
        return self._stand_ins.acting(stand_in(roles, sub, claims))

    @property
    def policy(self) -> Policy:
        """The policy that decides now. Loads it where nothing has yet, and raises as :meth:`decide` does."""
        self.load()
        return self._live.policy

    def open_to_everyone(self, act: str, obj: str) -> bool:
        """Whether a request by nobody in particular is let in; false where endpoints ask for themselves."""
        self.load()
        terms = self.checkpoint.terms
        if not terms.decides:
            return False
        return terms.rule(obj, act, {"headers": ()}, None).decision.allowed

    # --- its life: of GuardedApplication, which knows when

    def load(self) -> None:
        """Loads the policy unless that is done. Raises :class:`rbac.PolicyError` with all that is wrong with it."""
        with self._loading:
            if self._loaded:
                return
            self._live.load()
            if self._revocations is not None:
                self._revocations.load()
            if self._log is not None:
                self._log.start()
            self._loaded = True

    def stand_before(self, name: int, endpoints: tuple[GuardedEndpoint, ...], routes: KnownRoutes) -> None:
        """Takes an application into account, which every document from now on is held against.

        ``routes`` count for the first application alone: the document may be about those of others, too.
        """
        self._endpoints[name] = endpoints
        if not self._loaded:
            self._routes = routes

    async def open(self) -> None:
        """Loads the policy, and begins to watch it and to fetch keys, in the event loop that is running.

        While another loop does so already, as with two test clients at once, it is left to that one.
        """
        await asyncio.to_thread(self.load)
        problems = self._misfits(self._live.policy)
        if problems:  # of an application that was not there when the document was read
            raise PolicyError(problems)
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            if self._loop is not None and self._loop.is_running():
                return
            self._loop, self._openings = loop, 0
        self._openings += 1
        await self.checkpoint.open()

    async def close(self) -> None:
        """Ends what :meth:`open` began, with the last application that it was opened for. It may be opened again."""
        if self._loop is not asyncio.get_running_loop():
            return
        self._openings -= 1
        if self._openings:
            return
        self._loop = None
        await self.checkpoint.close()

    def _words_of(self, policy: Policy) -> RequestWords:
        """How a request fills the words of ``policy``'s model."""
        if self._words is None:
            return RequestWords.of_callers(policy)
        return RequestWords.parse(self._words, policy.words, partly=True)

    def _gate(self, policy: Policy, snapshot: Snapshot) -> Sequence[Problem]:
        return lint_and(self._misfits, self._routes_for(policy), policy, snapshot)

    def _tests_gate(self, policy: Policy, snapshot: Snapshot) -> Verdict:
        tested = tests_hold(self._routes_for(policy), policy, snapshot)
        told = (replace(each, hint=_NO_TESTS) if each.code == NO_TESTS else each for each in tested.problems)
        return replace(tested, problems=tuple(told))

    def _routes_for(self, policy: Policy) -> KnownRoutes:
        """The routes that a document is held against: none, where its rules are not about paths."""
        try:
            asked = self._words_of(policy)
        except RequestWordsError:
            return NO_ROUTES
        by_path = asked.path_word is not None and asked.path_word == policy.document.definition.shape.obj
        return self._routes if by_path else NO_ROUTES

    def _misfits(self, policy: Policy) -> list[Problem]:
        """What keeps the applications that stand behind this guard from being asked about by ``policy``."""
        several = self._issuer is not None and self._issuer.several_roles
        found = list(misfits(policy, self._words_of, several_roles=several))
        if found:
            return found
        asked = self._words_of(policy)
        for endpoints in self._endpoints.values():
            told = list(unanswered(policy, asked, endpoints))
            if not asked.decides:
                told += filter(None, [unguarded(endpoints, asked)])
            found += (of_model(policy, "endpoint", sentence) for sentence in told)
        return found

    def _subjects(self) -> str:
        """What people are called: as the issuer calls them, where it is known."""
        name = "" if self._issuer is None else self._issuer.name
        presets: Mapping[str, object] = PRESETS
        return name if name in presets else SUBJECT
