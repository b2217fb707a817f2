"""Any OpenID provider: what each kind signs is believed, and nothing that only looks like it."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import pytest

from rbac.guard import oidc
from rbac.guard.identity.errors import InvalidToken
from rbac.guard.issuers.access import TokenUse
from rbac.guard.issuers.authenticator import Authenticator
from tests.support.authenticating import refusal
from tests.support.clock import TestClock
from tests.support.hostile import hostile_cases
from tests.support.issuer import ABSENT, Issuer
from tests.support.issuer_forms import (
    COGNITO_MACHINE,
    JWT_MACHINE,
    JWT_PERSON,
    KEYCLOAK,
    OPENID_FORMS,
    PLAIN,
    UNMARKED_ACCESS,
    Form,
)
from tests.support.openid import COMBINATIONS, NAMES, provider_for
from tests.support.signing import SCHEMES
from tests.support.waiting import LIMIT_S

FORMS = [form.name for form in OPENID_FORMS]


@pytest.fixture
def openid(clock: TestClock, request: pytest.FixtureRequest) -> Iterator[Issuer]:
    form, algorithm = getattr(request, "param", (PLAIN, "RS256"))
    with Issuer(clock.now, form, algorithm) as issuer:
        yield issuer


@pytest.fixture
async def trusting(openid: Issuer, clock: TestClock) -> AsyncIterator[Authenticator]:
    authenticator = Authenticator(provider_for(openid), clock=clock.clock)
    authenticator.keys._time_limit = (
        LIMIT_S  # real time, of which a busy machine may take more than three seconds
    )
    async with authenticator:
        yield authenticator


@pytest.mark.parametrize("openid", COMBINATIONS, ids=NAMES, indirect=True)
async def test_every_hostile_token_is_refused_for_its_reason(trusting: Authenticator, openid: Issuer) -> None:
    cases = hostile_cases(openid)
    assert len(cases) >= 300
    wrong = [(c.name, c.reason, got) for c in cases if (got := await refusal(trusting, c.token)) != c.reason]
    assert wrong == []
    assert trusting.cached_tokens == 0
    assert await refusal(trusting, openid.token()) == ""


@pytest.mark.parametrize("openid", COMBINATIONS, ids=NAMES, indirect=True)
async def test_what_each_kind_writes_makes_a_principal(trusting: Authenticator, openid: Issuer) -> None:
    principal = await trusting.authenticate(openid.token())
    if openid.form in {COGNITO_MACHINE, JWT_MACHINE}:
        name = f"client:{openid.client_id}"
        assert (principal.sub, principal.roles) == (name, (name, "scope:orders/read"))
        assert (principal.username, principal.email) == (None, None)
        return
    assert principal.sub == openid.form.claims["sub"]
    assert openid.form.role in principal.roles
    assert principal.email == openid.form.claims.get("email")
    assert principal.username or openid.form is JWT_PERSON
    assert trusting.known(openid.token()) == principal or trusting.cached_tokens == 1


@pytest.mark.parametrize("algorithm", SCHEMES)
async def test_a_key_that_says_nothing_is_for_the_usual_algorithm_of_its_kind(
    algorithm: str, clock: TestClock
) -> None:
    with Issuer(clock.now, PLAIN, algorithm) as issuer:
        issuer.published = [
            {k: v for k, v in key.items() if k not in {"alg", "use"}} for key in issuer.published
        ]
        async with Authenticator(provider_for(issuer), clock=clock.clock) as authenticator:
            expected = "bad_algorithm" if algorithm == "PS256" else ""
            assert await refusal(authenticator, issuer.token()) == expected


async def test_keys_of_every_algorithm_stand_side_by_side_and_none_verifies_for_another(
    clock: TestClock,
) -> None:
    with Issuer(clock.now, PLAIN) as issuer:
        keys = {name: scheme.key(7) for name, scheme in SCHEMES.items()}
        issuer.published = [SCHEMES[name].jwk(name, key) for name, key in keys.items()]
        issuer.keys = dict(keys)
        async with Authenticator(provider_for(issuer), clock=clock.clock) as authenticator:
            for kid in keys:
                issuer.kid = kid
                for name in SCHEMES:
                    issuer.scheme = SCHEMES[kid]
                    got = await refusal(authenticator, issuer.token({"alg": name}))
                    assert got == ("" if name == kid else "bad_algorithm"), (kid, name)


ACCEPTED: dict[str, dict[str, Any]] = {
    "no nonce": {"nonce": ABSENT},
    "its one audience in a list": {"aud": [PLAIN.client_id]},
    "several audiences, and azp": {"aud": ["api", PLAIN.client_id], "azp": PLAIN.client_id},
    "no auth_time": {"auth_time": ABSENT},
    "a claim called as another provider's": {"token_use": "access"},
    "a role alone": {"https://example.com/roles": "admin"},
    "no role": {"https://example.com/roles": ABSENT},
}


@pytest.mark.parametrize("changes", ACCEPTED.values(), ids=ACCEPTED)
async def test_accepts(trusting: Authenticator, openid: Issuer, changes: dict[str, Any]) -> None:
    principal = await trusting.authenticate(openid.token(**changes))
    assert principal.roles == (() if changes.get("https://example.com/roles") is ABSENT else ("admin",))


@pytest.mark.parametrize("typ", ["at+jwt", "application/at+jwt", "AT+JWT", "logout+jwt", "dpop+jwt", "JOSE"])
async def test_a_token_that_says_it_is_of_another_kind_is_no_id_token(
    trusting: Authenticator, openid: Issuer, typ: str
) -> None:
    assert await refusal(trusting, openid.token({"typ": typ})) == "bad_header"


@pytest.mark.parametrize("use", ["id", "access", "both"])
@pytest.mark.parametrize("kind", UNMARKED_ACCESS)
async def test_an_access_token_that_does_not_say_so_passes_for_nothing(
    clock: TestClock, kind: str, use: TokenUse
) -> None:
    """Signed with the right keys, for the very client whose ID tokens are taken, or for our resource."""
    form, claims = UNMARKED_ACCESS[kind]
    resource = "https://api.example.com"
    with Issuer(clock.now, form) as issuer:
        trusted = replace(provider_for(issuer, "id"), token_use=use, resource="" if use == "id" else resource)
        async with Authenticator(trusted, clock=clock.clock) as authenticator:
            authenticator.keys._time_limit = LIMIT_S
            assert await refusal(authenticator, issuer.token()) == ("wrong_use" if use == "access" else "")
            for audience in (issuer.client_id, resource):
                token = issuer.token(**claims, aud=audience)
                assert await refusal(authenticator, token) == "wrong_use", audience
                # Who sent it reads what to send instead, for the issuer has no other that would do.
                with pytest.raises(InvalidToken, match="is of a kind") as told:
                    await authenticator.authenticate(token)
                instead = "an access token whose header says at+jwt" if use == "access" else "the ID token"
                assert str(told.value).endswith(f"; send {instead}")


@pytest.mark.parametrize(
    ("openid", "changes", "roles"),
    [
        ((KEYCLOAK, "RS256"), {"realm_access": ABSENT}, ()),
        ((KEYCLOAK, "RS256"), {"realm_access": ["admin"]}, ()),
        ((KEYCLOAK, "RS256"), {"realm_access": "admin"}, ()),
        ((KEYCLOAK, "RS256"), {"realm_access": {}}, ()),
        ((KEYCLOAK, "RS256"), {"realm_access": {"roles": {"roles": ["admin"]}}}, ()),
        ((KEYCLOAK, "RS256"), {"realm_access": {"roles": ["admin", 7, None, ["x"], "", "a\nb"]}}, ("admin",)),
        ((KEYCLOAK, "RS256"), {"realm_access": {"roles": "admin"}}, ("admin",)),
    ],
    indirect=["openid"],
    ids=str,
)
async def test_a_nested_claim_is_read_as_a_flat_one_is(
    trusting: Authenticator, openid: Issuer, changes: dict[str, Any], roles: tuple[str, ...]
) -> None:
    assert (await trusting.authenticate(openid.token(**changes))).roles == roles


async def test_the_preset_of_the_guard_trusts_the_same_tokens(clock: TestClock) -> None:
    with Issuer(form=KEYCLOAK) as issuer:
        preset = oidc(issuer.issuer, issuer.client_id, role_claims=["realm_access.roles"])
        async with preset:
            assert (await preset(issuer.token())).roles == ("offline_access", "admin")
            with pytest.raises(InvalidToken):
                await preset(issuer.token(aud="another"))


@pytest.mark.parametrize(
    "issuer",
    [
        "", "id.example.com", "http://id.example.com", "ftp://id.example.com", "https://", "https://user@id.example.com",
        "https://id.example.com?x=1", "https://id.example.com#x", "https://id.example.com/a b", "https://id.example.com:0",
        "https://id.example.com\\x", "http://127.0.0.1.example.com", "http://localhost.example.com", "https://[::1",
        "https://id.example.com/\n", "https://id.example.com/" + "x" * 2048, "http://0x7f.1/é",
    ],
)  # fmt: skip
def test_an_issuer_that_cannot_be_trusted_is_none(issuer: str) -> None:
    with pytest.raises(ValueError, match="is not an issuer"):
        oidc(issuer, "shop")


@pytest.mark.parametrize("form", OPENID_FORMS, ids=FORMS)
def test_an_audience_is_needed(form: Form) -> None:
    with pytest.raises(ValueError, match="at least one audience"):
        oidc("https://id.example.com" + form.path)
