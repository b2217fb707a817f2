"""What kinds of issuers write into their tokens and their metadata, after what each of them publishes."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from rbac.guard.issuers.access import TokenUse
from rbac.guard.issuers.provider import ProviderName
from tests.support.spelling import ABSENT, without_absent


@dataclass(frozen=True, eq=False)
class Form:
    """One kind of issuer.

    ``path`` stands between its host and what it serves; "" with ``fixed_issuer``, whose ``iss`` names a host that the
    test does not run on. ``claims`` are an ID token's besides ``iss``, ``exp`` and ``iat``. ``role_claim`` is as
    ``ROLE_CLAIMS`` writes it, and holds ``role``. ``jwk`` is what it writes differently into its keys, ``keys_path``
    where it publishes them. ``header`` is what its tokens' say besides. ``token_use`` and ``resource`` are how it is
    trusted.
    """

    name: str
    provider: ProviderName
    client_id: str
    claims: Mapping[str, Any]
    role_claim: str
    role: str = "admin"
    path: str = ""
    fixed_issuer: str = ""
    keys_path: str = "/keys"
    jwk: Mapping[str, Any] = field(default_factory=dict)
    header: Mapping[str, Any] = field(default_factory=dict)
    token_use: TokenUse = "id"
    resource: str = ""


COGNITO = Form(
    name="cognito",
    provider="cognito",
    client_id="1sekisho2client3example4id",
    claims={
        "sub": "7f3c1a52-0b54-4d5e-9a3e-2f6f0c1d8e90",
        "aud": "1sekisho2client3example4id",
        "token_use": "id",
        "jti": "0b9d7f4e-5f0f-4d0b-8f7f-9a64c8a3b1c2",
        "origin_jti": "c0ffee00-5f0f-4d0b-8f7f-9a64c8a3b1c2",
        "cognito:username": "alice",
        "email": "alice@example.com",
        "email_verified": True,
        "custom:role": "admin",
    },
    role_claim="custom:role",
    fixed_issuer="https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Sekisho00",
)

PLAIN = Form(
    name="oidc",
    provider="oidc",
    client_id="shop",
    claims={
        "sub": "7f3c-alice",
        "aud": "shop",
        "nonce": "n-0S6_WzA2Mj",
        "name": "alice",
        "email": "alice@example.com",
        "https://example.com/roles": ["admin"],
    },
    role_claim="https://example.com/roles",
)

# Keycloak 26, the client's roles added to the ID token by a mapper.
KEYCLOAK = Form(
    name="keycloak",
    provider="oidc",
    client_id="shop-web",
    claims={
        "jti": "onrtac:0b9d7f4e-5f0f-4d0b-8f7f-9a64c8a3b1c2",
        "aud": "shop-web",
        "sub": "7f3c1a52-0b54-4d5e-9a3e-2f6f0c1d8e90",
        "typ": "ID",
        "azp": "shop-web",
        "nonce": "n-0S6_WzA2Mj",
        "sid": "b0c1ad8e-5f0f-4d0b-8f7f-9a64c8a3b1c2",
        "at_hash": "XSZ8bZzGdWpbGgNBOCY4jA",
        "acr": "1",
        "email_verified": True,
        "realm_access": {"roles": ["offline_access", "admin"]},
        "name": "Alice Sato",
        "preferred_username": "alice",
        "email": "alice@example.com",
    },
    role_claim="realm_access.roles",
    path="/realms/shop",
    keys_path="/realms/shop/protocol/openid-connect/certs",
)

# Microsoft's identity platform, version 2.0 tokens, with app roles. Its keys name no algorithm.
ENTRA = Form(
    name="entra",
    provider="oidc",
    client_id="11112222-bbbb-3333-cccc-4444dddd5555",
    claims={
        "ver": "2.0",
        "aud": "11112222-bbbb-3333-cccc-4444dddd5555",
        "sub": "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
        "name": "Alice Sato",
        "preferred_username": "alice@example.com",
        "oid": "aaaaaaaa-0000-1111-2222-bbbbbbbbbbbb",
        "tid": "aaaabbbb-0000-cccc-1111-dddd2222eeee",
        "nonce": "n-0S6_WzA2Mj",
        "aio": "Df2UVXL1ix!lMCWMSOJBcFatzcGfvFGhjKv8q5g0x732dR5MB5BisvGQO7YWByjd8iQDLq",
        "roles": ["admin"],
        "email": "alice@example.com",
    },
    role_claim="roles",
    path="/aaaabbbb-0000-cccc-1111-dddd2222eeee/v2.0",
    keys_path="/aaaabbbb-0000-cccc-1111-dddd2222eeee/discovery/v2.0/keys",
    jwk={"alg": ABSENT, "x5t": "1LTMzakihiRla_8z2BEJVXeWMqo", "x5c": ["MIIDYDCCAkigAwIBAgIJ"]},
)

OKTA = Form(
    name="okta",
    provider="oidc",
    client_id="0oabucvyc38HLL1ef0h7",
    claims={
        "sub": "00uid4BxXw6I6TV4m0g3",
        "name": "Alice Sato",
        "email": "alice@example.com",
        "ver": 1,
        "aud": "0oabucvyc38HLL1ef0h7",
        "jti": "ID.4eAWJOCMB3SX8XewDfVR",
        "amr": ["pwd"],
        "idp": "00ok1u7AsAkrwdZL3z0g3",
        "nonce": "n-0S6_WzA2Mj",
        "preferred_username": "alice@example.com",
        "at_hash": "cpqKfdQA5eH891Ff5oJr_Q",
        "groups": ["Everyone", "admin"],
    },
    role_claim="groups",
    path="/oauth2/default",
    keys_path="/oauth2/default/v1/keys",
)

GOOGLE = Form(
    name="google",
    provider="oidc",
    client_id="1234987819200.apps.googleusercontent.com",
    claims={
        "azp": "1234987819200.apps.googleusercontent.com",
        "aud": "1234987819200.apps.googleusercontent.com",
        "sub": "10769150350006150715113082367",
        "at_hash": "HK6E_P6Dh8Y93mRNtsDB1Q",
        "hd": "example.com",
        "email": "alice@example.com",
        "email_verified": True,
        "nonce": "0394852-3190485-2490358",
        "name": "Alice Sato",
    },
    role_claim="hd",
    role="example.com",
    keys_path="/oauth2/v3/certs",
)

OPENID_FORMS = (PLAIN, KEYCLOAK, ENTRA, OKTA, GOOGLE)

_WITHOUT = {
    "aud": ABSENT,
    "cognito:username": ABSENT,
    "email": ABSENT,
    "email_verified": ABSENT,
    "custom:role": ABSENT,
}

# A person's access token, and a machine's by `client_credentials`, as AWS documents them.
COGNITO_PERSON = replace(
    COGNITO,
    name="cognito-person",
    claims=without_absent(
        {
            **COGNITO.claims,
            **_WITHOUT,
            "client_id": COGNITO.client_id,
            "token_use": "access",
            "scope": "openid orders/read",
            "version": 2,
            "username": "alice",
            "cognito:groups": ["admin"],
        }
    ),
    role_claim="cognito:groups",
    token_use="access",
)
COGNITO_MACHINE = replace(
    COGNITO,
    name="cognito-machine",
    client_id="1alice2batch3job4example5id",
    claims={
        "sub": "1alice2batch3job4example5id",
        "token_use": "access",
        "scope": "orders/read",
        "version": 2,
        "jti": "0b9d7f4e-5f0f-4d0b-8f7f-9a64c8a3b1c2",
        "client_id": "1alice2batch3job4example5id",
    },
    role_claim="scope",
    role="orders/read",
    token_use="access",
)

# RFC 9068, section 2.2.
JWT_PERSON = replace(
    PLAIN,
    name="jwt-person",
    client_id="shop",
    claims={
        "sub": "7f3c-alice",
        "aud": "https://api.example.com",
        "client_id": "shop",
        "jti": "dbe39bf3a3ba4238a513f51d6e1691c4",
        "scope": "openid orders/read",
        "https://example.com/roles": ["admin"],
    },
    header={"typ": "at+jwt"},
    token_use="access",
    resource="https://api.example.com",
)
JWT_MACHINE = replace(
    JWT_PERSON,
    name="jwt-machine",
    client_id="alice-batch",
    claims={
        "sub": "alice-batch",
        "aud": "https://api.example.com",
        "client_id": "alice-batch",
        "jti": "dbe39bf3a3ba4238a513f51d6e1691c4",
        "auth_time": ABSENT,
        "scope": "orders/read",
    },
    role_claim="scope",
    role="orders/read",
)

# Keycloak's, where the client says that it is one in the header.
KEYCLOAK_PERSON = replace(
    KEYCLOAK,
    name="keycloak-person",
    claims={
        "jti": "onrtac:0b9d7f4e-5f0f-4d0b-8f7f-9a64c8a3b1c2",
        "aud": ["https://api.example.com/orders", "account"],
        "sub": "7f3c1a52-0b54-4d5e-9a3e-2f6f0c1d8e90",
        "typ": "Bearer",
        "azp": "shop-web",
        "sid": "b0c1ad8e-5f0f-4d0b-8f7f-9a64c8a3b1c2",
        "acr": "1",
        "allowed-origins": ["https://shop.example.com"],
        "realm_access": {"roles": ["offline_access", "admin"]},
        "scope": "openid email profile",
        "email_verified": True,
        "preferred_username": "alice",
        "email": "alice@example.com",
    },
    header={"typ": "at+jwt"},
    token_use="access",
    resource="https://api.example.com/orders",
)

# Access tokens that say no more of themselves in their header than ID tokens do, as their issuers document them: of a
# person, and of an application for itself. Here for the very client that ID tokens are for.
ENTRA_PERSON_ACCESS = {"azp": ENTRA.client_id, "azpacr": "0", "scp": "Orders.Read", "nonce": ABSENT}
ENTRA_MACHINE_ACCESS = {
    **dict.fromkeys(("name", "preferred_username", "email", "nonce"), ABSENT),
    "azp": ENTRA.client_id,
    "azpacr": "1",
    "oid": "aaaaaaaa-0000-1111-2222-cccccccccccc",
    "sub": "aaaaaaaa-0000-1111-2222-cccccccccccc",
}
OKTA_PERSON_ACCESS = {
    "jti": "AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE",
    "cid": OKTA.client_id,
    "uid": "00uid4BxXw6I6TV4m0g3",
    "scp": ["openid", "orders.read"],
    "sub": "alice@example.com",
    "nonce": ABSENT,
}
OKTA_MACHINE_ACCESS = {
    **dict.fromkeys(("name", "preferred_username", "email", "nonce", "amr", "idp"), ABSENT),
    "jti": "AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE",
    "cid": OKTA.client_id,
    "scp": ["orders.read"],
    "sub": OKTA.client_id,
}
KEYCLOAK_PERSON_ACCESS = {"typ": "Bearer", "scope": "openid email profile", "nonce": ABSENT}
UNMARKED_ACCESS = {
    "entra, a person's": (ENTRA, ENTRA_PERSON_ACCESS),
    "entra, an application's for itself": (ENTRA, ENTRA_MACHINE_ACCESS),
    "entra, an application's that says so": (ENTRA, {**ENTRA_MACHINE_ACCESS, "idtyp": "app"}),
    "entra, of version 1": (ENTRA, {"ver": "1.0", "appidacr": "1", "nonce": ABSENT}),
    "okta, a person's": (OKTA, OKTA_PERSON_ACCESS),
    "okta, a machine's": (OKTA, OKTA_MACHINE_ACCESS),
    "keycloak, a person's": (KEYCLOAK, KEYCLOAK_PERSON_ACCESS),
}

ACCESS_FORMS = (COGNITO_PERSON, COGNITO_MACHINE, JWT_PERSON, JWT_MACHINE)
