"""Tokens of every kind that one issuer signs: a person's ID token, a person's access token, a machine's."""

import json
from collections.abc import Mapping
from typing import Any

from tests.support.issuer import Issuer
from tests.support.issuer_forms import (
    COGNITO,
    COGNITO_MACHINE,
    COGNITO_PERSON,
    JWT_MACHINE,
    JWT_PERSON,
    PLAIN,
    Form,
)
from tests.support.spelling import without_absent

KINDS: Mapping[str, Mapping[str, Form]] = {
    "cognito": {"id": COGNITO, "person": COGNITO_PERSON, "machine": COGNITO_MACHINE},
    "oidc": {"id": PLAIN, "person": JWT_PERSON, "machine": JWT_MACHINE},
}
CLIENTS = {
    provider: tuple(dict.fromkeys(form.client_id for form in forms.values()))
    for provider, forms in KINDS.items()
}


def token_of(issuer: Issuer, kind: str, header: Mapping[str, Any] | None = None, **changes: Any) -> str:
    """A token of ``kind``, right but for ``changes``."""
    form = KINDS[issuer.form.provider][kind]
    now = int(issuer.now())
    claims = {"iss": issuer.issuer, "iat": now, "exp": now + 3600, **form.claims, **changes}
    return issuer.sign(json.dumps(without_absent(claims)).encode(), {**form.header, **(header or {})})


def settings_of_kinds(provider: str, issuer: Issuer, **changes: str) -> dict[str, str]:
    """Settings of a service that takes all kinds of ``issuer``, with the person's roles in ``roles``."""
    clients = ",".join(CLIENTS[provider])
    common = {"TOKEN_USE": "both", "ROLE_CLAIMS": "roles:list"}
    if provider == "cognito":
        return common | {
            "COGNITO_USER_POOL_ID": issuer.pool_id,
            "COGNITO_APP_CLIENT_ID": clients,
            "COGNITO_ENDPOINT_URL": issuer.endpoint,
            **changes,
        }
    return common | {
        "IDENTITY_PROVIDER": "oidc",
        "OIDC_ISSUER": issuer.issuer,
        "OIDC_AUDIENCE": clients,
        "OIDC_RESOURCE": JWT_PERSON.resource,
        **changes,
    }
