"""The key set against a real issuer that rotates, is slow, fails and talks nonsense."""

import asyncio

from rbac.guard.issuers.authenticator import Authenticator
from tests.support.authenticating import refusal, settled
from tests.support.clock import TestClock
from tests.support.issuer import Answer, Issuer, private_key, public_jwk
from tests.support.waiting import all_had_their_turn, until


async def test_one_fetch_serves_all_who_ask_at_once(authenticator: Authenticator, issuer: Issuer) -> None:
    tokens = [issuer.token(jti=str(number)) for number in range(50)]
    with issuer.held():
        callers = [asyncio.create_task(refusal(authenticator, token)) for token in tokens]
        await until(lambda: issuer.fetches == 1)
        await all_had_their_turn()
        assert not any(caller.done() for caller in callers)
    assert await asyncio.gather(*callers) == [""] * 50
    assert issuer.fetches == authenticator.fetches == 1


async def test_a_caller_that_gives_up_does_not_end_the_fetch_for_the_others(
    authenticator: Authenticator, issuer: Issuer
) -> None:
    with issuer.held():
        first = asyncio.create_task(refusal(authenticator, issuer.token(jti="1")))
        second = asyncio.create_task(refusal(authenticator, issuer.token(jti="2")))
        await until(lambda: issuer.fetches == 1)
        first.cancel()
        await asyncio.wait([first])
    assert first.cancelled()
    assert await second == ""
    assert issuer.fetches == 1


async def test_keys_are_fetched_again_every_five_minutes(
    authenticator: Authenticator, issuer: Issuer, clock: TestClock
) -> None:
    for fetches in range(1, 5):
        await settled(authenticator, clock, fetches)
        await clock.passes(299)
        await all_had_their_turn()
        assert issuer.fetches == fetches
        await clock.passes(1)
    assert authenticator.failures == 0


async def test_a_new_keys_token_works_within_one_request_and_the_old_one_stops(
    authenticator: Authenticator, issuer: Issuer
) -> None:
    old = issuer.token()
    assert await refusal(authenticator, old) == ""
    issuer.rotate()
    assert await refusal(authenticator, issuer.token()) == ""
    assert authenticator.known(old) is None
    assert await refusal(authenticator, old) == "unknown_key"
    assert issuer.fetches == 2


async def test_a_rotation_that_keeps_the_old_key_keeps_its_tokens(
    authenticator: Authenticator, issuer: Issuer
) -> None:
    old = issuer.token()
    assert await refusal(authenticator, old) == ""
    issuer.rotate(withdraw=False)
    assert await refusal(authenticator, issuer.token()) == ""
    assert authenticator.known(old) is not None


async def test_a_withdrawn_keys_remembered_tokens_stop_within_ten_minutes(
    authenticator: Authenticator, issuer: Issuer, clock: TestClock
) -> None:
    token = issuer.token()
    assert await refusal(authenticator, token) == ""
    await settled(authenticator, clock, 1)
    issuer.rotate()
    assert authenticator.known(token) is not None
    await clock.passes(300)
    await settled(authenticator, clock, 2)
    assert authenticator.known(token) is None
    assert authenticator.cached_tokens == 0
    assert await refusal(authenticator, token) == "unknown_key"


async def test_a_key_replaced_under_its_old_name_takes_its_tokens_along(
    authenticator: Authenticator, issuer: Issuer, clock: TestClock
) -> None:
    token = issuer.token()
    assert await refusal(authenticator, token) == ""
    await settled(authenticator, clock, 1)
    issuer.keys[issuer.kid] = private_key(77)
    issuer.published = [public_jwk(issuer.kid, private_key(77))]
    await clock.passes(300)
    await settled(authenticator, clock, 2)
    assert authenticator.known(token) is None
    assert await refusal(authenticator, token) == "bad_signature"
    assert await refusal(authenticator, issuer.token()) == ""


async def test_a_thousand_unknown_keys_cost_one_fetch_in_ten_seconds(
    authenticator: Authenticator, issuer: Issuer, clock: TestClock
) -> None:
    assert await refusal(authenticator, issuer.token()) == ""
    for seconds in (0.0, 5.0, 4.9):
        await clock.passes(seconds)
        for number in range(350):
            assert await refusal(authenticator, issuer.token({"kid": f"made-up-{number}"})) == "unknown_key"
        assert issuer.fetches == 2
    await clock.passes(0.1)
    burst = [refusal(authenticator, issuer.token({"kid": f"burst-{number}"})) for number in range(100)]
    assert await asyncio.gather(*burst) == ["unknown_key"] * 100
    assert issuer.fetches == 3


async def test_scheduled_fetches_do_not_count_against_an_unknown_key(
    authenticator: Authenticator, issuer: Issuer, clock: TestClock
) -> None:
    await settled(authenticator, clock, 1)
    await clock.passes(300)
    await settled(authenticator, clock, 2)
    issuer.rotate()
    assert await refusal(authenticator, issuer.token()) == ""
    assert issuer.fetches == 3


async def test_a_fetch_that_left_before_the_rotation_is_followed_by_another(
    authenticator: Authenticator, issuer: Issuer, clock: TestClock
) -> None:
    await settled(authenticator, clock, 1)
    before = issuer.key_set()
    with issuer.held():
        issuer.answer = Answer(body=before)
        await clock.passes(300)
        await until(lambda: issuer.fetches == 2)
        issuer.rotate()
        callers = [asyncio.create_task(refusal(authenticator, issuer.token(jti=str(n)))) for n in range(20)]
        await all_had_their_turn()
    await until(lambda: authenticator.fetches == 3)
    # the second answer is old news as well: only now does the issuer publish
    assert set(await asyncio.gather(*callers)) == {"unknown_key"}
    issuer.answer = Answer()
    await clock.passes(10)
    assert await refusal(authenticator, issuer.token()) == ""
