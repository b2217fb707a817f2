"""Cognito, Auth0 and Firebase: each through the library's own class, each with the same hardening."""

from dataclasses import replace
from typing import Any

import pytest
from fastapi.security import HTTPAuthorizationCredentials
from fastapi_cloudauth.auth0 import Auth0CurrentUser
from fastapi_cloudauth.cognito import CognitoCurrentUser
from fastapi_cloudauth.firebase import FirebaseCurrentUser
from pydantic import BaseModel, Field

from app.provider import provider_of
from rbac.guard.identity.errors import InvalidToken
from rbac.guard.identity.principal import Principal, RoleClaim
from rbac.guard.issuers.authenticator import Authenticator
from rbac.guard.issuers.provider import DIALECTS, Provider, ProviderName
from tests.support.authenticating import ProviderChoice
from tests.support.clock import TestClock
from tests.support.hostile import hostile_cases
from tests.support.issuer import ABSENT, Issuer

TENANT = "https://example.eu.auth0.com/"
PROJECT = "sekisho-1a2b"
CHOICES: dict[ProviderName, ProviderChoice] = {
    "cognito": ProviderChoice("", "cognito", Issuer.issuer, (Issuer.client_id,), ("custom:role",)),
    "auth0": ProviderChoice("", "auth0", TENANT, ("spa", "app"), ("https://example.com/roles",)),
    "firebase": ProviderChoice(
        "", "firebase", f"https://securetoken.google.com/{PROJECT}", (PROJECT,), ("role", "roles")
    ),
}
TOKENS: dict[ProviderName, dict[str, Any]] = {
    "cognito": {},
    "auth0": {
        "iss": TENANT, "aud": "spa", "sub": "auth0|5f7c8ec7c33c6c004bbafe82", "nickname": "alice", "nonce": "n-0S6_Wz",
        "https://example.com/roles": ["admin", "user"], "token_use": ABSENT, "auth_time": ABSENT,
    },
    "firebase": {
        "iss": f"https://securetoken.google.com/{PROJECT}", "aud": PROJECT, "sub": "fT6w", "user_id": "fT6w",
        "name": "alice", "role": "admin", "roles": ["user"], "token_use": ABSENT,
    },
}  # fmt: skip
CLASSES: dict[ProviderName, type[object]] = {
    "cognito": CognitoCurrentUser,
    "auth0": Auth0CurrentUser,
    "firebase": FirebaseCurrentUser,
}
NAMES: list[ProviderName] = ["cognito", "auth0", "firebase"]


def choose(name: ProviderName, issuer: Issuer) -> Provider:
    return provider_of(replace(CHOICES[name], jwks_url=issuer.jwks_url))


async def principal_of(name: ProviderName, issuer: Issuer, clock: TestClock, **changes: Any) -> Principal:
    async with Authenticator(choose(name, issuer), clock=clock.clock) as authenticator:
        return await authenticator.authenticate(issuer.token(None, **(TOKENS[name] | changes)))


@pytest.mark.parametrize("name", NAMES)
async def test_the_librarys_own_class_verifies(name: ProviderName, issuer: Issuer) -> None:
    authenticator = Authenticator(choose(name, issuer))
    assert isinstance(authenticator.verifying, CLASSES[name])
    assert issuer.fetches == 0


@pytest.mark.parametrize(
    ("name", "roles"),
    [("cognito", ("admin",)), ("auth0", ("admin", "user")), ("firebase", ("admin", "user"))],
)
async def test_a_good_token_makes_a_principal(
    name: ProviderName, roles: tuple[str, ...], issuer: Issuer, clock: TestClock
) -> None:
    principal = await principal_of(name, issuer, clock)
    assert (principal.username, principal.email, principal.roles) == ("alice", "alice@example.com", roles)


@pytest.mark.parametrize("name", NAMES)
async def test_no_provider_lets_a_hostile_token_in(
    name: ProviderName, issuer: Issuer, clock: TestClock
) -> None:
    async with Authenticator(choose(name, issuer), clock=clock.clock) as authenticator:
        for case in hostile_cases(issuer):
            with pytest.raises(InvalidToken):
                await authenticator.authenticate(case.token)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exp": ABSENT}, "missing_claim"),
        ({"iat": ABSENT}, "missing_claim"),
        ({"sub": ABSENT}, "missing_claim"),
        ({"aud": ABSENT}, "missing_claim"),
        ({"iss": ABSENT}, "missing_claim"),
        ({"exp": 1}, "expired"),
        ({"exp": None}, "bad_claim"),
        ({"iat": 9_999_999_999}, "not_yet_valid"),
        ({"nbf": 9_999_999_999}, "not_yet_valid"),
        ({"nbf": "now"}, "bad_claim"),
        ({"aud": "another"}, "wrong_audience"),
        ({"aud": []}, None),
        ({"aud": {}}, "bad_claim"),
        ({"iss": "https://attacker.example/"}, "wrong_issuer"),
        ({"sub": ""}, "bad_claim"),
        ({"sub": "a\nb"}, "bad_claim"),
    ],
    ids=str,
)
async def test_the_common_rules_hold_for_each(
    name: ProviderName, issuer: Issuer, clock: TestClock, changes: dict[str, Any], reason: str | None
) -> None:
    with pytest.raises(InvalidToken) as caught:
        await principal_of(name, issuer, clock, **changes)
    assert reason in {None, caught.value.reason}


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": ABSENT},
        {"azp": "spa"},
        {"aud": ["spa"]},
        {"aud": ["api", "spa"], "azp": "spa"},
        {"auth_time": 1},
        {"token_use": "access"},
    ],
    ids=str,
)
async def test_auth0_accepts(issuer: Issuer, clock: TestClock, changes: dict[str, Any]) -> None:
    assert (await principal_of("auth0", issuer, clock, **changes)).sub.startswith("auth0|")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"azp": "another"}, "wrong_audience"),
        ({"azp": None}, "bad_claim"),
        ({"azp": ["spa"]}, "bad_claim"),
        ({"aud": ["spa", "api"]}, "missing_claim"),
        ({"aud": ["spa", "api"], "azp": "api"}, "wrong_audience"),
        ({"aud": ["api"], "azp": "spa"}, "wrong_audience"),
        ({"aud": ["spa", 7], "azp": "spa"}, "bad_claim"),
        ({"aud": [["spa"]]}, "bad_claim"),
        ({"nonce": 7}, "bad_claim"),
        ({"nonce": None}, "bad_claim"),
        ({"nonce": ["n"], "azp": "spa"}, "bad_claim"),
        ({"iss": TENANT.rstrip("/")}, "wrong_issuer"),
    ],
    ids=str,
)
async def test_auth0_refuses(issuer: Issuer, clock: TestClock, changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidToken) as caught:
        await principal_of("auth0", issuer, clock, **changes)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"auth_time": ABSENT}, "missing_claim"),
        ({"auth_time": None}, "bad_claim"),
        ({"auth_time": "1"}, "bad_claim"),
        ({"auth_time": 9_999_999_999}, "not_yet_valid"),
        ({"sub": "s" * 129}, "bad_claim"),
        ({"aud": [PROJECT]}, "bad_claim"),
        ({"iss": "https://securetoken.google.com/another"}, "wrong_issuer"),
    ],
    ids=str,
)
async def test_firebase_refuses(
    issuer: Issuer, clock: TestClock, changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InvalidToken) as caught:
        await principal_of("firebase", issuer, clock, **changes)
    assert caught.value.reason == reason


async def test_the_librarys_claim_gives_the_model_that_was_asked_for(
    issuer: Issuer, clock: TestClock
) -> None:
    class Alice(BaseModel):
        name: str = Field(alias="cognito:username")

    async with Authenticator(choose("cognito", issuer), clock=clock.clock) as authenticator:
        clone = authenticator.verifying.claim(Alice)
        good = HTTPAuthorizationCredentials(scheme="Bearer", credentials=issuer.token())
        assert await clone(good) == Alice.model_validate({"cognito:username": "alice"})
        for bad in ({"aud": ABSENT}, {"cognito:username": ABSENT}):
            token = HTTPAuthorizationCredentials(scheme="Bearer", credentials=issuer.token(None, **bad))
            with pytest.raises(InvalidToken):
                await clone(token)


@pytest.mark.parametrize(
    "gap", [{"issuer": ""}, {"jwks_url": ""}, {"audiences": ()}, {"audiences": ("", "x")}], ids=str
)
def test_a_provider_with_a_gap_is_refused(gap: dict[str, Any]) -> None:
    whole: dict[str, Any] = {
        "issuer": "https://i", "jwks_url": "https://k", "audiences": frozenset({"a"}),
        "role_claims": (RoleClaim("custom:role"),), "dialect": DIALECTS["cognito"],
    }  # fmt: skip
    Provider(**whole)
    with pytest.raises(ValueError, match="a provider needs"):
        Provider(**(whole | gap))
