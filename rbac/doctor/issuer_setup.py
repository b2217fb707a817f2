"""What is examined: an issuer, as a service is set up to believe it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from rbac.guard.identity.addresses import MAX_ADDRESS_LENGTH
from rbac.guard.identity.principal import RoleClaim
from rbac.guard.issuers.cognito import cognito_host
from rbac.guard.issuers.provider import DIALECTS, Dialect, ProviderName
from rbac.policy import Policy

_POOL = re.compile(r"[a-z]{2,}(?:-[a-z]+)+-[0-9]+_[0-9A-Za-z]+")

MOST_USERS = 10_000
"""Users of a pool that are looked at unless somebody says otherwise: 60 at a time, so 170 calls."""


@dataclass(frozen=True)
class IssuerSetup:
    """An issuer, and what a policy needs of it.

    ``claims`` are those besides the roles that the policy decides by, as ``POLICY_REQUEST`` names them. ``keys_url`` is
    where the keys are, ``""`` where the issuer says so itself. Of Amazon Cognito are ``pool``, ``endpoint`` (``""``: AWS)
    and ``domain``; ``audiences`` are its app clients.
    """

    provider: ProviderName
    issuer: str
    keys_url: str
    audiences: tuple[str, ...]
    role_claims: tuple[RoleClaim, ...]
    claims: tuple[str, ...] = ()
    takes_ids: bool = True
    takes_access: bool = False
    production: bool = True
    pool: str = ""
    endpoint: str = ""
    domain: str = ""
    policy: Policy | None = None
    most_users: int = MOST_USERS

    @cached_property
    def region(self) -> str:
        """The region of the pool."""
        return self.pool.partition("_")[0]

    @property
    def dialect(self) -> Dialect:
        """How its tokens are read."""
        return DIALECTS[self.provider]

    @property
    def deciding(self) -> tuple[str, ...]:
        """Every claim that the policy decides by and a user may have: not who it is."""
        names: Iterable[str] = (*(claim.name for claim in self.role_claims), *self.claims)
        return tuple(name for name in dict.fromkeys(names) if name != "sub")


def of_pool(
    pool: str,
    clients: Sequence[str],
    role_claims: Sequence[str] = ("custom:role",),
    *,
    domain: str = "",
    endpoint: str = "",
    production: bool = True,
) -> IssuerSetup:
    """A user pool of Amazon Cognito whose ID tokens for ``clients`` are believed.

    Raises ``ValueError`` for what is no pool's id.
    """
    if not _POOL.fullmatch(pool):
        raise ValueError(f"`{pool}` is not the id of a user pool, like `ap-northeast-1_AbC123xyz`")
    issuer = f"https://{cognito_host(pool.partition('_')[0])}/{pool}"
    at = f"{endpoint.rstrip('/')}/{pool}" if endpoint else issuer
    return IssuerSetup(
        "cognito",
        issuer,
        f"{at}/.well-known/jwks.json",
        tuple(clients),
        tuple(RoleClaim.parse(written) for written in role_claims),
        production=production,
        pool=pool,
        endpoint=endpoint,
        domain=domain,
    )


def of_issuer(issuer: str, role_claims: Sequence[str] = (), *, production: bool = True) -> IssuerSetup:
    """Any OpenID provider. Raises ``ValueError`` for what is no address of one."""
    if "://" not in issuer or len(issuer) > MAX_ADDRESS_LENGTH:
        raise ValueError(f"`{issuer}` is not an issuer, like `https://id.example.com`")
    claims = tuple(RoleClaim.parse(written) for written in role_claims)
    return IssuerSetup("oidc", issuer, "", (), claims, production=production)
