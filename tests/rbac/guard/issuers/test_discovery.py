"""Discovery documents: what an issuer says of itself is taken, and what lies is not."""

import asyncio
import json
import logging
from typing import Any

import pytest

from rbac.guard.identity.addresses import MAX_ADDRESS_LENGTH, discovery_url
from rbac.guard.identity.fetching import MAX_ANSWER_BYTES
from rbac.guard.issuers.authenticator import Authenticator
from rbac.guard.issuers.discovery import FRESH_FOR, Discovery, DiscoveryError, read_discovery
from tests.support.authenticating import refusal, settled
from tests.support.clock import TestClock
from tests.support.issuer import ABSENT, Answer, Issuer
from tests.support.issuer_forms import KEYCLOAK, OPENID_FORMS
from tests.support.openid import provider_for
from tests.support.waiting import LIMIT_S

ISSUER = "https://id.example.com/realms/shop"
GOOD = {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"}

# What the four publish, as far as it is read; `{tenant}` and the like are theirs to fill in.
PUBLISHED: dict[str, tuple[str, str]] = {
    "Keycloak": (
        "https://sso.example.com/realms/shop",
        "https://sso.example.com/realms/shop/protocol/openid-connect/certs",
    ),
    "Entra ID": (
        "https://login.microsoftonline.com/aaaabbbb-0000-cccc-1111-dddd2222eeee/v2.0",
        "https://login.microsoftonline.com/aaaabbbb-0000-cccc-1111-dddd2222eeee/discovery/v2.0/keys",
    ),
    "Okta": (
        "https://dev-1234567.okta.com/oauth2/default",
        "https://dev-1234567.okta.com/oauth2/default/v1/keys",
    ),
    "Google": ("https://accounts.google.com", "https://www.googleapis.com/oauth2/v3/certs"),
}


@pytest.mark.parametrize(("issuer", "keys"), PUBLISHED.values(), ids=PUBLISHED)
def test_published_documents_are_taken(issuer: str, keys: str) -> None:
    document = {"issuer": issuer, "jwks_uri": keys, "id_token_signing_alg_values_supported": ["RS256"]}
    assert read_discovery(json.dumps(document).encode(), issuer) == keys
    assert discovery_url(issuer) == f"{issuer}/.well-known/openid-configuration"


def test_an_issuer_that_ends_in_a_slash_is_asked_below_it() -> None:
    assert (
        discovery_url("https://t.eu.auth0.com/") == "https://t.eu.auth0.com/.well-known/openid-configuration"
    )


LIES: dict[str, Any] = {
    "another issuer": GOOD | {"issuer": "https://attacker.example"},
    "an issuer with a slash more": GOOD | {"issuer": ISSUER + "/"},
    "an issuer in capitals": GOOD | {"issuer": ISSUER.upper()},
    "an issuer of http": GOOD | {"issuer": ISSUER.replace("https", "http")},
    "a template of an issuer": GOOD | {"issuer": "https://id.example.com/realms/{realm}"},
    "several issuers": GOOD | {"issuer": [ISSUER]},
    "issuer null": GOOD | {"issuer": None},
    "no issuer": {"jwks_uri": GOOD["jwks_uri"]},
    "no keys": {"issuer": ISSUER},
    "keys null": GOOD | {"jwks_uri": None},
    "keys of a list": GOOD | {"jwks_uri": [GOOD["jwks_uri"]]},
    "keys without a scheme": GOOD | {"jwks_uri": "id.example.com/keys"},
    "keys by a path alone": GOOD | {"jwks_uri": "/keys"},
    "keys by http": GOOD | {"jwks_uri": "http://id.example.com/keys"},
    "keys by ftp": GOOD | {"jwks_uri": "ftp://id.example.com/keys"},
    "keys in a file": GOOD | {"jwks_uri": "file:///etc/passwd"},
    "keys in the address": GOOD | {"jwks_uri": 'data:application/json,{"keys":[]}'},
    "keys by javascript": GOOD | {"jwks_uri": "javascript:alert(1)"},
    "keys on our loopback": GOOD | {"jwks_uri": "http://127.0.0.1:8000/keys"},
    "keys on our loopback by https": GOOD | {"jwks_uri": "https://127.0.0.1/keys"},
    "keys on our loopback by name": GOOD | {"jwks_uri": "https://localhost/keys"},
    "keys on our loopback by IPv6": GOOD | {"jwks_uri": "https://[::1]/keys"},
    "keys of a host called like us": GOOD | {"jwks_uri": "http://127.0.0.1.example.com/keys"},
    "keys with a password": GOOD | {"jwks_uri": "https://user:password@id.example.com/keys"},
    "keys with an empty user": GOOD | {"jwks_uri": "https://@id.example.com/keys"},
    "keys with a fragment": GOOD | {"jwks_uri": f"{ISSUER}/keys#x"},
    "keys with a newline": GOOD | {"jwks_uri": f"{ISSUER}/keys\r\nX: y"},
    "keys with a space": GOOD | {"jwks_uri": f"{ISSUER}/ke ys"},
    "keys with a backslash": GOOD | {"jwks_uri": "https://id.example.com\\@attacker.example/keys"},
    "keys at port 0": GOOD | {"jwks_uri": "https://id.example.com:0/keys"},
    "keys at port 70000": GOOD | {"jwks_uri": "https://id.example.com:70000/keys"},
    "keys at no host": GOOD | {"jwks_uri": "https:///keys"},
    "keys at half an address": GOOD | {"jwks_uri": "https://[::1/keys"},
    "keys beyond ASCII": GOOD | {"jwks_uri": "https://id.example.com/kéys"},
    "keys at a long address": GOOD | {"jwks_uri": f"{ISSUER}/{'x' * 2048}"},
    "a list": [GOOD],
    "a string": "GOOD",
    "null": None,
    "a key set": {"keys": []},
    "an empty object": {},
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_a_document_that_lies_is_refused(lie: Any) -> None:
    with pytest.raises(DiscoveryError):
        read_discovery(json.dumps(lie).encode(), ISSUER)
    assert read_discovery(json.dumps(GOOD).encode(), ISSUER) == GOOD["jwks_uri"]


@pytest.mark.parametrize(
    "answer",
    [
        b"", b"<html></html>", b"{", b"\xff\xfe", b"[" * 100_000,
        b'{"issuer": "%b", "issuer": "%b", "jwks_uri": "https://a.example"}' % (b"x", ISSUER.encode()),
        json.dumps(GOOD)[:-1].encode() + b', "jwks_uri": "https://attacker.example/keys"}',
        json.dumps(GOOD)[:-1].encode() + b', "\\u006awks_uri": "https://attacker.example/keys"}',
    ],
    ids=range(8),
)  # fmt: skip
def test_an_answer_that_is_no_document_or_can_be_read_in_two_ways_is_refused(answer: bytes) -> None:
    with pytest.raises(DiscoveryError):
        read_discovery(answer, ISSUER)


def answers_that_lie(issuer: Issuer) -> dict[str, Answer]:
    """The same over HTTP, where more can be wrong with it."""
    return {
        "another issuer": Answer(body=issuer.metadata(issuer="https://attacker.example")),
        "keys by http elsewhere": Answer(body=issuer.metadata(jwks_uri="http://198.51.100.7/keys")),
        "no keys": Answer(body=issuer.metadata(jwks_uri=ABSENT)),
        "an error": Answer(status=500),
        "not there": Answer(status=404),
        "moved": Answer(status=302, headers={"Location": issuer.jwks_url}),
        "no content": Answer(status=204, body=b""),
        "too large": Answer(body=issuer.metadata(x="x" * MAX_ANSWER_BYTES)),
        "compressed": Answer(headers={"Content-Encoding": "gzip"}),
        "hung up": Answer(hang_up=True),
        "slow": Answer(drip=0.05),
    }


CASES = list(answers_that_lie(Issuer(form=KEYCLOAK)))


@pytest.mark.parametrize("name", CASES)
async def test_without_a_good_document_nobody_gets_in_and_with_the_next_everybody_does(
    name: str, clock: TestClock
) -> None:
    with Issuer(clock.now, KEYCLOAK) as issuer:
        issuer.metadata_answer = answers_that_lie(issuer)[name]
        authenticator = Authenticator(provider_for(issuer), clock=clock.clock)
        authenticator.keys._time_limit = 0.5 if name == "slow" else LIMIT_S
        async with authenticator:
            assert await refusal(authenticator, issuer.token()) == "keys_unavailable"
            assert issuer.fetches == 0
            await settled(authenticator, clock, 1)
            issuer.metadata_answer = Answer()
            authenticator.keys._time_limit = LIMIT_S
            await clock.passes(1)
            await settled(authenticator, clock, 2)
            assert await refusal(authenticator, issuer.token()) == ""


@pytest.mark.parametrize("name", CASES)
async def test_the_last_good_document_stays(
    name: str, clock: TestClock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rbac.guard.issuers.discovery._TIME_LIMIT", 0.2 if name == "slow" else LIMIT_S)
    with caplog.at_level(logging.WARNING, "rbac.guard"), Issuer(clock.now, KEYCLOAK) as issuer:
        authenticator = Authenticator(provider_for(issuer), clock=clock.clock)
        authenticator.keys._time_limit = LIMIT_S
        async with authenticator:
            assert await refusal(authenticator, issuer.token()) == ""
            await settled(authenticator, clock, 1)
            issuer.metadata_answer = answers_that_lie(issuer)[name]
            await clock.passes(FRESH_FOR)
            await settled(authenticator, clock, 2)
            issuer.rotate()
            assert await refusal(authenticator, issuer.token()) == ""
            assert authenticator.failures == 0
            assert issuer.discoveries >= 2
    assert any("last good address stays" in record.getMessage() for record in caplog.records)


async def test_the_document_is_read_once_an_hour_and_again_when_keys_are_not_where_it_said(
    clock: TestClock,
) -> None:
    with Issuer(clock.now, KEYCLOAK) as issuer:
        authenticator = Authenticator(provider_for(issuer), clock=clock.clock)
        authenticator.keys._time_limit = LIMIT_S
        async with authenticator:
            await settled(authenticator, clock, 1)
            for fetches in range(2, 13):
                await clock.passes(300)
                await settled(authenticator, clock, fetches)
            assert (issuer.fetches, issuer.discoveries) == (12, 1)
            await clock.passes(300)
            await settled(authenticator, clock, 13)
            assert issuer.discoveries == 2
            issuer.answer = Answer(status=404)
            await clock.passes(300)
            await settled(authenticator, clock, 14)
            await clock.passes(1)
            await settled(authenticator, clock, 15)
            assert issuer.discoveries == 3


@pytest.mark.parametrize("form", OPENID_FORMS, ids=[form.name for form in OPENID_FORMS])
async def test_keys_come_from_where_each_kind_publishes_them(form: Any, clock: TestClock) -> None:
    with Issuer(clock.now, form) as issuer:
        async with Authenticator(provider_for(issuer), clock=clock.clock) as authenticator:
            assert await refusal(authenticator, issuer.token()) == ""
        assert (issuer.fetches, issuer.discoveries) == (1, 1)


# --- when it is asked, without a network


class Asked:
    """What fetches for a :class:`Discovery`, and the time that it goes by: answers in order, an exception is raised."""

    def __init__(self, *answers: dict[str, Any] | Exception) -> None:
        self.answers = list(answers)
        self.urls: list[str] = []
        self.now = 500.0
        self.discovery = Discovery(ISSUER, lambda: self.now)

    async def fetch(self, url: str) -> bytes:
        self.urls.append(url)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return json.dumps(answer).encode()

    async def __call__(self, *, failed: bool = False) -> str:
        return await self.discovery(self.fetch, failed)


MOVED = GOOD | {"jwks_uri": f"{ISSUER}/moved"}


@pytest.mark.parametrize(
    ("later", "failed", "fetches"),
    [
        (0.0, False, 1),
        (FRESH_FOR - 1, False, 1),
        (FRESH_FOR, False, 2),
        (FRESH_FOR + 1, False, 2),
        (0.0, True, 2),
    ],
)
async def test_an_answer_is_fresh_for_an_hour_while_keys_are_where_it_says(
    later: float, failed: bool, fetches: int, caplog: pytest.LogCaptureFixture
) -> None:
    asked = Asked(GOOD, MOVED)
    assert await asked() == GOOD["jwks_uri"]
    assert not caplog.messages
    asked.now += later
    assert await asked(failed=failed) == (GOOD if fetches == 1 else MOVED)["jwks_uri"]
    assert asked.urls == [discovery_url(ISSUER)] * fetches
    assert caplog.messages == ["the issuer's keys have another address now: " + MOVED["jwks_uri"]] * (
        fetches - 1
    )
    if fetches > 1:  # fresh from when it was asked last
        asked.now += FRESH_FOR - 1
        await asked()
        assert len(asked.urls) == fetches


async def test_the_same_answer_again_is_not_told_of(caplog: pytest.LogCaptureFixture) -> None:
    asked = Asked(GOOD, GOOD)
    assert [await asked(), await asked(failed=True)] == [GOOD["jwks_uri"]] * 2
    assert not caplog.messages


async def test_before_any_good_answer_each_question_is_asked_and_each_failure_told() -> None:
    asked = Asked(OSError("no route"), GOOD | {"issuer": "https://attacker.example"}, GOOD)
    asked.now = -1.0  # whatever a clock begins at
    with pytest.raises(OSError, match="no route"):
        await asked()
    with pytest.raises(DiscoveryError):
        await asked()
    assert await asked() == GOOD["jwks_uri"]
    assert len(asked.urls) == 3


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError("no route"), "OSError: no route"),
        (TimeoutError("x" * 250), f"TimeoutError: {'x' * 200}"),
    ],
)
async def test_the_last_good_answer_stays_and_what_came_instead_is_told(
    error: Exception, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    asked = Asked(GOOD, error, MOVED)
    await asked()
    assert await asked(failed=True) == GOOD["jwks_uri"]
    assert caplog.messages == [
        f"the issuer's discovery document could not be taken ({said}); the keys' last good address stays"
    ]
    assert await asked(failed=True) == MOVED["jwks_uri"]


async def test_a_mistake_of_our_own_is_not_the_issuers() -> None:
    asked = Asked(GOOD, ZeroDivisionError())
    await asked()
    with pytest.raises(ZeroDivisionError):
        await asked(failed=True)


async def test_an_issuer_that_is_slow_to_describe_itself_leaves_time_for_the_keys(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = Asked(GOOD)
    await asked()

    async def never(url: str) -> bytes:
        await asyncio.get_running_loop().create_future()
        raise AssertionError(url)

    monkeypatch.setattr("rbac.guard.issuers.discovery._TIME_LIMIT", 0)
    assert await asked.discovery(never, True) == GOOD["jwks_uri"]


@pytest.mark.parametrize(("length", "taken"), [(MAX_ADDRESS_LENGTH, True), (MAX_ADDRESS_LENGTH + 1, False)])
def test_an_address_is_as_long_as_one_may_be(length: int, taken: bool) -> None:
    url = f"{ISSUER}/".ljust(length, "k")
    answer = json.dumps(GOOD | {"jwks_uri": url}).encode()
    if taken:
        assert read_discovery(answer, ISSUER) == url
    else:
        with pytest.raises(DiscoveryError, match="names no address of keys"):
            read_discovery(answer, ISSUER)


def test_each_lie_is_told_for_what_it_is() -> None:
    for document, said in (
        (b"{", "not JSON that can be read in one way"),
        (b'{"a": 1, "a": 1}', "not JSON that can be read in one way"),
        (b"[]", "not a JSON object"),
        (b"{}", "another issuer's"),
        (json.dumps({"issuer": ISSUER}).encode(), "names no address of keys"),
        (json.dumps(GOOD | {"jwks_uri": "ftp://x"}).encode(), "an address that cannot be trusted"),
        (json.dumps(GOOD | {"jwks_uri": "https://127.0.0.1/k"}).encode(), "an address of this machine"),
    ):
        with pytest.raises(DiscoveryError, match=said):
            read_discovery(document, ISSUER)
    here = {"issuer": "http://127.0.0.1:8", "jwks_uri": "http://localhost:8/k"}
    assert read_discovery(json.dumps(here).encode(), here["issuer"]) == here["jwks_uri"]
