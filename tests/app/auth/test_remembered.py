"""The cache of verified tokens: bounded, exact about expiry, and without a token of a withdrawn key."""

import pytest

from app.auth.principal import Principal
from app.auth.remembered import TokenCache
from tests.support.clock import TestClock


def remember(cache: TokenCache, clock: TestClock, *names: str, kid: str = "k", seconds: float = 60) -> None:
    for name in names:
        cache.put(name.encode(), Principal(name), expires=clock.now() + seconds, kid=kid)


def known(cache: TokenCache, *names: str) -> list[str]:
    return [name for name in names if cache.get(name.encode()) is not None]


@pytest.fixture
def cache(clock: TestClock) -> TokenCache:
    return TokenCache(clock.now, max_tokens=3, max_bytes=100)


def test_remembers_each_token_for_its_own_principal(cache: TokenCache, clock: TestClock) -> None:
    remember(cache, clock, "a", "b")
    assert cache.get(b"a") == Principal("a")
    assert cache.get(b"b") == Principal("b")
    assert cache.get(b"c") is None


def test_a_token_is_forgotten_at_its_expiry(cache: TokenCache, clock: TestClock) -> None:
    remember(cache, clock, "a", seconds=60)
    clock.advance(59.5)
    assert known(cache, "a")
    clock.advance(0.5)
    assert not known(cache, "a")
    assert len(cache) == 0


def test_what_was_not_asked_for_again_goes_first(cache: TokenCache, clock: TestClock) -> None:
    remember(cache, clock, "a", "b", "c")
    assert known(cache, "a")
    remember(cache, clock, "d")
    assert known(cache, "a", "b", "c", "d") == ["a", "c", "d"]


def test_when_all_were_asked_for_again_the_oldest_goes(cache: TokenCache, clock: TestClock) -> None:
    remember(cache, clock, "a", "b", "c")
    known(cache, "a", "b", "c")
    remember(cache, clock, "d")
    assert known(cache, "a", "b", "c", "d") == ["b", "c", "d"]


def test_holds_no_more_tokens_than_it_may(clock: TestClock) -> None:
    cache = TokenCache(clock.now, max_tokens=50)
    for number in range(1_000):
        remember(cache, clock, str(number))
        known(cache, *(str(n) for n in range(number - 20, number + 1)))
        assert len(cache) <= 50
    assert len(known(cache, *map(str, range(980, 1_000)))) == 20


def test_holds_no_more_bytes_than_it_may(cache: TokenCache, clock: TestClock) -> None:
    remember(cache, clock, "a" * 40, "b" * 40, "c" * 40)
    assert known(cache, "a" * 40, "b" * 40, "c" * 40) == ["b" * 40, "c" * 40]
    remember(cache, clock, "d" * 101)
    assert len(cache) == 2
    remember(cache, clock, "e" * 100)
    assert known(cache, "e" * 100)


def test_a_token_that_is_remembered_again_counts_once(cache: TokenCache, clock: TestClock) -> None:
    for _ in range(10):
        remember(cache, clock, "a" * 40)
    remember(cache, clock, "b" * 40)
    assert len(known(cache, "a" * 40, "b" * 40)) == 2


def test_forgets_the_tokens_of_withdrawn_keys_and_the_expired_ones(
    cache: TokenCache, clock: TestClock
) -> None:
    remember(cache, clock, "a", kid="old")
    remember(cache, clock, "b", kid="new")
    remember(cache, clock, "c", kid="new", seconds=5)
    clock.advance(5)
    assert cache.forget({"old"}) == 2
    assert known(cache, "a", "b", "c") == ["b"]
    assert len(cache) == 1
