"""OpenID providers of every kind and algorithm, each with what it takes to trust it."""

from rbac.guard.identity.addresses import discovery_url
from rbac.guard.identity.principal import RoleClaim
from rbac.guard.issuers.access import Scopes, TokenUse
from rbac.guard.issuers.provider import DIALECTS, Provider
from tests.support.issuer import Issuer
from tests.support.issuer_forms import (
    ACCESS_FORMS,
    JWT_MACHINE,
    JWT_PERSON,
    KEYCLOAK_PERSON,
    OPENID_FORMS,
    PLAIN,
    Form,
)
from tests.support.signing import SCHEMES

# Once for each algorithm, and once for each kind with what it signs with.
COMBINATIONS: list[tuple[Form, str]] = [
    *((PLAIN, algorithm) for algorithm in SCHEMES),
    *((form, "RS256") for form in OPENID_FORMS if form is not PLAIN),
    *((form, "RS256") for form in ACCESS_FORMS),
    (JWT_PERSON, "PS256"),
    (JWT_MACHINE, "ES256"),
    (JWT_PERSON, "EdDSA"),
    (KEYCLOAK_PERSON, "RS256"),
]
NAMES = [f"{form.name}-{algorithm}" for form, algorithm in COMBINATIONS]


def provider_for(issuer: Issuer, token_use: TokenUse | None = None, scopes: Scopes = "ignored") -> Provider:
    """A provider that trusts ``issuer``, which is listening; its own kind of tokens, unless ``token_use`` says which."""
    claims = (RoleClaim.parse(issuer.form.role_claim),)
    form = issuer.form
    dialect = DIALECTS[form.provider]
    keys = discovery_url(issuer.issuer) if dialect.is_discovered else issuer.jwks_url
    return Provider(
        issuer.issuer,
        keys,
        frozenset({issuer.client_id}),
        claims,
        dialect,
        token_use or form.token_use,
        "" if token_use == "id" else form.resource,
        scopes,
    )


def settings_for(issuer: Issuer) -> dict[str, str]:
    """The same as settings of the service."""
    kinds = {"TOKEN_USE": issuer.form.token_use, "ROLE_CLAIMS": issuer.form.role_claim}
    if issuer.form.provider == "cognito":
        return kinds | {
            "COGNITO_USER_POOL_ID": issuer.pool_id,
            "COGNITO_APP_CLIENT_ID": issuer.client_id,
            "COGNITO_ENDPOINT_URL": issuer.endpoint,
        }
    return kinds | {
        "OIDC_RESOURCE": issuer.form.resource,
        "IDENTITY_PROVIDER": "oidc",
        "OIDC_ISSUER": issuer.issuer,
        "OIDC_AUDIENCE": issuer.client_id,
    }
