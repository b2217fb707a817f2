"""What each issuer's rules say of a claims set by itself, row by row: whatever reads them before, they hold alone."""

from typing import Any, Final

import pytest

from rbac.guard.identity.claims import LAST_DATE, LEEWAY, ClaimRules
from rbac.guard.identity.clock import Clock
from rbac.guard.identity.errors import InvalidToken
from rbac.guard.identity.principal import MAX_NAME_LENGTH
from rbac.guard.issuers.access import AccessRules, CognitoAccessRules, JwtAccessRules, program_of, scopes_of
from rbac.guard.issuers.auth0 import Auth0Rules
from rbac.guard.issuers.cognito import CognitoRules
from rbac.guard.issuers.firebase import FirebaseRules
from rbac.guard.issuers.openid import ProviderRules
from tests.support.spelling import ABSENT, without_absent

NOW: Final = 1_800_000_000.0
CLOCK: Final = Clock(now=lambda: NOW)
ISSUER: Final = "https://id.example.com"
COMMON: Final[dict[str, Any]] = {"iss": ISSUER, "sub": "7f3c", "exp": NOW + 300, "iat": NOW}
ID: Final = {**COMMON, "aud": "shop"}
LONGEST_CLIENT: Final = "c" * (MAX_NAME_LENGTH - len("client:"))
AUDIENCES: Final = frozenset({"shop", "desk", LONGEST_CLIENT})

Row = tuple[dict[str, Any], str]
"""What is changed in the claims, and the reason of the refusal; "" for none."""

EVERYWHERE: Final[list[Row]] = [
    ({}, ""),
    ({"iss": f"{ISSUER}/"}, "wrong_issuer"),
    ({"iss": [ISSUER]}, "wrong_issuer"),
    ({"sub": ""}, "bad_claim"),
    ({"sub": 7}, "bad_claim"),
    ({"sub": "client:shop"}, "bad_claim"),
    ({"sub": "scope:orders/read"}, "bad_claim"),
    ({"exp": NOW}, "expired"),
    ({"exp": NOW + 0.5}, ""),
    ({"exp": LAST_DATE}, ""),
    ({"exp": LAST_DATE + 1}, "bad_claim"),
    ({"exp": str(NOW + 300)}, "bad_claim"),
    ({"iat": NOW + LEEWAY}, ""),
    ({"iat": NOW + LEEWAY + 1}, "not_yet_valid"),
    ({"iat": True}, "bad_claim"),
    ({"iat": 0}, ""),
    ({"iat": -1}, "bad_claim"),
    ({"nbf": NOW + LEEWAY}, ""),
    ({"nbf": NOW + LEEWAY + 1}, "not_yet_valid"),
    ({"nbf": None}, "bad_claim"),
    ({"auth_time": "yesterday"}, "bad_claim"),
    *(({name: ABSENT}, "missing_claim") for name in ("iss", "sub", "exp", "iat")),
]
LONE_AUDIENCE: Final[list[Row]] = [
    ({"aud": "desk"}, ""),
    ({"aud": "other"}, "wrong_audience"),
    ({"aud": ["shop"]}, "bad_claim"),
    ({"aud": ABSENT}, "missing_claim"),
]
SEVERAL_AUDIENCES: Final[list[Row]] = [
    ({"aud": ["shop"]}, ""),
    ({"aud": "other"}, "wrong_audience"),
    ({"aud": []}, "wrong_audience"),
    ({"aud": {"shop": 1}}, "bad_claim"),
    ({"aud": ["shop", 1]}, "bad_claim"),
    ({"aud": ABSENT}, "missing_claim"),
    ({"aud": ["shop", "other"]}, "missing_claim"),
    ({"aud": ["shop", "other"], "azp": "shop"}, ""),
    ({"aud": ["shop", "other"], "azp": "other"}, "wrong_audience"),
    ({"azp": "other"}, "wrong_audience"),
    ({"azp": ["shop"]}, "bad_claim"),
    ({"nonce": "n"}, ""),
    ({"nonce": 1}, "bad_claim"),
]
# Of an access token that is a person's, for Cognito and for the others.
COGNITO_ACCESS: Final = {**COMMON, "token_use": "access", "client_id": "shop", "username": "alice"}
JWT_ACCESS: Final = {**COMMON, "aud": "https://api", "client_id": "shop", "jti": "1"}
CLIENTS: Final[list[Row]] = [
    ({"client_id": ABSENT}, "missing_claim"),
    ({"client_id": ABSENT, "azp": "shop"}, ""),
    ({"azp": "shop"}, ""),
    ({"azp": "desk"}, "bad_claim"),
    ({"client_id": 7}, "bad_claim"),
    ({"client_id": ""}, "bad_claim"),
    ({"client_id": LONGEST_CLIENT}, ""),
    ({"client_id": LONGEST_CLIENT + "c"}, "bad_claim"),
    ({"scope": "openid orders/read"}, ""),
    ({"scope": "openid  orders/read"}, "bad_claim"),
    ({"scope": ["openid"]}, "bad_claim"),
    ({"scope": "s" * 250}, ""),
    ({"scope": "s" * 251}, "bad_claim"),
]

TABLE: Final[list[tuple[ClaimRules, dict[str, Any], list[Row]]]] = [
    (ClaimRules(ISSUER, AUDIENCES, CLOCK), ID, [*EVERYWHERE, *LONE_AUDIENCE]),
    (
        CognitoRules(ISSUER, AUDIENCES, CLOCK),
        {**ID, "token_use": "id"},
        [*EVERYWHERE, *LONE_AUDIENCE, ({"token_use": "access"}, "wrong_use"), ({"token_use": ABSENT}, "missing_claim")],
    ),
    (
        FirebaseRules(ISSUER, AUDIENCES, CLOCK),
        {**ID, "auth_time": NOW},
        [
            *EVERYWHERE,
            *LONE_AUDIENCE,
            ({"auth_time": ABSENT}, "missing_claim"),
            ({"auth_time": NOW + LEEWAY}, ""),
            ({"auth_time": NOW + LEEWAY + 1}, "not_yet_valid"),
            ({"sub": "s" * 128}, ""),
            ({"sub": "s" * 129}, "bad_claim"),
        ],
    ),
    (Auth0Rules(ISSUER, AUDIENCES, CLOCK), ID, [*EVERYWHERE, *SEVERAL_AUDIENCES]),
    (
        ProviderRules(ISSUER, AUDIENCES, CLOCK),
        ID,
        [
            *EVERYWHERE,
            *SEVERAL_AUDIENCES,
            ({"typ": "ID"}, ""),
            ({"typ": "Bearer"}, "wrong_use"),
            ({"scope": "openid"}, "wrong_use"),
            ({"events": {}}, "wrong_use"),
        ],
    ),
    (
        CognitoAccessRules(ISSUER, AUDIENCES, CLOCK),
        COGNITO_ACCESS,
        [
            *EVERYWHERE,
            *CLIENTS,
            ({"token_use": "id"}, "wrong_use"),
            ({"token_use": ABSENT}, "missing_claim"),
            ({"client_id": "other"}, "wrong_audience"),
            ({"aud": "https://api"}, "wrong_audience"),
            ({"aud": ""}, "wrong_audience"),
            ({"aud": ["https://api"]}, "bad_claim"),
            ({"sub": "shop"}, "bad_claim"),
            ({"sub": "shop", "username": ABSENT}, ""),
            ({"username": ABSENT}, "bad_claim"),
            ({"username": ""}, "bad_claim"),
        ],
    ),
    (
        CognitoAccessRules(ISSUER, AUDIENCES, CLOCK, "https://api"),
        {**COGNITO_ACCESS, "aud": "https://api"},
        [
            ({}, ""),
            ({"aud": ABSENT}, "missing_claim"),
            ({"aud": "https://other"}, "wrong_audience"),
            ({"aud": ["https://api"]}, "bad_claim"),
        ],
    ),
    (
        JwtAccessRules(ISSUER, AUDIENCES, CLOCK, "https://api"),
        JWT_ACCESS,
        [
            *EVERYWHERE,
            *CLIENTS,
            ({"typ": "Bearer"}, ""),
            ({"typ": "ID"}, "wrong_use"),
            ({"events": {}}, "wrong_use"),
            ({"aud": ["https://api", "other"]}, ""),
            ({"aud": "shop"}, "wrong_audience"),
            ({"aud": ["https://api", 1]}, "bad_claim"),
            ({"aud": {"https://api": 1}}, "bad_claim"),
            ({"aud": ABSENT}, "missing_claim"),
            ({"jti": ABSENT}, "missing_claim"),
            ({"jti": ""}, "bad_claim"),
            ({"sub": "shop"}, ""),
            ({"sub": "shop@clients"}, ""),
            ({"sub": "shop", "auth_time": 1}, "bad_claim"),
            ({"sub": "shop@clients", "name": "Alice"}, "bad_claim"),
            ({"auth_time": 1, "name": "Alice"}, ""),
        ],
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rules", "claims", "changes", "reason"),
    [(rules, claims, *row) for rules, claims, rows in TABLE for row in rows],
    ids=[f"{type(rules).__name__}-{number}" for rules, _, rows in TABLE for number in range(len(rows))],
)
def test_claims_hold_or_are_refused_for_their_reason(
    rules: ClaimRules, claims: dict[str, Any], changes: dict[str, Any], reason: str
) -> None:
    try:
        rules.check(without_absent({**claims, **changes}))
        refused = ""
    except InvalidToken as error:
        refused = error.reason
    assert refused == reason


@pytest.mark.parametrize("rules", [rules for rules, _, _ in TABLE if isinstance(rules, AccessRules)])
def test_a_client_is_a_machine_where_the_subject_is_its_own(rules: AccessRules) -> None:
    person = {
        "client_id": "shop",
        "sub": "7f3c",
        **({"username": "a"} if type(rules) is CognitoAccessRules else {}),
    }
    assert rules.is_machine(person) is False
    assert rules.is_machine({"client_id": "shop", "sub": "shop"}) is True


def test_each_scope_is_one_however_often_it_is_written() -> None:
    assert scopes_of({"scope": "b a b"}) == ("b", "a")
    assert scopes_of({"scope": ""}) == ()
    assert scopes_of({}) == ()


def test_a_program_is_called_as_its_client_and_has_a_word_for_each_scope() -> None:
    program = program_of({"client_id": "shop", "scope": "b a"})
    assert (program.sub, program.roles) == ("client:shop", ("client:shop", "scope:b", "scope:a"))
    assert program.claims == {"client_id": "shop", "scope": "b a"}
