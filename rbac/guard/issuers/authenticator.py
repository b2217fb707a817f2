"""From a token to a :class:`Principal`: what an issuer vouches for."""

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import httpx2

from rbac.guard.identity.clock import KEYS_MAX_AGE, Clock
from rbac.guard.identity.key_set import KeySet
from rbac.guard.identity.principal import Principal, PrincipalReader
from rbac.guard.identity.token_cache import TokenCache
from rbac.guard.identity.token_format import MAX_TOKEN_LENGTH, read_claims, read_strictly
from rbac.guard.issuers.access import AccessRules, program_of
from rbac.guard.issuers.discovery import Discovery
from rbac.guard.issuers.provider import Provider, TokenRules

if TYPE_CHECKING:
    from rbac.guard.issuers.cloudauth import HardenedAuth


class Authenticator:
    """Verifies tokens of one provider, and remembers them. Owns the key set and the token cache.

    ``start`` and ``stop`` (or ``async with``) bracket its life: in between the keys are kept fresh in the
    background. Neither waits for the issuer.
    """

    def __init__(
        self,
        provider: Provider,
        *,
        clock: Clock | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        keys_max_age: float = KEYS_MAX_AGE,
    ) -> None:
        clock = clock or Clock()
        self.provider = provider
        self._cache = TokenCache(clock.now, self._again)
        # The principal of a token that was verified before; `None` says nothing.
        self.recall: Callable[[bytes], Principal | None] = self._cache.get
        dialect = provider.dialect
        self.keys = KeySet(
            provider.jwks_url,
            algorithms=dialect.algorithms,
            locate=Discovery(provider.issuer, clock.monotonic) if dialect.is_discovered else None,
            on_change=self._cache.forget,
            clock=clock,
            transport=transport,
            max_age=keys_max_age,
        )
        self._form = provider.form
        self._takes_access = provider.takes_access
        self._rules = TokenRules(provider, clock)
        self._reader = PrincipalReader(provider.role_claims, dialect.role_lists, dialect.username_claims)

    @property
    def name(self) -> str:
        """What the kind of issuer is called."""
        return self.provider.dialect.name

    @property
    def several_roles(self) -> bool:
        """Whether one caller is bound to bring several roles some day."""
        return self.provider.several_roles

    @cached_property
    def verifying(self) -> "HardenedAuth":
        """The library's class for this issuer. Loading it takes a third of a second: done by :meth:`start`."""
        from rbac.guard.issuers.cloudauth import HARDENED

        return HARDENED[self.provider.dialect.name](self.keys, self._rules, self._form)

    async def start(self) -> None:
        """Begins to fetch the keys."""
        _ = self.verifying  # now, and not in the first request
        self.keys.start()

    async def stop(self) -> None:
        """Ends the background fetching and closes its connections. ``start`` may follow again."""
        await self.keys.stop()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def known(self, token: str) -> Principal | None:
        """The principal of a token that was verified before, without waiting; ``None`` says nothing."""
        if len(token) > MAX_TOKEN_LENGTH or not token.isascii():
            return None
        encoded = token.encode("ascii")
        return None if self._cache.is_sought(encoded) else self._cache.get(encoded)

    async def authenticate(self, token: str) -> Principal:
        """The principal of ``token``, which is verified and from then on known.

        Raises ``InvalidToken``, or ``KeysUnavailable`` while the keys that it takes are out of reach, both of
        :mod:`rbac.guard.identity.errors`. Waits for the issuer only where its answer could make
        the difference, and never longer than two fetches.
        """
        signed = read_strictly(token, self._form)
        await self.verifying.verify(signed)
        _, encoded, kid, claims, payload, _, kind = signed
        principal = self._principal(claims, kind)
        # INVARIANT: nothing is awaited between the key's look-up and here, so a key that is withdrawn takes
        # this along.
        self._cache.put(encoded, payload, kind, expires=claims["exp"], kid=kid)
        return principal

    # An authenticator is what a guard's `identify` may be.
    __call__ = authenticate

    def _again(self, payload: bytes, kind: str) -> Principal:
        return self._principal(read_claims(payload), kind)

    def _principal(self, claims: dict[str, Any], kind: str) -> Principal:
        """Whom a verified token stands for: a person, a person who calls through a program, or a program."""
        rules = self._rules.of(claims, kind) if self._takes_access else None
        if not isinstance(rules, AccessRules):
            return self._reader.read(claims)
        program = program_of(claims)
        if rules.is_machine(claims):
            return program
        person = self._reader.read(claims)
        return replace(person, through=program) if self.provider.scopes == "required" else person

    @property
    def keys_known(self) -> bool:
        """Whether there are keys that may be trusted: without them no token can be verified."""
        return self.keys.known

    @property
    def last_fetch_ok(self) -> bool:
        """Whether the newest fetch of the keys succeeded."""
        return self.keys.last_fetch_ok

    @property
    def keys_age(self) -> float:
        """Seconds since the keys were last fetched."""
        return self.keys.age

    @property
    def fetches(self) -> int:
        """Fetches of the keys that were begun."""
        return self.keys.fetches

    @property
    def failures(self) -> int:
        """Fetches of the keys that failed."""
        return self.keys.failures

    @property
    def cached_tokens(self) -> int:
        """Tokens that are remembered now."""
        return len(self._cache)
