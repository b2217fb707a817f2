"""What tests of authentication share: the settings of a provider, why a token is refused, a background at rest."""

from dataclasses import dataclass

from rbac.guard.identity.errors import InvalidToken, KeysUnavailable
from rbac.guard.issuers.access import Scopes, TokenUse
from rbac.guard.issuers.authenticator import Authenticator
from rbac.guard.issuers.provider import ProviderName
from tests.support.clock import TestClock
from tests.support.issuer import Issuer
from tests.support.waiting import until


@dataclass(frozen=True)
class ProviderChoice:
    """The settings that make a provider; the test issuer's pool by default."""

    jwks_url: str
    identity_provider: ProviderName = "cognito"
    issuer: str = Issuer.issuer
    audiences: tuple[str, ...] = (Issuer.client_id, Issuer.other_client_id)
    role_claims: tuple[str, ...] = ("custom:role", "cognito:groups")
    token_use: TokenUse = "id"
    oidc_resource: str = ""
    scopes: Scopes = "ignored"


async def refusal(authenticator: Authenticator, token: str) -> str:
    """The reason that ``token`` is refused for, "" when it is accepted. Any other exception passes."""
    try:
        await authenticator.authenticate(token)
    except InvalidToken as error:
        return error.reason
    except KeysUnavailable as error:
        return error.code
    return ""


async def settled(authenticator: Authenticator, clock: TestClock, fetches: int) -> None:
    """Waits until ``fetches`` fetches are over and the background waits for the next."""
    await until(lambda: authenticator.fetches == fetches and clock.sleepers == 1)
