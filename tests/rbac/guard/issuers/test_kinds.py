"""A token of one kind never passes as another, whatever is accepted."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from rbac.guard import auth0, cognito, oidc
from rbac.guard.issuers.access import Scopes, TokenUse
from rbac.guard.issuers.authenticator import Authenticator
from rbac.guard.issuers.provider import DIALECTS, Provider
from tests.support.authenticating import refusal
from tests.support.clock import TestClock
from tests.support.issuer import ABSENT, Issuer
from tests.support.issuer_forms import COGNITO, COGNITO_PERSON, JWT_PERSON, KEYCLOAK
from tests.support.kinds import CLIENTS, KINDS, token_of
from tests.support.openid import provider_for

PROVIDERS = list(KINDS)


def accepting(issuer: Issuer, use: TokenUse, scopes: Scopes = "ignored") -> Provider:
    resource = JWT_PERSON.resource if issuer.form.provider == "oidc" and use != "id" else ""
    provider = provider_for(issuer, "id")
    clients = frozenset(CLIENTS[issuer.form.provider])
    return replace(provider, token_use=use, resource=resource, scopes=scopes, audiences=clients)


# By hand: what is accepted of each kind, and the reason why not.
TABLE: dict[str, dict[TokenUse, dict[str, str]]] = {
    "cognito": {
        "id": {"id": "", "person": "wrong_use", "machine": "wrong_use"},
        "access": {"id": "wrong_use", "person": "", "machine": ""},
        "both": {"id": "", "person": "", "machine": ""},
    },
    "oidc": {
        "id": {"id": "", "person": "bad_header", "machine": "bad_header"},
        "access": {"id": "wrong_use", "person": "", "machine": ""},
        "both": {"id": "", "person": "", "machine": ""},
    },
}


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("use", ["id", "access", "both"])
async def test_what_is_accepted(provider: str, use: TokenUse, clock: TestClock) -> None:
    with Issuer(clock.now, KINDS[provider]["id"]) as issuer:
        async with Authenticator(accepting(issuer, use), clock=clock.clock) as authenticator:
            got = {kind: await refusal(authenticator, token_of(issuer, kind)) for kind in KINDS[provider]}
            assert got == TABLE[provider][use]


# What one kind is made to look like another by, where both are accepted: the claims of the other, and its header.
DISGUISES: dict[str, list[tuple[str, dict[str, Any], dict[str, Any]]]] = {
    "cognito": [
        ("id", {}, {"token_use": "access"}),
        ("id", {}, {"token_use": "access", "aud": ABSENT}),
        ("id", {}, {"token_use": "access", "client_id": COGNITO.client_id}),
        ("person", {}, {"token_use": "id"}),
        ("person", {}, {"token_use": ["access", "id"]}),
        ("person", {}, {"token_use": "Access"}),
        ("person", {}, {"sub": COGNITO.client_id}),
        ("machine", {}, {"token_use": "id"}),
        ("machine", {}, {"username": "alice"}),
        ("machine", {}, {"sub": "7f3c"}),
        ("machine", {"typ": "at+jwt"}, {}),
    ],
    "oidc": [
        ("id", {"typ": "at+jwt"}, {}),
        ("id", {"typ": "at+jwt"}, {"aud": JWT_PERSON.resource}),
        ("id", {"typ": "at+jwt"}, {"client_id": "shop"}),
        ("person", {"typ": "JWT"}, {}),
        ("person", {"typ": "JWT"}, {"aud": "shop"}),
        ("person", {"typ": ABSENT}, {"aud": "shop"}),
        ("person", {"typ": ABSENT}, {"aud": "shop", "client_id": ABSENT}),
        ("person", {}, {"sub": "shop", "auth_time": 1}),
        ("machine", {"typ": "JWT"}, {"aud": "alice-batch"}),
        ("machine", {}, {"name": "Alice"}),
        ("machine", {"typ": "id+jwt"}, {}),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("provider", "kind", "header", "claims"),
    [(provider, *row) for provider, rows in DISGUISES.items() for row in rows],
    ids=str,
)
async def test_a_token_in_disguise_is_refused(
    provider: str, kind: str, header: dict[str, Any], claims: dict[str, Any], clock: TestClock
) -> None:
    with Issuer(clock.now, KINDS[provider]["id"]) as issuer:
        async with Authenticator(accepting(issuer, "both"), clock=clock.clock) as authenticator:
            assert await refusal(authenticator, token_of(issuer, kind, header, **claims)) != ""
            assert await refusal(authenticator, token_of(issuer, kind)) == ""


@pytest.mark.parametrize("scopes", ["ignored", "required"])
async def test_only_a_person_calls_through_a_program_and_only_where_scopes_are_required(
    scopes: Scopes, clock: TestClock
) -> None:
    with Issuer(clock.now) as issuer:
        async with Authenticator(accepting(issuer, "both", scopes), clock=clock.clock) as authenticator:
            found = {
                kind: await authenticator.authenticate(token_of(issuer, kind)) for kind in KINDS["cognito"]
            }
            assert found["id"].through is None
            assert found["machine"].through is None
            name = f"client:{COGNITO_PERSON.client_id}"
            through = found["person"].through
            assert (through is None) is (scopes == "ignored")
            if through is not None:
                assert (through.sub, through.roles) == (name, (name, "scope:openid", "scope:orders/read"))
            assert not any(":" in role for role in (*found["id"].roles, *found["person"].roles))


async def test_a_token_of_cognito_that_is_bound_to_our_resource_is_ours(clock: TestClock) -> None:
    ours = "https://api.example.com"
    with Issuer(clock.now) as issuer:
        provider = replace(accepting(issuer, "access"), resource=ours)
        async with Authenticator(provider, clock=clock.clock) as authenticator:
            for kind in ("person", "machine"):
                assert await refusal(authenticator, token_of(issuer, kind, aud=ours)) == ""
                assert await refusal(authenticator, token_of(issuer, kind)) == "missing_claim"
                assert (
                    await refusal(authenticator, token_of(issuer, kind, aud=ours + "/")) == "wrong_audience"
                )
                assert await refusal(authenticator, token_of(issuer, kind, aud=[ours])) == "bad_claim"


async def test_a_service_account_of_keycloak_is_a_user_of_the_realm(clock: TestClock) -> None:
    """Anybody might register under the name that Keycloak gives to one, so the name says nothing."""
    with Issuer(clock.now, KEYCLOAK) as issuer:
        provider = replace(provider_for(issuer, "id"), token_use="both", resource="orders")
        async with Authenticator(provider, clock=clock.clock) as authenticator:
            token = issuer.token(
                {"typ": "at+jwt"},
                typ="Bearer", aud="orders", azp="batch", client_id="batch", scope="orders.read", nonce=ABSENT,
                preferred_username="service-account-batch",
            )  # fmt: skip
            principal = await authenticator.authenticate(token)
            assert principal.sub == KEYCLOAK.claims["sub"]
            assert "admin" in principal.roles


async def test_a_machine_of_auth0_is_called_as_its_client(clock: TestClock) -> None:
    dialect = DIALECTS["auth0"]
    with Issuer(clock.now) as issuer:
        provider = replace(accepting(issuer, "access"), dialect=dialect, resource="https://api")
        async with Authenticator(provider, clock=clock.clock) as authenticator:
            claims = {
                "aud": "https://api",
                "client_id": "aBc",
                "sub": "aBc@clients",
                "scope": "read:orders",
                "jti": "x",
            }
            principal = await authenticator.authenticate(
                token_of(issuer, "machine", {"typ": "at+jwt"}, **claims)
            )
            assert (principal.sub, principal.roles) == ("client:aBc", ("client:aBc", "scope:read:orders"))


def test_a_preset_that_would_take_anybodys_access_tokens_is_refused() -> None:
    pool = "eu-west-1_AbC123xyz"
    assert cognito(pool, "a", token_use="both").provider.resource == ""
    assert (
        oidc("https://id.example.com", token_use="access", resource="https://api").provider.takes_ids is False
    )
    makers: list[Callable[[], object]] = [
        lambda: oidc("https://id.example.com", "a", token_use="access"),
        lambda: auth0("t.eu.auth0.com", "a", role_claims=["r"], token_use="both"),
        lambda: cognito(pool, token_use="access"),
        lambda: cognito(pool, "a", scopes="required"),
        lambda: cognito(pool, "a", resource="https://api"),
        lambda: oidc("https://id.example.com", resource="https://api", token_use="both"),
    ]
    for make in makers:
        with pytest.raises(ValueError, match=r"resource|audience"):
            make()
