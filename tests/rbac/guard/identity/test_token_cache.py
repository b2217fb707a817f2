"""The cache of verified tokens: bounded, exact about expiry, and without a token of a withdrawn key."""

import gc

import pytest

from rbac.guard.identity.principal import Principal
from rbac.guard.identity.token_cache import _SECOND_CHANCES, TokenCache
from tests.support.clock import TestClock


def remember(cache: TokenCache, clock: TestClock, *names: str, kid: str = "k", seconds: float = 60) -> None:
    for name in names:
        cache.put(name.encode(), name.encode(), "jwt", expires=clock.now() + seconds, kid=kid)


def read(payload: bytes, _kind: str) -> Principal:
    return Principal(payload.decode())


def known(cache: TokenCache, *names: str) -> list[str]:
    return [name for name in names if cache.get(name.encode()) is not None]


@pytest.fixture
def cache(clock: TestClock) -> TokenCache:
    return TokenCache(clock.now, read, max_tokens=3, max_bytes=100)


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


def test_among_many_that_were_all_asked_for_again_one_goes(clock: TestClock) -> None:
    cache = TokenCache(clock.now, read, max_tokens=100)
    names = [str(number) for number in range(100)]
    remember(cache, clock, *names)
    known(cache, *names)
    remember(cache, clock, "new")
    assert len(cache) == 100
    assert len(known(cache, *names, "new")) == 100
    assert known(cache, "new")


def test_holds_no_more_tokens_than_it_may(clock: TestClock) -> None:
    cache = TokenCache(clock.now, read, max_tokens=50)
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


@pytest.mark.parametrize("asked", [0, 1, 2])
def test_forgets_the_tokens_of_withdrawn_keys_and_the_expired_ones(clock: TestClock, asked: int) -> None:
    cache = TokenCache(clock.now, read, max_bytes=100)
    remember(cache, clock, "a" * 30, kid="old")
    remember(cache, clock, "b" * 40, kid="new")
    remember(cache, clock, "c" * 30, kid="new", seconds=5)
    for _ in range(asked):
        assert len(known(cache, "a" * 30, "b" * 40, "c" * 30)) == 3
    clock.advance(5)
    assert cache.forget({"old"}) == 2
    assert known(cache, "a" * 30, "b" * 40, "c" * 30) == ["b" * 40]
    assert len(cache) == 1
    remember(cache, clock, "d" * 50, "e" * 10)  # where the two were
    assert len(known(cache, "b" * 40, "d" * 50, "e" * 10)) == 3
    remember(cache, clock, "f")  # a byte more than there is room for
    assert len(known(cache, "b" * 40, "d" * 50, "e" * 10, "f")) == 3


def test_what_is_withdrawn_takes_along_what_was_sent_once_and_what_is_in_use(clock: TestClock) -> None:
    cache = TokenCache(clock.now, read)
    for kid in ("old", "older", "new"):
        remember(cache, clock, f"{kid} used", kid=kid)
        known(cache, f"{kid} used")
        remember(cache, clock, f"{kid} once", kid=kid)
    assert cache.forget({"old", "older", "gone"}) == 4
    assert known(cache, "old used", "old once", "older used", "older once", "new used", "new once") == [
        "new used",
        "new once",
    ]
    assert cache.forget(()) == 0


def test_what_was_asked_for_again_has_a_second_chance_before_what_was_not(clock: TestClock) -> None:
    cache = TokenCache(clock.now, read, max_tokens=5)
    remember(cache, clock, *"abcde")
    known(cache, *"abcde")
    known(cache, *"ac")
    remember(cache, clock, "f")
    assert len(cache) == 5
    known(cache, "f")
    remember(cache, clock, "g")  # "c" had its chance, and is behind "d" and "e" now
    assert known(cache, *"abcdefg") == [*"acefg"]


def test_a_few_second_chances_are_given_at_most(clock: TestClock) -> None:
    cache = TokenCache(clock.now, read, max_tokens=100)
    names = [str(number) for number in range(100)]
    remember(cache, clock, *names)
    for _ in range(2):
        known(cache, *names)
    remember(cache, clock, "new")
    assert known(cache, *names, "new") == [name for name in [*names, "new"] if name != names[_SECOND_CHANCES]]


def test_a_token_is_read_as_the_kind_that_it_was_verified_as(clock: TestClock) -> None:
    cache = TokenCache(clock.now, lambda payload, kind: Principal(f"{payload.decode()} {kind}"))
    for kind in ("jwt", "at+jwt"):
        cache.put(kind.encode(), b"who", kind, expires=clock.now() + 1, kid="k")
    assert [cache.get(kind) for kind in (b"jwt", b"at+jwt", b"jwt")] == [
        Principal("who jwt"),
        Principal("who at+jwt"),
        Principal("who jwt"),
    ]


def test_a_flood_of_new_tokens_leaves_most_of_those_in_use(clock: TestClock) -> None:
    cache = TokenCache(clock.now, read, max_tokens=100)
    used = [f"used {number}" for number in range(100)]
    for name in used:
        remember(cache, clock, name)
        known(cache, name)
    remember(cache, clock, *(f"new {number}" for number in range(1_000)))
    assert len(known(cache, *used)) == 75
    assert len(cache) == 100


def test_makes_room_for_bytes_as_for_tokens(clock: TestClock) -> None:
    cache = TokenCache(clock.now, read, max_bytes=1_000)
    used = [f"{number:010}" for number in range(100)]
    for name in used:
        remember(cache, clock, name)
        known(cache, name)
    remember(cache, clock, *(f"new {number:06}" for number in range(1_000)))
    assert len(known(cache, *used)) == 75
    assert len(cache) == 100


def test_what_was_looked_for_in_vain_and_another_token_are_not_taken_for_each_other(
    cache: TokenCache, clock: TestClock
) -> None:
    assert not known(cache, "a")
    assert cache.is_sought(b"a")
    remember(cache, clock, "b")
    assert not cache.is_sought(b"a")
    assert known(cache, "a", "b") == ["b"]
    assert not known(cache, "a")
    remember(cache, clock, "a")
    assert known(cache, "a", "b") == ["a", "b"]


def test_a_second_look_forgets_what_has_expired(cache: TokenCache, clock: TestClock) -> None:
    remember(cache, clock, "a" * 60, seconds=5)
    clock.advance(5)
    assert not known(cache, "a" * 60)
    assert len(cache) == 0
    remember(cache, clock, "b" * 60)
    remember(cache, clock, "c" * 40)
    assert known(cache, "b" * 60, "c" * 40)


def test_tokens_that_were_sent_once_leave_the_collector_nothing_to_walk(clock: TestClock) -> None:
    cache = TokenCache(clock.now, read)
    remember(cache, clock, "first")
    gc.collect()
    before = len(gc.get_objects())
    remember(cache, clock, *map(str, range(2_000)))
    gc.collect()
    assert len(cache) == 2_001
    assert len(gc.get_objects()) - before < 100
