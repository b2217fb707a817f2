"""A listening issuer, a clock that stands still, and an authenticator that trusts the one and reads the other."""

from collections.abc import AsyncIterator, Iterator

import pytest

from app.provider import provider_of
from rbac.guard.issuers.authenticator import Authenticator
from rbac.guard.issuers.provider import Provider
from tests.support.authenticating import ProviderChoice
from tests.support.clock import TestClock
from tests.support.issuer import Issuer
from tests.support.waiting import LIMIT_S


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture
def issuer(clock: TestClock) -> Iterator[Issuer]:
    with Issuer(clock.now) as issuer:
        yield issuer


@pytest.fixture
def provider(issuer: Issuer) -> Provider:
    return provider_of(ProviderChoice(issuer.jwks_url))


@pytest.fixture
async def authenticator(provider: Provider, clock: TestClock) -> AsyncIterator[Authenticator]:
    authenticator = Authenticator(provider, clock=clock.clock)
    # Real time, of which a busy machine may take more than three seconds.
    authenticator.keys._time_limit = LIMIT_S
    async with authenticator:
        yield authenticator
