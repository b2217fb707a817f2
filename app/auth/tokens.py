"""From an ``Authorization`` header to a :class:`Principal`: the one door by which a caller gets a name."""

import re
from collections.abc import Callable, Sequence
from typing import Self

import httpx2

from app.auth.claims import date
from app.auth.clock import Clock
from app.auth.compact import MAX_TOKEN_LENGTH, read_strictly
from app.auth.errors import InvalidToken
from app.auth.jwks import MAX_AGE, KeySet
from app.auth.principal import Principal, PrincipalReader
from app.auth.provider import Provider
from app.auth.remembered import TokenCache

# RFC 6750, section 2.1: a scheme in any case (RFC 9110, 11.1), at least one space, one b64token
_BEARER = re.compile(rb"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9._~+/-]+=*)")

USUAL_SCHEME = b"Bearer "  # what nearly everybody writes before a token
LONGEST_CREDENTIALS = MAX_TOKEN_LENGTH + len(USUAL_SCHEME)


def bearer_token(values: Sequence[bytes]) -> str:
    """The token in the values of a request's ``Authorization`` headers.

    Raises :class:`InvalidToken` for anything but exactly one Bearer token: whoever presents credentials that
    mean nothing here must not pass for somebody who presents none.
    """
    if len(values) != 1:
        raise InvalidToken("malformed_credentials")
    value = values[0].strip(b" \t")
    if len(value) > LONGEST_CREDENTIALS:
        raise InvalidToken("too_large")
    match = _BEARER.fullmatch(value)
    if match is None:
        raise InvalidToken("malformed_credentials")
    return match[1].decode("ascii")


class Authenticator:
    """Verifies ID tokens of one provider, and remembers them. Owns the key set and the token cache.

    ``start`` and ``stop`` (or ``async with``) bracket its life: in between the keys are kept fresh in the
    background. Neither waits for the issuer.
    """

    def __init__(
        self,
        provider: Provider,
        *,
        clock: Clock | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        keys_max_age: float = MAX_AGE,
    ) -> None:
        clock = clock or Clock()
        self.provider = provider
        self._cache = TokenCache(clock.now)
        # The principal of a token that was verified before; `None` says nothing.
        self.recall: Callable[[bytes], Principal | None] = self._cache.get
        self.keys = KeySet(
            provider.jwks_url,
            on_change=self._cache.forget,
            clock=clock,
            transport=transport,
            max_age=keys_max_age,
        )
        dialect = provider.dialect
        self.verifying = dialect.auth(self.keys, dialect.rules(provider.issuer, provider.audiences, clock))
        self._reader = PrincipalReader(provider.role_claims, dialect.role_lists, dialect.username_claims)

    async def start(self) -> None:
        """Begins to fetch the keys."""
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
        return self._cache.get(token.encode("ascii"))

    async def authenticate(self, token: str) -> Principal:
        """The principal of ``token``, which is verified and from then on known.

        Raises :class:`InvalidToken`, or :class:`app.auth.errors.KeysUnavailable` while the keys that it takes are
        out of reach. Waits for the issuer only where its answer could make the difference, and never longer than
        two fetches.
        """
        id_token = read_strictly(token)
        claims = await self.verifying(id_token)
        principal = self._reader.read(claims)
        # INVARIANT: nothing is awaited between the key's look-up and here, so a key that is withdrawn takes
        # this along.
        self._cache.put(token.encode("ascii"), principal, expires=date(claims["exp"]), kid=id_token.kid)
        return principal

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
