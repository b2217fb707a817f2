"""The key set while its issuer is down, slow, or talks nonsense, and when it starts and stops."""

import asyncio
import json
import logging

import httpx2
import pytest

from rbac.guard.identity.errors import KeysUnavailable
from rbac.guard.identity.fetching import MAX_ANSWER_BYTES
from rbac.guard.identity.key_set import KeySet
from rbac.guard.issuers.authenticator import Authenticator
from rbac.guard.issuers.provider import Provider
from tests.support.authenticating import refusal, settled
from tests.support.clock import TestClock
from tests.support.issuer import Answer, Issuer, private_key, public_jwk
from tests.support.waiting import until


async def test_the_issuer_down_at_start_is_503_at_once_and_heals_by_itself(
    issuer: Issuer, provider: Provider, clock: TestClock
) -> None:
    issuer.hang_up()
    async with Authenticator(provider, clock=clock.clock) as authenticator:
        token = issuer.token()
        with pytest.raises(KeysUnavailable) as caught:
            await authenticator.authenticate(token)
        assert caught.value.retry_after == 1
        assert (authenticator.keys_known, authenticator.last_fetch_ok) == (False, False)
        for number in range(100):
            assert await refusal(authenticator, issuer.token(jti=str(number))) == "keys_unavailable"
        assert await refusal(authenticator, "malformed") == "malformed"
        assert authenticator.fetches == 1
        fetches = 1
        for delay in (0.5, 1, 2, 4, 5, 5, 5):
            await settled(authenticator, clock, fetches)
            await clock.passes(delay)
            fetches += 1
        await settled(authenticator, clock, fetches)
        assert authenticator.failures == fetches
        issuer.listen()
        await clock.passes(5)
        await until(lambda: authenticator.keys_known)
        assert await refusal(authenticator, token) == ""


async def test_retry_after_is_the_time_to_the_next_attempt(
    issuer: Issuer, provider: Provider, clock: TestClock
) -> None:
    issuer.answer = Answer(status=500)
    async with Authenticator(provider, clock=clock.clock) as authenticator:
        for fetches, delay in enumerate((0.5, 1, 2, 4), 1):
            await settled(authenticator, clock, fetches)
            await clock.passes(delay)
        await settled(authenticator, clock, 5)
        with pytest.raises(KeysUnavailable) as caught:
            await authenticator.authenticate(issuer.token())
        assert caught.value.retry_after == 5


async def test_the_issuer_down_later_leaves_known_keys_working(
    authenticator: Authenticator, issuer: Issuer, clock: TestClock
) -> None:
    await settled(authenticator, clock, 1)
    issuer.hang_up()
    await clock.passes(300)
    await settled(authenticator, clock, 2)
    assert (authenticator.keys_known, authenticator.last_fetch_ok) == (True, False)
    assert await refusal(authenticator, issuer.token()) == ""
    issuer.listen()
    issuer.rotate()
    await clock.passes(30)
    await until(lambda: authenticator.last_fetch_ok)
    assert await refusal(authenticator, issuer.token()) == ""


async def test_a_key_that_nobody_knows_is_503_while_nobody_can_ask_the_issuer(
    authenticator: Authenticator, issuer: Issuer, clock: TestClock
) -> None:
    """The issuer may have published it: `401` would tell its callers that their tokens are forged."""
    await settled(authenticator, clock, 1)
    with_the_old_key = issuer.token()
    issuer.rotate()
    issuer.hang_up()
    for number in range(20):  # the first asks the issuer, the others come within 10 s
        with pytest.raises(KeysUnavailable) as caught:
            await authenticator.authenticate(issuer.token(jti=str(number)))
        assert caught.value.retry_after >= 1
    assert await refusal(authenticator, with_the_old_key) == ""
    issuer.listen()
    await clock.passes(30)
    assert await refusal(authenticator, issuer.token()) == ""
    assert await refusal(authenticator, issuer.token({"kid": "made-up"})) == "unknown_key"


async def test_keys_that_could_not_be_fetched_for_a_day_are_no_keys(
    authenticator: Authenticator, issuer: Issuer, clock: TestClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Remembered tokens go with them, an alarm says so, and the next good fetch mends it."""
    await settled(authenticator, clock, 1)
    token = issuer.token(exp=int(clock.now()) + 7 * 86_400)
    assert await refusal(authenticator, token) == ""
    issuer.hang_up()
    await clock.passes(86_399)
    await until(lambda: authenticator.failures == 1 and clock.sleepers == 1)
    assert authenticator.keys_known
    assert authenticator.known(token) is not None
    assert not [each for each in caplog.records if each.levelno == logging.CRITICAL]
    await clock.passes(1)
    await until(lambda: not authenticator.keys_known)
    assert authenticator.known(token) is None
    assert await refusal(authenticator, token) == "keys_unavailable"
    assert authenticator.keys_age >= 86_400
    (alarm,) = [each for each in caplog.records if each.levelno == logging.CRITICAL]
    assert "keys_max_age" in alarm.getMessage()
    issuer.listen()
    await clock.passes(30)
    await until(lambda: authenticator.keys_known)
    assert authenticator.keys_age < 86_400
    assert await refusal(authenticator, token) == ""


async def test_a_key_set_that_nobody_started_asks_how_old_its_keys_are(
    issuer: Issuer, provider: Provider, clock: TestClock
) -> None:
    authenticator = Authenticator(provider, clock=clock.clock, keys_max_age=600)
    assert await refusal(authenticator, issuer.token()) == ""
    issuer.hang_up()
    await clock.passes(600)
    assert await refusal(authenticator, issuer.token(jti="2")) == "keys_unavailable"
    await authenticator.stop()


GOOD_KEY_SET = json.dumps({"keys": [public_jwk("key-0", private_key(0))]}).encode()
NONSENSE: dict[str, Answer] = {
    "500": Answer(status=500),
    "503 with a key set": Answer(status=503),
    "404": Answer(status=404, body=b'{"message": "not found"}'),
    "204": Answer(status=204, body=b""),
    "a redirect": Answer(status=302, headers={"Location": "http://127.0.0.1:1/"}),
    "HTML": Answer(body=b"<html>sign in to the hotel network</html>"),
    "nothing": Answer(body=b""),
    "no keys": Answer(body=b'{"keys": []}'),
    "no usable key": Answer(body=json.dumps({"keys": [public_jwk("x", private_key(0), use="enc")]}).encode()),
    "cut short": Answer(body=b'{"keys": [', headers={"Content-Length": "1000"}),
    "compressed": Answer(headers={"Content-Encoding": "gzip"}),
    "a good key set, but too large": Answer(
        body=GOOD_KEY_SET + b" " * (MAX_ANSWER_BYTES + 1 - len(GOOD_KEY_SET))
    ),
    "deep": Answer(body=b"[" * 50_000),
    "silence": Answer(hang_up=True),
}


@pytest.mark.parametrize("answer", NONSENSE.values(), ids=NONSENSE)
async def test_nonsense_is_a_failed_fetch_and_the_last_good_keys_stay(
    authenticator: Authenticator, issuer: Issuer, clock: TestClock, answer: Answer
) -> None:
    await settled(authenticator, clock, 1)
    issuer.answer = answer
    await clock.passes(300)
    await settled(authenticator, clock, 2)
    assert (authenticator.failures, authenticator.last_fetch_ok) == (1, False)
    assert await refusal(authenticator, issuer.token()) == ""
    issuer.answer = Answer()
    await clock.passes(0.5)
    await settled(authenticator, clock, 3)
    assert authenticator.last_fetch_ok


async def test_an_answer_may_be_as_large_as_the_limit(
    authenticator: Authenticator, issuer: Issuer, clock: TestClock
) -> None:
    issuer.answer = Answer(body=GOOD_KEY_SET + b" " * (MAX_ANSWER_BYTES - len(GOOD_KEY_SET)))
    await settled(authenticator, clock, 1)
    assert authenticator.last_fetch_ok


async def test_a_redirect_is_not_followed(issuer: Issuer, provider: Provider, clock: TestClock) -> None:
    with Issuer(clock.now) as elsewhere:
        issuer.answer = Answer(status=302, headers={"Location": elsewhere.jwks_url})
        async with Authenticator(provider, clock=clock.clock) as authenticator:
            assert await refusal(authenticator, issuer.token()) == "keys_unavailable"
        assert elsewhere.fetches == 0


@pytest.mark.parametrize("slow", ["no answer", "a byte at a time"])
async def test_a_fetch_takes_no_longer_than_its_limit(issuer: Issuer, clock: TestClock, slow: str) -> None:
    issuer.answer = Answer(drip=0.05) if slow == "a byte at a time" else Answer()
    keys = KeySet(issuer.jwks_url, clock=clock.clock, time_limit=0.2)
    if slow == "no answer":
        with issuer.held(), pytest.raises(KeysUnavailable):
            await keys.signing_key(issuer.kid)
    else:
        with pytest.raises(KeysUnavailable):
            await keys.signing_key(issuer.kid)
    assert keys.failures == 1
    await keys.stop()


def test_a_fetch_may_take_three_seconds() -> None:
    assert KeySet("http://127.0.0.1:1/")._time_limit == 3.0


async def test_a_key_set_that_nobody_started_fetches_when_a_key_is_asked_for(
    issuer: Issuer, provider: Provider, clock: TestClock
) -> None:
    authenticator = Authenticator(provider, clock=clock.clock)
    assert issuer.fetches == 0
    assert await refusal(authenticator, issuer.token()) == ""
    await clock.passes(300)
    assert await refusal(authenticator, issuer.token(jti="2")) == ""
    await until(lambda: issuer.fetches == 2)
    await authenticator.stop()


async def test_stop_ends_all_that_runs_and_start_may_follow(
    issuer: Issuer, provider: Provider, clock: TestClock
) -> None:
    before = asyncio.all_tasks()
    authenticator = Authenticator(provider, clock=clock.clock)
    with issuer.held():
        await authenticator.start()
        await authenticator.start()
        await until(lambda: issuer.fetches == 1)
        caller = asyncio.create_task(refusal(authenticator, issuer.token()))
        await asyncio.sleep(0)
        await authenticator.stop()
        assert await caller == "keys_unavailable"
        await authenticator.stop()
    assert asyncio.all_tasks() == before
    await authenticator.start()
    await until(lambda: authenticator.keys_known)
    await authenticator.stop()


async def test_a_fault_that_nobody_foresaw_is_counted_logged_and_survived(
    issuer: Issuer, provider: Provider, clock: TestClock, caplog: pytest.LogCaptureFixture
) -> None:
    answers: list[Exception | bytes] = [RuntimeError("a bug"), issuer.key_set()]

    def answer(_: httpx2.Request) -> httpx2.Response:
        now = answers.pop(0)
        if isinstance(now, Exception):
            raise now
        return httpx2.Response(200, stream=httpx2.ByteStream(now))

    async with Authenticator(
        provider, clock=clock.clock, transport=httpx2.MockTransport(answer)
    ) as authenticator:
        await settled(authenticator, clock, 1)
        assert authenticator.failures == 1
        assert any(record.exc_info for record in caplog.records)
        await clock.passes(0.5)
        await settled(authenticator, clock, 2)
        assert await refusal(authenticator, issuer.token()) == ""


async def test_the_log_tells_of_rotations_and_outages(
    authenticator: Authenticator, issuer: Issuer, clock: TestClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "rbac.guard")
    await settled(authenticator, clock, 1)
    issuer.answer = Answer(status=500)
    await clock.passes(300)
    await settled(authenticator, clock, 2)
    issuer.answer = Answer()
    await clock.passes(0.5)
    await settled(authenticator, clock, 3)
    failed = (
        f"the issuer's keys could not be fetched from {issuer.jwks_url} (IssuerAnswerError: the issuer answered 500); "
        "next attempt in 0.5 s, the last good keys stay"
    )
    messages = [record.getMessage() for record in caplog.records if record.name == "rbac.guard"]
    assert messages == [
        "the issuer's keys are now: key-0",
        failed,
        "the issuer's keys are within reach again",
    ]
