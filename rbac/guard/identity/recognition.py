"""Who sends a request: the token is found, and whoever can say so says whose it is."""

import asyncio
from collections.abc import Awaitable, Callable
from inspect import isawaitable, iscoroutinefunction
from time import perf_counter_ns
from typing import Any, Protocol, Self, runtime_checkable

from rbac.decision_log.record import NO_TOKEN, REMEMBERED
from rbac.guard.http.asgi import Scope
from rbac.guard.identity.credentials import LONGEST_CREDENTIALS, USUAL_SCHEME, Credentials, bearer, is_usual
from rbac.guard.identity.errors import InvalidToken, Unauthenticated
from rbac.guard.identity.principal import Principal, flaw
from rbac.revocations.live import LiveRevocations

Identify = Callable[[str], Principal | Awaitable[Principal | None] | None]
"""Whose a token is. ``None``, or :class:`Unauthenticated` with a sentence for the caller, for one that is nobody's.

A plain function may wait, for a database say: it is called in a thread, as FastAPI calls plain functions, and by several
threads at once. One that only computes is quicker ``async``: that is called in the event loop.
"""


@runtime_checkable
class Issuer(Protocol):
    """An ``identify`` with a life of its own, which remembers whom it has verified: the presets are."""

    recall: Callable[[bytes], Principal | None]

    @property
    def name(self) -> str:
        """What the kind of issuer is called, "cognito" for one; :data:`rbac.document.names.PRESETS` knows some."""
        ...

    @property
    def several_roles(self) -> bool:
        """Whether its tokens may give one caller several roles."""
        ...

    def known(self, token: str) -> Principal | None: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def __call__(self, token: str) -> Principal: ...


Recognised = tuple[Principal | None, int]
"""Who is calling, ``None`` for nobody, and the nanoseconds that verifying their token took."""

_NOBODY: Recognised = (None, NO_TOKEN)


class Standing(Protocol):
    """Whom callers are taken for instead, whatever they send: :class:`rbac.guard.testing.StandIns`."""

    @property
    def used(self) -> bool:
        """Whether any caller ever was."""
        ...

    def now(self) -> Recognised | None: ...


class Recognition:
    """Finds out who sends a request, by ``credentials`` and ``identify``.

    ``stand_ins`` say whom a caller is taken for instead; then no key is fetched. Whoever ``revocations`` meet is nobody,
    however their token was verified.
    """

    def __init__(
        self,
        identify: Identify,
        credentials: Credentials = bearer,
        *,
        stand_ins: Standing | None = None,
        revocations: LiveRevocations | None = None,
    ) -> None:
        self.issuer = identify if isinstance(identify, Issuer) else None
        self._identify = identify
        self._waits = not (iscoroutinefunction(identify) or iscoroutinefunction(type(identify).__call__))
        self.credentials = credentials
        self._stand_ins = stand_ins
        self._stand_in = None if stand_ins is None else stand_ins.now
        self.revocations = revocations
        # The shortcut: nearly every request has no token, or one that was verified before, spelled as usual.
        self._recall = self.issuer.recall if self.issuer is not None and credentials is bearer else None
        # The request whose token was just recalled in vain, and that token: verifying it is what comes next.
        self._sought: tuple[Scope, bytes] | None = None

    async def __aenter__(self) -> Self:
        if self.revocations is not None:
            await self.revocations.start()
        if self.issuer is not None and (self._stand_ins is None or not self._stand_ins.used):
            await self.issuer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.issuer is not None:
            await self.issuer.stop()
        if self.revocations is not None:
            await self.revocations.stop()

    def at_once(self, scope: Scope) -> Recognised | None:  # noqa: C901 - calls saved in every request
        """Who is calling, where nothing has to be verified; ``None`` says nothing. Raises :class:`InvalidToken` for a
        token that was revoked."""
        if self._stand_in is not None and (found := self._stand_in()) is not None:
            return found
        recall = self._recall
        if recall is None:
            return None
        credentials = None
        for name, value in scope["headers"]:
            if name == b"authorization":
                if credentials is not None:
                    return None
                credentials = value
        if credentials is None:
            return _NOBODY
        if not credentials.startswith(USUAL_SCHEME) or len(credentials) > LONGEST_CREDENTIALS:
            return None
        token = credentials[len(USUAL_SCHEME) :]
        principal = recall(token)
        if principal is None:
            self._sought = scope, token
        elif self.revocations is not None:
            table = self.revocations.table
            # A principal that is remembered is nobody's to change.
            if table.rows and not principal.cleared_by(table):
                raise InvalidToken("revoked")
        return None if principal is None else (principal, REMEMBERED)

    async def verified(self, scope: Scope) -> Recognised:
        """Who is calling. Raises :class:`Unauthenticated` for credentials that are nobody's, and what ``identify``
        raises."""
        sought, self._sought = self._sought, None
        if sought is not None and sought[0] is scope and is_usual(sought[1]):
            token: str | None = sought[1].decode("ascii")
        else:
            token = self.credentials(scope)
            known = None if self.issuer is None or token is None else self.issuer.known(token)
            if known is not None:
                self._check(known)
                return known, REMEMBERED
        if token is None:
            return _NOBODY
        began = perf_counter_ns()
        identify: Callable[[str], Any] = self._identify
        if self._waits:
            found = await asyncio.to_thread(identify, token)
            if isawaitable(found):
                found = await found
        else:
            found = await identify(token)
        principal = _checked(found)
        self._check(principal)
        return principal, perf_counter_ns() - began

    def _check(self, principal: Principal) -> None:
        """Raises for whoever was sent away. The table is the one of this moment: nothing is remembered of it."""
        if self.revocations is None:
            return
        table = self.revocations.table
        if table.rows and table.meets(principal.sub, principal.claims):
            raise InvalidToken("revoked")


def _checked(found: object) -> Principal:
    """Holds an application's own ``identify`` to what the presets promise."""
    if found is None:
        raise Unauthenticated
    if not isinstance(found, Principal):
        raise TypeError(f"`identify` must return a Principal, and returned a {type(found).__name__}")
    if flaw(found.sub):
        raise Unauthenticated("the caller has no name that rules can go by")
    return found
