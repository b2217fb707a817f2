"""The key set against a real issuer that rotates, is slow, fails and talks nonsense."""

import asyncio
import json
import logging
from typing import Any

import httpx2
import pytest

from rbac.guard.identity.clock import Clock
from rbac.guard.identity.errors import InvalidToken, KeysUnavailable
from rbac.guard.identity.fetching import new_client
from rbac.guard.identity.key_set import Fetch, KeySet
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


# --- the key set alone, whose issuer is a function


class Source:
    """What an issuer answers, one answer a fetch and the last one from then on, and a key set that asks it."""

    def __init__(self, *answers: bytes | Exception, elapsed: float = 1000.0, **changes: Any) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.gone: list[set[str]] = []
        self.sleeps: list[float] = []
        self.time = TestClock()
        self.time.elapsed = elapsed
        self.keys = KeySet(
            "https://keys.example.com/jwks",
            clock=Clock(self.time.now, lambda: self.time.elapsed, self._sleep),
            transport=httpx2.MockTransport(self._answer),
            on_change=lambda gone: self.gone.append(set(gone)),
            **changes,
        )

    async def _sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        await self.time.clock.sleep(seconds)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(str(request.url))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx2.Response(200, stream=httpx2.ByteStream(answer))

    async def slept(self, times: int) -> None:
        """Waits until the background sleeps for the ``times``-th time, and ends that sleep."""
        await until(lambda: len(self.sleeps) == times and self.time.sleepers == 1)
        await self.time.passes(self.sleeps[-1])


def publishing(**keys: int) -> bytes:
    """A key set: which key stands under which name."""
    published = [public_jwk(kid, private_key(number)) for kid, number in keys.items()]
    return json.dumps({"keys": published}).encode()


ONE = publishing(one=0)
DOWN = httpx2.ConnectError("connection refused")


def test_a_key_set_that_has_asked_nobody_knows_nothing() -> None:
    source = Source(ONE)
    keys = source.keys
    assert (keys.fetches, keys.failures, keys.last_fetch_ok, keys.known, keys.kids) == (
        0,
        0,
        False,
        False,
        frozenset(),
    )
    source.time.advance(30)
    assert keys.age == 30


@pytest.mark.parametrize("elapsed", [0.0, -5000.0, 1e9])
async def test_keys_are_fetched_whatever_the_machines_clock_began_at(elapsed: float) -> None:
    source = Source(ONE, elapsed=elapsed)
    assert (await source.keys.signing_key("one")) is not None
    assert (source.keys.kids, source.keys.known, source.keys.age) == (frozenset({"one"}), True, 0.0)
    with pytest.raises(InvalidToken):
        await source.keys.signing_key("two")
    assert source.keys.fetches == 2  # an unknown name is asked for at once, the first time
    await source.keys.stop()


@pytest.mark.parametrize(
    ("answers", "max_age", "sleeps"),
    [
        ([ONE], 86_400.0, [300, 300, 300]),
        ([DOWN], 86_400.0, [0.5, 1, 2, 4, 5, 5]),
        ([ONE, DOWN], 86_400.0, [300, 0.5, 1, 2, 4, 8, 16, 30, 30]),
        ([ONE, DOWN, DOWN, ONE, DOWN, ONE], 86_400.0, [300, 0.5, 1, 300, 0.5, 300]),
        ([ONE], 120.0, [120, 180, 120, 180]),
        ([ONE, DOWN], 301.0, [300, 0.5, 0.5, 0.5, 2, 4, 5, 5]),
    ],
)
async def test_the_background_sleeps_until_the_next_fetch_or_until_keys_are_too_old(
    answers: list[bytes | Exception], max_age: float, sleeps: list[float]
) -> None:
    source = Source(*answers, max_age=max_age)
    source.keys.start()
    for number in range(1, len(sleeps) + 1):
        await source.slept(number)
    assert source.sleeps[: len(sleeps)] == sleeps
    await source.keys.stop()


async def test_a_background_that_was_begun_twice_is_one_and_ends_at_once() -> None:
    before = asyncio.all_tasks()
    source = Source(ONE)
    source.keys.start()
    await source.keys.stop()  # before it has begun
    assert asyncio.all_tasks() == before
    source.keys.start()
    source.keys.start()
    assert len(asyncio.all_tasks() - before) == 1
    await until(lambda: source.keys.known)
    source.keys.start()
    assert len(asyncio.all_tasks() - before) == 1
    await source.keys.stop()
    assert asyncio.all_tasks() == before
    assert source.keys.kids == {"one"}


async def test_a_stop_ends_the_fetch_under_way_whoever_asked_for_it() -> None:
    before = asyncio.all_tasks()
    never = asyncio.Event()
    faults: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, fault: faults.append(fault))

    async def nowhere(_fetch: Fetch, _failed: bool) -> str:
        await never.wait()
        return "https://keys.example.com/jwks"

    source = Source(ONE, locate=nowhere)
    caller = asyncio.create_task(source.keys.signing_key("one"))
    await until(lambda: source.keys.fetches == 1)
    await source.keys.stop()
    with pytest.raises(KeysUnavailable):
        await caller
    assert asyncio.all_tasks() == before
    assert (source.keys.failures, faults) == (0, [])  # nobody failed


async def test_a_stop_while_keys_that_became_too_old_are_fetched_makes_no_token_a_forged_one() -> None:
    never = asyncio.Event()
    located: list[bool] = []

    async def at_first(_fetch: Fetch, failed: bool) -> str:
        located.append(failed)
        if len(located) > 1:
            await never.wait()
        return "https://keys.example.com/jwks"

    source = Source(ONE, locate=at_first, max_age=600.0)
    await source.keys.signing_key("one")
    source.time.elapsed += 600
    caller = asyncio.create_task(source.keys.signing_key("one"))
    await until(lambda: len(located) == 2)
    await source.keys.stop()
    with pytest.raises(KeysUnavailable):
        await caller


async def test_the_time_limit_is_for_the_whole_fetch_whatever_it_waits_for() -> None:
    never = asyncio.Event()

    async def nowhere(_fetch: Fetch, _failed: bool) -> str:
        await never.wait()
        return "https://keys.example.com/jwks"

    source = Source(ONE, locate=nowhere, time_limit=0.01)
    with pytest.raises(KeysUnavailable):
        await source.keys.signing_key("one")
    assert (source.keys.failures, source.asked) == (1, [])
    await source.keys.stop()


def test_each_event_loop_has_a_client_of_its_own_that_a_stop_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a client holds belongs to the loop that it was used in, which may have ended without a word."""
    made: list[tuple[httpx2.AsyncClient, asyncio.AbstractEventLoop]] = []
    asked: set[tuple[str, float]] = set()

    def new(url: str, *, time_limit: float, **options: Any) -> httpx2.AsyncClient:
        client = new_client(url, time_limit=time_limit, **options)
        made.append((client, asyncio.get_running_loop()))
        asked.add((url, time_limit))
        return client

    monkeypatch.setattr("rbac.guard.identity.key_set.new_client", new)
    source = Source(ONE, time_limit=7.0)

    async def life(stops: bool) -> asyncio.AbstractEventLoop:
        source.time.elapsed += 300
        fetches = len(source.asked)
        source.keys.start()
        await until(lambda: len(source.asked) > fetches)
        await until(lambda: source.keys.age == 0)
        with pytest.raises(InvalidToken):
            await source.keys.signing_key("unknown")  # fetched by the same client
        if stops:
            await source.keys.stop()
        return asyncio.get_running_loop()

    loops = [asyncio.run(life(stops)) for stops in (False, True, True)]
    assert [loop for _, loop in made] == loops
    assert [client.is_closed for client, _ in made] == [False, True, True]
    assert asked == {("https://keys.example.com/jwks", 7.0)}


async def test_whoever_locates_the_keys_is_told_whether_the_fetch_before_failed() -> None:
    told: list[bool] = []

    async def locate(_fetch: Fetch, failed: bool) -> str:
        told.append(failed)
        return f"https://keys.example.com/{len(told)}"

    source = Source(DOWN, ONE, DOWN, ONE, locate=locate)
    source.keys.start()
    for number in range(1, 6):
        await source.slept(number)
    await source.keys.stop()
    assert told[:5] == [False, True, False, True, False]
    assert source.asked[:5] == [f"https://keys.example.com/{number}" for number in range(1, 6)]


async def test_who_remembers_tokens_is_told_which_keys_are_gone() -> None:
    """Also a key that stands under its old name, and all of them once they are too old."""
    later = publishing(b=2, c=3)
    source = Source(publishing(a=0, b=1), publishing(a=0, b=2), later, later, DOWN, max_age=301.0)
    source.keys.start()
    for number in range(1, 7):
        await source.slept(number)
    await until(lambda: not source.keys.known)
    await source.keys.stop()
    assert source.gone == [set(), {"b"}, {"a"}, set(), {"b", "c"}]


async def test_an_unknown_key_is_asked_for_again_after_ten_seconds_and_not_before() -> None:
    source = Source(ONE)
    for passed, fetches in ((0.0, 2), (9.9, 2), (0.1, 3), (9.9, 3), (0.2, 4)):
        source.time.elapsed += passed
        with pytest.raises(InvalidToken) as told:
            await source.keys.signing_key("unknown")
        assert told.value.reason == "unknown_key"
        assert source.keys.fetches == fetches
    assert source.keys.failures == 0
    await source.keys.stop()


async def test_a_key_that_the_issuer_adds_is_found_by_the_caller_who_brought_its_name() -> None:
    source = Source(ONE, publishing(one=0, two=1))
    await source.keys.signing_key("one")
    assert (await source.keys.signing_key("two")).kid == "two"
    assert source.keys.fetches == 2
    await source.keys.stop()


async def test_without_keys_whoever_asks_is_told_when_the_issuer_is_asked_again() -> None:
    source = Source(DOWN)
    for fetches, retry_after in enumerate((1, 1, 2, 4, 5, 5), 1):
        for _ in range(2):  # whoever comes before that has nobody asked
            with pytest.raises(KeysUnavailable) as told:
                await source.keys.signing_key("one")
            assert (told.value.retry_after, source.keys.fetches) == (retry_after, fetches)
        source.time.elapsed += (0.5, 1, 2, 4, 5, 5)[fetches - 1]
    await source.keys.stop()


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[int, str, bool]]:
    """What the log says of keys: how bad it is, the sentence, and whether it shows where a fault happened."""
    return [
        (each.levelno, each.getMessage(), bool(each.exc_info))
        for each in caplog.records
        if each.name == "rbac.guard"
    ]


async def test_the_log_says_what_is_wrong_until_when_and_what_that_means(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "rbac.guard")
    fault = RuntimeError("a fault of ours " + "x" * 300)
    source = Source(DOWN, publishing(two=1, one=0), DOWN, fault, max_age=301.0)
    source.keys.start()
    for number in range(1, 6):
        await source.slept(number)
    await source.keys.stop()
    url = "https://keys.example.com/jwks"
    nobody = "no token can be verified until then"
    refused = f"the issuer's keys could not be fetched from {url} (ConnectError: connection refused); next attempt in"
    ours = f"the issuer's keys could not be fetched from {url} (RuntimeError: {str(fault)[:200]}); next attempt in"
    lost = (
        "the issuer's keys could not be fetched for 301 s, which is longer than `keys_max_age`: "
        "no token can be verified until they are within reach again"
    )
    assert told(caplog)[:5] == [
        (logging.WARNING, f"{refused} 0.5 s, {nobody}", False),
        (logging.INFO, "the issuer's keys are now: one, two", False),
        (logging.WARNING, f"{refused} 0.5 s, the last good keys stay", False),
        (logging.WARNING, f"{ours} 1.0 s, the last good keys stay", True),
        (logging.CRITICAL, lost, False),
    ]


async def test_the_log_tells_of_keys_only_when_they_are_others(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "rbac.guard")
    source = Source(ONE, ONE, publishing(one=1), publishing(one=1), publishing(one=1, two=2))
    source.keys.start()
    for number in range(1, 6):
        await source.slept(number)
    await source.keys.stop()
    assert [sentence for _, sentence, _ in told(caplog)] == [
        "the issuer's keys are now: one",
        "the issuer's keys are now: one",  # another key under the same name
        "the issuer's keys are now: one, two",
    ]


async def test_the_log_tells_once_that_keys_are_within_reach_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "rbac.guard")
    source = Source(ONE, DOWN, DOWN, ONE, ONE)
    source.keys.start()
    for number in range(1, 6):
        await source.slept(number)
    await source.keys.stop()
    assert [sentence for level, sentence, _ in told(caplog) if level == logging.INFO] == [
        "the issuer's keys are now: one",
        "the issuer's keys are within reach again",
    ]


async def test_nobody_is_told_of_lost_keys_where_there_never_were_any(
    caplog: pytest.LogCaptureFixture,
) -> None:
    source = Source(DOWN, max_age=600.0)
    for _ in range(3):
        with pytest.raises(KeysUnavailable):
            await source.keys.signing_key("one")
        source.time.elapsed += 600
    await source.keys.stop()
    assert {level for level, _, _ in told(caplog)} == {logging.WARNING}
    assert source.gone == []
