"""Where an OpenID provider says its keys are (OpenID Connect Discovery 1.0, section 4): believed only about itself."""

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any

from rbac.guard.identity.addresses import MAX_ADDRESS_LENGTH, discovery_url, is_loopback, trusted_address
from rbac.guard.identity.fetching import OUT_OF_REACH, IssuerAnswerError
from rbac.guard.identity.key_set import TIME_LIMIT, Fetch

log = logging.getLogger("rbac.guard")

FRESH_FOR = 3600.0
"""Seconds that an answer is taken for the newest."""
_TIME_LIMIT = TIME_LIMIT / 2


class DiscoveryError(IssuerAnswerError):
    """An answer that is no description of this issuer to go by. The last good one stays."""

    code = "discovery_refused"


def read_discovery(answer: bytes, issuer: str) -> str:
    """The address of the keys in ``issuer``'s description of itself.

    Raises :class:`DiscoveryError` for what is no description, is another issuer's, also by a single letter (section
    4.3), or names an address that cannot be trusted: an issuer elsewhere may not send us to our own loopback.
    """
    try:
        described = json.loads(answer, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise DiscoveryError("the discovery document is not JSON that can be read in one way") from None
    if not isinstance(described, dict):
        raise DiscoveryError("the discovery document is not a JSON object")
    if described.get("issuer") != issuer:
        raise DiscoveryError("the discovery document is another issuer's")
    url = described.get("jwks_uri")
    if not isinstance(url, str) or len(url) > MAX_ADDRESS_LENGTH:
        raise DiscoveryError("the discovery document names no address of keys")
    try:
        host = trusted_address(url).hostname
    except ValueError:
        raise DiscoveryError("the discovery document names an address that cannot be trusted") from None
    if is_loopback(host) and not is_loopback(trusted_address(issuer).hostname):
        raise DiscoveryError("the discovery document names an address of this machine")
    return url


class Discovery:
    """Where ``issuer``'s keys are, asked once an hour, and again when they were not where it said.

    The last good answer stays while none can be had. INVARIANT: an issuer that is slow to describe itself leaves time
    to fetch the keys from where they were.
    """

    def __init__(self, issuer: str, monotonic: Callable[[], float]) -> None:
        self._issuer = issuer
        self._monotonic = monotonic
        self._found = ""
        self._fresh_until = 0.0

    async def __call__(self, fetch: Fetch, failed: bool) -> str:
        """The address. Raises what ``fetch`` does, and :class:`DiscoveryError`, while no answer was ever good."""
        if not self._found:
            self._take(await self._ask(fetch))
        elif failed or self._monotonic() >= self._fresh_until:
            try:
                async with asyncio.timeout(_TIME_LIMIT):
                    self._take(await self._ask(fetch))
            except OUT_OF_REACH as error:
                log.warning(
                    "the issuer's discovery document could not be taken (%s: %s); the keys' last good address stays",
                    type(error).__name__,
                    str(error)[:200],
                )
        return self._found

    async def _ask(self, fetch: Fetch) -> str:
        return read_discovery(await fetch(discovery_url(self._issuer)), self._issuer)

    def _take(self, found: str) -> None:
        if self._found and found != self._found:
            log.warning("the issuer's keys have another address now: %s", found)
        self._found = found
        self._fresh_until = self._monotonic() + FRESH_FOR


def _unique(members: list[tuple[str, Any]]) -> dict[str, Any]:
    described = dict(members)
    if len(described) != len(members):
        raise ValueError("a member twice")
    return described
