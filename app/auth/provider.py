"""The seam between the service and who vouches for its callers: one :class:`Provider`, made from settings.

Another provider is one more entry in the table: its rules, and the library's class for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from app.auth import auth0, cognito, firebase
from app.auth.claims import ClaimRules
from app.auth.hardened import HardenedAuth
from app.auth.principal import RoleClaim

ProviderName = Literal["cognito", "auth0", "firebase"]


class ProviderSettings(Protocol):
    """What :func:`provider_of` reads of the service's settings."""

    @property
    def identity_provider(self) -> ProviderName:
        """Who issues the tokens."""

    @property
    def issuer(self) -> str:
        """What ``iss`` must be, to the letter."""

    @property
    def jwks_url(self) -> str:
        """Where the issuer's keys are, as a JWK Set."""

    @property
    def audiences(self) -> Sequence[str]:
        """What ``aud`` may be."""

    @property
    def role_claims(self) -> Sequence[str]:
        """The claims that name roles, as ``ROLE_CLAIMS`` writes them."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one provider's ID tokens differ from the others'.

    ``role_lists``: the claims that are lists of names; ``None`` where the customer writes the claims and any
    may be one.
    """

    auth: type[HardenedAuth]
    rules: type[ClaimRules]
    username_claims: tuple[str, ...]
    role_lists: frozenset[str] | None


# Auth0's and Firebase's custom claims are what the customer's own code made them: a string is one role, a
# list is several.
DIALECTS: Mapping[ProviderName, Dialect] = {
    "cognito": Dialect(
        cognito.HardenedCognitoCurrentUser, cognito.CognitoRules, cognito.USERNAME_CLAIMS, cognito.ROLE_LISTS
    ),
    "auth0": Dialect(auth0.HardenedAuth0CurrentUser, auth0.Auth0Rules, auth0.USERNAME_CLAIMS, None),
    "firebase": Dialect(
        firebase.HardenedFirebaseCurrentUser, firebase.FirebaseRules, firebase.USERNAME_CLAIMS, None
    ),
}


@dataclass(frozen=True, slots=True)
class Provider:
    """Whose tokens are accepted, where its keys are, and how its tokens are read."""

    issuer: str
    jwks_url: str
    audiences: frozenset[str]
    role_claims: tuple[RoleClaim, ...]
    dialect: Dialect

    def __post_init__(self) -> None:
        """Raises ``ValueError`` for a provider that would accept anybody's tokens, or nobody's."""
        if not self.issuer or not self.jwks_url or not self.audiences or "" in self.audiences:
            raise ValueError("a provider needs an issuer, the address of its keys, and at least one audience")


def several_roles(settings: ProviderSettings) -> bool:
    """Whether the role claims are such that one caller is bound to bring several roles some day."""
    claims = [RoleClaim.parse(written) for written in settings.role_claims]
    lists = DIALECTS[settings.identity_provider].role_lists or frozenset()
    return len(claims) > 1 or any(claim.is_list or claim.name in lists for claim in claims)


def provider_of(settings: ProviderSettings) -> Provider:
    """The provider that ``settings`` name."""
    return Provider(
        settings.issuer,
        settings.jwks_url,
        frozenset(settings.audiences),
        tuple(RoleClaim.parse(written) for written in settings.role_claims),
        DIALECTS[settings.identity_provider],
    )
