"""Whose tokens are accepted: one :class:`Provider`.

Another issuer is one more module beside this one with its rules, one more entry in the table, and the library's class
for it in :mod:`rbac.guard.issuers.cloudauth`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from rbac.guard.identity.claims import ClaimRules
from rbac.guard.identity.clock import Clock
from rbac.guard.identity.errors import SEND_ID_TOKEN, InvalidToken
from rbac.guard.identity.principal import RoleClaim
from rbac.guard.identity.token_format import ALGORITHMS, JWT, RS256, TokenForm
from rbac.guard.issuers import auth0, cognito, firebase, openid
from rbac.guard.issuers.access import (
    AT_JWT,
    AccessRules,
    CognitoAccessRules,
    JwtAccessRules,
    Scopes,
    TokenUse,
)

ProviderName = Literal["cognito", "auth0", "firebase", "oidc"]


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one provider's tokens differ from the others'.

    ``role_lists``: the claims that are lists of names; ``None`` where the customer writes the claims and any
    may be one. ``algorithms``: what its keys may be for. ``is_discovered``: it says itself where they are.
    ``access_rules``: what holds of its access tokens, ``None`` where it has none that can be verified. They say in their
    header what they are, but for Cognito's, whose ``token_use`` does.
    """

    name: ProviderName
    rules: type[ClaimRules]
    username_claims: tuple[str, ...]
    role_lists: frozenset[str] | None
    algorithms: frozenset[str] = frozenset({RS256})
    is_discovered: bool = False
    access_rules: type[AccessRules] | None = None


# Auth0's and Firebase's custom claims are what the customer's own code made them: a string is one role, a
# list is several.
DIALECTS: Mapping[ProviderName, Dialect] = {
    dialect.name: dialect
    for dialect in (
        Dialect(
            "cognito",
            cognito.CognitoRules,
            cognito.USERNAME_CLAIMS,
            cognito.ROLE_LISTS,
            access_rules=CognitoAccessRules,
        ),
        Dialect("auth0", auth0.Auth0Rules, auth0.USERNAME_CLAIMS, None, access_rules=JwtAccessRules),
        Dialect("firebase", firebase.FirebaseRules, firebase.USERNAME_CLAIMS, None),
        Dialect(
            "oidc",
            openid.ProviderRules,
            openid.USERNAME_CLAIMS,
            None,
            ALGORITHMS,
            is_discovered=True,
            access_rules=JwtAccessRules,
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Provider:
    """Whose tokens are accepted, where its keys are, and how its tokens are read.

    ``jwks_url`` is where the keys are, and of a dialect that is discovered where it says where they are. ``audiences`` are
    the clients whose tokens are accepted, and ``resource`` whom access tokens must be bound to.
    """

    issuer: str
    jwks_url: str
    audiences: frozenset[str]
    role_claims: tuple[RoleClaim, ...]
    dialect: Dialect
    token_use: TokenUse = "id"
    resource: str = ""
    scopes: Scopes = "ignored"

    def __post_init__(self) -> None:
        """Raises ``ValueError`` for a provider that would accept anybody's tokens, or nobody's."""
        if not self.issuer or not self.jwks_url or "" in self.audiences:
            raise ValueError("a provider needs an issuer, the address of its keys, and at least one audience")
        access = self.dialect.access_rules
        if not self.audiences and (self.takes_ids or access is CognitoAccessRules):
            raise ValueError("a provider needs an issuer, the address of its keys, and at least one audience")
        if self.takes_access and access is None:
            raise ValueError(f"access tokens of {self.dialect.name} cannot be verified")
        if self.takes_access and access is JwtAccessRules and not self.resource:
            raise ValueError("access tokens need a resource that they must be bound to")
        if not self.takes_access and (self.resource or self.scopes == "required"):
            raise ValueError("only access tokens have scopes and a resource")

    @property
    def takes_ids(self) -> bool:
        """Whether ID tokens are accepted."""
        return self.token_use != "access"

    @property
    def takes_access(self) -> bool:
        """Whether access tokens are accepted."""
        return self.token_use != "id"

    @property
    def several_roles(self) -> bool:
        """Whether one caller is bound to bring several roles some day."""
        lists = self.dialect.role_lists or frozenset()
        return (
            self.takes_access
            or len(self.role_claims) > 1
            or any(claim.is_list or claim.name in lists for claim in self.role_claims)
        )

    @property
    def form(self) -> TokenForm:
        """What the header of an accepted token says."""
        said_in_header = self.takes_access and self.dialect.access_rules is not CognitoAccessRules
        return TokenForm(self.dialect.algorithms, frozenset({JWT, AT_JWT} if said_in_header else {JWT}))


class TokenRules:
    """What the claims of each kind of token must say. INVARIANT: what kind a token is, one thing alone says: its header,
    or with Cognito ``token_use``; it is then held to the rules of that kind and of no other."""

    def __init__(self, provider: Provider, clock: Clock) -> None:
        dialect = provider.dialect
        self._ids = dialect.rules(provider.issuer, provider.audiences, clock) if provider.takes_ids else None
        self._access: AccessRules | None = None
        if provider.takes_access and dialect.access_rules is not None:
            self._access = dialect.access_rules(provider.issuer, provider.audiences, clock, provider.resource)
        self._by_claim = dialect.access_rules is CognitoAccessRules

    def of(self, claims: Mapping[str, Any], kind: str) -> ClaimRules:
        """The rules for a token of its kind. Raises :class:`InvalidToken` for a kind that is not accepted."""
        is_access = claims.get("token_use") == "access" if self._by_claim else kind == AT_JWT
        rules = self._access if is_access else self._ids
        if rules is None:
            raise InvalidToken("wrong_use", self._instead)
        return rules

    @property
    def _instead(self) -> str:
        if self._access is None:
            return SEND_ID_TOKEN
        return "send the access token" if self._by_claim else "send an access token whose header says at+jwt"
