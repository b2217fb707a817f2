"""The issuers that a guard knows by name: what its ``identify`` is made of."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from rbac.guard.identity.addresses import discovery_url, issuer_address
from rbac.guard.identity.clock import KEYS_MAX_AGE
from rbac.guard.identity.principal import RoleClaim
from rbac.guard.issuers.access import Scopes, TokenUse
from rbac.guard.issuers.cognito import cognito_host
from rbac.guard.issuers.provider import DIALECTS, Provider, ProviderName
from rbac.installed import brought_by

if TYPE_CHECKING:
    from rbac.guard.issuers.authenticator import Authenticator

_POOL = re.compile(r"(?P<region>[a-z]{2}(?:-[a-z]+)+-[0-9]+)_[0-9A-Za-z]+")
# RFC 1123, and what a tenant of Auth0 or a custom domain is called.
_HOST = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")
_PROJECT = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]")
_GOOGLES_KEYS = "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com"


class _Kinds(NamedTuple):
    """Which tokens are accepted, as the presets say it."""

    token_use: TokenUse = "id"
    resource: str = ""
    scopes: Scopes = "ignored"


_ID_TOKENS = _Kinds()


def cognito(
    pool: str,
    *client_ids: str,
    role_claims: Sequence[str] = ("custom:role",),
    token_use: TokenUse = "id",
    resource: str = "",
    scopes: Scopes = "ignored",
    keys_max_age: float = KEYS_MAX_AGE,
) -> "Authenticator":
    """Amazon Cognito: the tokens of the user pool ``pool`` (``ap-northeast-1_AbC123xyz``) for these app clients.

    ``role_claims`` are the claims that hold roles. A text is one role, unless ``:list`` behind the claim's name says that
    it holds several; ``cognito:groups`` is a list of them. ``keys_max_age``: seconds that keys are trusted for after
    they were last fetched. Raises ``ValueError`` for a pool that is none, and without a client.

    ``token_use``: which tokens are accepted, "id", "access" or "both". Access tokens bring the words ``client:<id>`` and
    ``scope:<name>``; ``resource`` is the ``aud`` that they must have, none as usual. With ``scopes="required"`` a
    person's access token is allowed only what its client's words allow, too.
    """
    found = _POOL.fullmatch(pool)
    if found is None:
        raise ValueError(f"`{pool}` is not the id of a user pool, like `ap-northeast-1_AbC123xyz`")
    issuer = f"https://{cognito_host(found['region'])}/{pool}"
    kinds = _Kinds(token_use, resource, scopes)
    keys = f"{issuer}/.well-known/jwks.json"
    return _vouching("cognito", issuer, keys, client_ids, role_claims, keys_max_age, kinds)


def auth0(
    domain: str,
    *client_ids: str,
    role_claims: Sequence[str],
    token_use: TokenUse = "id",
    resource: str = "",
    scopes: Scopes = "ignored",
    keys_max_age: float = KEYS_MAX_AGE,
) -> "Authenticator":
    """Auth0: the ID tokens of the tenant ``domain`` (``example.eu.auth0.com``) for these applications.

    ``role_claims`` are the claims that the tenant's own action adds: a text is one role, a list is several. Raises
    ``ValueError`` for a domain that is none, and without an application.

    ``token_use``: which tokens are accepted, "id", "access" or "both". Access tokens bring the words ``client:<id>`` and
    ``scope:<name>``; ``resource``, which they need, is the API whose ``aud`` they have. With ``scopes="required"`` a
    person's access token is allowed only what its client's words allow, too.
    """
    if not _HOST.fullmatch(domain):
        raise ValueError(f"`{domain}` is not the domain of a tenant, like `example.eu.auth0.com`")
    keys = f"https://{domain}/.well-known/jwks.json"
    kinds = _Kinds(token_use, resource, scopes)
    return _vouching("auth0", f"https://{domain}/", keys, client_ids, role_claims, keys_max_age, kinds)


def firebase(
    project: str, *, role_claims: Sequence[str] = ("role",), keys_max_age: float = KEYS_MAX_AGE
) -> "Authenticator":
    """Firebase Authentication: the ID tokens of the project ``project``.

    ``role_claims`` are the project's custom claims: a text is one role, a list is several. Raises ``ValueError`` for a
    project's id that is none.
    """
    if not _PROJECT.fullmatch(project):
        raise ValueError(f"`{project}` is not the id of a Firebase project, like `my-shop-4711`")
    issuer = f"https://securetoken.google.com/{project}"
    return _vouching("firebase", issuer, _GOOGLES_KEYS, [project], role_claims, keys_max_age)


def oidc(
    issuer: str,
    *audiences: str,
    role_claims: Sequence[str] = (),
    token_use: TokenUse = "id",
    resource: str = "",
    scopes: Scopes = "ignored",
    keys_max_age: float = KEYS_MAX_AGE,
) -> "Authenticator":
    """Any OpenID provider: the ID tokens of ``issuer``, to the letter what ``iss`` is, for these client ids.

    Where its keys are is read in its discovery document. ``role_claims`` are the claims that hold roles: a text is one
    role, a list is several. A dot leads into an object (``realm_access.roles``), unless the whole is the name of a claim
    (``https://example.com/roles``); ``\\.`` is a dot of a name. Raises ``ValueError`` for an issuer that is neither an https
    URL nor on this machine's loopback, and without an audience.

    ``token_use``: which tokens are accepted, "id", "access" or "both". Access tokens bring the words ``client:<id>`` and
    ``scope:<name>``; ``resource``, which they need, is the ``aud`` of this application. With ``scopes="required"`` a
    person's access token is allowed only what its client's words allow, too.
    """
    try:
        address = discovery_url(issuer_address(issuer))
    except ValueError as error:
        raise ValueError(f"`{issuer}` is not an issuer, like `https://id.example.com`: {error}") from None
    kinds = _Kinds(token_use, resource, scopes)
    return _vouching("oidc", issuer, address, audiences, role_claims, keys_max_age, kinds)


def _vouching(
    name: ProviderName,
    issuer: str,
    keys: str,
    audiences: Sequence[str],
    role_claims: Sequence[str],
    keys_max_age: float,
    kinds: _Kinds = _ID_TOKENS,
) -> "Authenticator":
    with brought_by("guard"):
        from rbac.guard.issuers.authenticator import Authenticator  # brings an HTTP client

    if isinstance(role_claims, str):  # the letters of a name are no claims
        raise TypeError(f"role_claims is a list of names: [{role_claims!r}]")
    claims = tuple(RoleClaim.parse(written) for written in role_claims)
    provider = Provider(issuer, keys, frozenset(audiences), claims, DIALECTS[name], *kinds)
    return Authenticator(provider, keys_max_age=keys_max_age)
