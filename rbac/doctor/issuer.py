"""The issuer over HTTP: whether what a service fetches from it is there and can be gone by, and what time it is there."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any

from rbac.doctor.finding import CannotSee, Finding
from rbac.doctor.issuer_setup import IssuerSetup
from rbac.guard.identity.addresses import discovery_url, is_loopback, trusted_address
from rbac.guard.identity.claims import LEEWAY
from rbac.guard.identity.fetching import OUT_OF_REACH, IssuerAnswerError, fetched_whole, new_client
from rbac.guard.identity.key_set import TIME_LIMIT
from rbac.guard.identity.keys import KeySetError, read_key_set
from rbac.guard.issuers.discovery import DiscoveryError, read_discovery
from rbac.text.wording import quoted

NOTICED_S = 5.0
"""Seconds that two clocks may differ before it is said: far from what refuses tokens, and never so in a synchronized one."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What an address answered, and by how much the clock there was ahead of ours: at least and at most, if it said."""

    body: bytes
    ahead: tuple[float, float] | None


@dataclass
class IssuerReader:
    """Fetches from an issuer as a service would, each address once."""

    setup: IssuerSetup
    now: Callable[[], float] = time.time
    _pages: dict[str, Fetched | CannotSee] = field(default_factory=dict)

    @property
    def discovery(self) -> str:
        """Where the issuer describes itself; beside its keys, where those are not at the issuer's own address."""
        keys = self.setup.keys_url
        if self.setup.provider == "cognito":
            return discovery_url(keys.removesuffix("/.well-known/jwks.json"))
        return discovery_url(self.setup.issuer)

    @cached_property
    def described(self) -> dict[str, Any]:
        """What it says of itself; empty for what is no JSON object."""
        try:
            described = json.loads(self.page(self.discovery).body)
        except (ValueError, RecursionError):
            return {}
        return described if isinstance(described, dict) else {}

    @cached_property
    def keys_url(self) -> str:
        """Where its keys are. Raises :class:`CannotSee` where it says so and what it says cannot be gone by."""
        if self.setup.keys_url:
            return self.setup.keys_url
        try:
            return read_discovery(self.page(self.discovery).body, self.setup.issuer)
        except DiscoveryError as error:
            raise CannotSee(str(error)) from None

    def page(self, url: str) -> Fetched:
        """What ``url`` answers. Raises :class:`CannotSee`."""
        if url not in self._pages:
            self._pages[url] = self._fetched(url)
        found = self._pages[url]
        if isinstance(found, CannotSee):
            raise found
        return found

    def _fetched(self, url: str) -> Fetched | CannotSee:
        try:
            return asyncio.run(self._fetch(url))
        except IssuerAnswerError as error:
            return CannotSee(f"{url}: {error}")
        except OUT_OF_REACH as error:
            said = str(error)[:200] or type(error).__name__
            return CannotSee(
                f"{url} cannot be reached: {said}", "check the network, HTTPS_PROXY and the address"
            )

    async def _fetch(self, url: str) -> Fetched:
        async with new_client(url, time_limit=TIME_LIMIT) as client, asyncio.timeout(2 * TIME_LIMIT):
            before = self.now()
            body, headers = await fetched_whole(client, url)
            after = self.now()
        return Fetched(body, _ahead(headers.get("date", ""), headers.get("age", "0"), before, after))


def _ahead(date: str, age: str, before: float, after: float) -> tuple[float, float] | None:
    """How far a ``Date`` is ahead of our clock. It is in whole seconds, cut off, and was maybe kept for ``Age`` seconds."""
    try:
        there = parsedate_to_datetime(date).timestamp() + max(0, int(age))
    except (ValueError, OverflowError):
        return None
    return there - after, there + 1 - before


def check_address(reader: IssuerReader) -> Iterator[Finding]:
    """The issuer is https, or on this machine and no production."""
    setup = reader.setup
    try:
        address = trusted_address(setup.issuer)
    except ValueError:
        address = None
    if address is None or (setup.production and is_loopback(address.hostname)):
        yield Finding(
            "issuer_insecure",
            "error",
            f"issuer {setup.issuer}",
            "whoever is on the way can sign tokens"
            if address is None
            else "it is this machine, and this is production",
            f"OIDC_ISSUER=https://{setup.issuer.partition('://')[2]}",
        )


def check_discovery(reader: IssuerReader) -> Iterator[Finding]:
    """The issuer calls itself what is believed here, and its description can be gone by."""
    setup = reader.setup
    answer = reader.page(reader.discovery).body
    said = reader.described.get("issuer")
    about = f"issuer {setup.issuer}"
    if isinstance(said, str) and said != setup.issuer:
        yield Finding(
            "issuer_differs",
            "error",
            about,
            f"it calls itself `{said}`: every letter counts, and every token of its is refused",
            _issuer_fix(setup, said),
        )
        return
    try:
        read_discovery(answer, setup.issuer)
    except DiscoveryError as error:
        # Where the keys are is known without it, but for those who say so themselves.
        if not setup.keys_url:
            yield Finding(
                "discovery_refused",
                "error",
                about,
                str(error),
                f"curl -i {reader.discovery} shows what it answers",
            )


def _issuer_fix(setup: IssuerSetup, said: str) -> str:
    if setup.provider == "cognito":
        return f"COGNITO_USER_POOL_ID={said.rpartition('/')[2]}"
    if setup.provider == "auth0":
        return f"AUTH0_DOMAIN={said.removeprefix('https://').removesuffix('/')}"
    return (
        f"FIREBASE_PROJECT_ID={said.rpartition('/')[2]}"
        if setup.provider == "firebase"
        else f"OIDC_ISSUER={said}"
    )


def check_algorithms(reader: IssuerReader) -> Iterator[Finding]:
    """The issuer signs ID tokens with something that is verified here."""
    signed = reader.described.get("id_token_signing_alg_values_supported")
    verified = reader.setup.dialect.algorithms
    if not isinstance(signed, list):
        _ = reader.page(reader.discovery)
        raise CannotSee("the issuer does not say what it signs with")
    if verified.isdisjoint(str(each) for each in signed):
        yield Finding(
            "algorithms_foreign",
            "error",
            f"issuer {reader.setup.issuer}",
            f"it signs with {quoted(map(str, signed)) or 'nothing'}, and {quoted(sorted(verified))} is verified here",
            "let the issuer sign with RS256, in the settings of the client or of the realm",
        )


def check_keys(reader: IssuerReader) -> Iterator[Finding]:
    """The issuer's keys are there, and fit to verify with."""
    url = reader.keys_url
    try:
        read_key_set(reader.page(url).body, reader.setup.dialect.algorithms)
    except KeySetError as error:
        yield Finding(
            "keys_refused", "error", f"keys {url}", str(error), f"curl -i {url} shows what it answers"
        )


def check_clock(reader: IssuerReader) -> Iterator[Finding]:
    """This machine's clock is the issuer's, as near as a ``Date`` says."""
    page = reader.page(reader.keys_url)
    if page.ahead is None:
        raise CannotSee("the issuer's answer has no date")
    least, most = page.ahead
    skew = least if least > 0 else most if most < 0 else 0.0
    if abs(skew) <= NOTICED_S:
        return
    direction = "behind" if skew > 0 else "ahead of"
    refused = skew > LEEWAY
    consequence = (
        "new tokens are refused as not yet valid" if refused else "tokens expire at the wrong moment"
    )
    yield Finding(
        "clock_skew",
        "error" if refused else "warning",
        "this machine",
        f"its clock is {abs(skew):.0f} s {direction} the issuer's: {consequence}",
        "timedatectl set-ntp true, and timedatectl to see that it is synchronized",
    )
