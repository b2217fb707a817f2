"""No hostile token gets in: each is refused for exactly its reason, and leaves nothing behind."""

import logging
from collections import Counter

import pytest
from fastapi.security import HTTPAuthorizationCredentials

from rbac.guard.identity.errors import SENTENCES, AuthError, InvalidToken, KeysUnavailable
from rbac.guard.issuers.authenticator import Authenticator
from tests.support.authenticating import refusal
from tests.support.hostile import HostileToken, hostile_cases, hostile_tokens, sendable
from tests.support.hostile_claims import token_of_length
from tests.support.issuer import ABSENT, Issuer


async def test_every_hostile_token_is_refused_for_its_reason(
    authenticator: Authenticator, issuer: Issuer
) -> None:
    cases = hostile_cases(issuer)
    wrong = [
        (c.name, c.reason, got) for c in cases if (got := await refusal(authenticator, c.token)) != c.reason
    ]
    assert wrong == []
    assert authenticator.cached_tokens == 0


async def test_every_hostile_token_is_refused_twice(authenticator: Authenticator, issuer: Issuer) -> None:
    for case in hostile_cases(issuer):
        assert await refusal(authenticator, case.token)
        assert authenticator.known(case.token) is None, case.name
        assert await refusal(authenticator, case.token)


def test_the_table_is_large_unambiguous_and_covers_every_reason(issuer: Issuer) -> None:
    cases = hostile_cases(issuer)
    assert len(cases) >= 300
    assert [name for name, times in Counter(case.name for case in cases).items() if times > 1] == []
    # These are no matter of the token alone: the header around it, the policy that it is asked of, and who was sent away.
    assert {case.reason for case in cases} == SENTENCES.keys() - {
        "malformed_credentials",
        "subject_is_role",
        "revoked",
    }
    assert hostile_tokens(issuer)[0] == (cases[0].name, cases[0].token)
    assert sum(sendable(case.token) for case in cases) >= 280


async def test_the_librarys_own_way_in_is_as_strict(authenticator: Authenticator, issuer: Issuer) -> None:
    """Whoever uses the hardened class as a FastAPI dependency goes past the authenticator, not past the checks."""

    async def by_dependency(case: HostileToken) -> str:
        try:
            await authenticator.verifying(
                HTTPAuthorizationCredentials(scheme="Bearer", credentials=case.token)
            )
        except InvalidToken as error:
            return error.reason
        return ""

    wrong = [case.name for case in hostile_cases(issuer) if await by_dependency(case) != case.reason]
    assert wrong == []


ACCEPTED = {
    "as Cognito writes it": {},
    "for our other client": {"aud": Issuer.other_client_id},
    "a fraction in every date": {"exp": 9_999_999_999.5, "iat": 1.5, "nbf": 0.25, "auth_time": 1e9},
    "no nbf, no auth_time": {"nbf": ABSENT, "auth_time": ABSENT},
    "issued at the beginning": {"iat": 0, "nbf": 0, "auth_time": 0},
    "expiring at the end of the calendar": {"exp": 253_402_300_799},
    "Japanese names": {"cognito:username": "田中 太郎", "custom:role": "管理者"},
    "a whole surrogate pair": {"nickname": "\U0001f980"},
    "an escaped control character in a claim that is no name": {"address": "1-2-3\nTokyo"},
    "groups and objects": {"cognito:groups": ["a", "b"], "identities": [{"userId": "1", "dateCreated": "2"}]},
    "brackets in a string": {"note": "[{" * 100},
    "sixteen levels": {"x": [[[[[[[[[[[[[[1]]]]]]]]]]]]]]},
    "an integer of 18 digits": {"x": 10**18 - 1},
    "minus an integer of 18 digits": {"x": 1 - 10**18},
    "a sub of 256 characters": {"sub": "s" * 256},
    "no role": {"custom:role": ABSENT},
}


@pytest.mark.parametrize("changes", ACCEPTED.values(), ids=ACCEPTED)
async def test_accepts(authenticator: Authenticator, issuer: Issuer, changes: dict[str, object]) -> None:
    token = issuer.token(**changes)
    principal = await authenticator.authenticate(token)
    assert principal.claims == issuer.claims(**changes)
    assert authenticator.known(token) == principal
    assert authenticator.known(token) is authenticator.known(token)


@pytest.mark.parametrize("header", [{"typ": "JWT"}, {"typ": "jwt"}, {"x5t": "abc"}, {"cty": "x"}], ids=str)
async def test_accepts_harmless_headers(
    authenticator: Authenticator, issuer: Issuer, header: dict[str, object]
) -> None:
    assert (await authenticator.authenticate(issuer.token(header))).sub == issuer.claims()["sub"]


async def test_accepts_a_token_of_exactly_8_kib(authenticator: Authenticator, issuer: Issuer) -> None:
    principal = await authenticator.authenticate(token_of_length(issuer, 8192))
    assert principal.sub == issuer.claims()["sub"]


async def test_leeway_is_60_seconds_for_the_beginning_and_none_for_the_end(
    authenticator: Authenticator, issuer: Issuer
) -> None:
    now = int(issuer.now())
    for claim in ("iat", "nbf"):
        assert await refusal(authenticator, issuer.token(**{claim: now + 60})) == ""
        assert await refusal(authenticator, issuer.token(**{claim: now + 61})) == "not_yet_valid"
    assert await refusal(authenticator, issuer.token(exp=now + 1)) == ""
    assert await refusal(authenticator, issuer.token(exp=now)) == "expired"


# Another test may have configured logging, which turns some of them down.
_LOGGERS = (None, "rbac.guard", "httpx2", "httpcore2", "fastapi_cloudauth", "jose")


async def test_no_log_line_and_no_message_holds_a_token_or_a_claim(
    authenticator: Authenticator, issuer: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    for name in _LOGGERS:
        caplog.set_level(logging.DEBUG, name)
    messages: list[str] = []
    tokens = [case.token for case in hostile_cases(issuer)] + [issuer.token(**{"custom:role": "ad\nmin"})]
    for token in tokens:
        try:
            await authenticator.authenticate(token)
        except AuthError as error:
            messages += [str(error), repr(error)]
    printed = "\n".join([record.getMessage() for record in caplog.records] + messages)
    assert "GET" in printed  # the HTTP client did log its fetch: the capture works
    for part in {part for token in tokens for part in token.split(".") if len(part) > 20}:
        assert part not in printed
    assert "alice" not in printed


def test_every_sentence_fits_an_error_description() -> None:
    for sentence in [*SENTENCES.values(), str(KeysUnavailable(1))]:
        assert sentence.isascii()
        assert sentence.isprintable()
        assert not set('"\\') & set(sentence)
