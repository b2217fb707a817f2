"""Who sends a request: at once where nothing has to be verified, and by whoever can say so where something has."""

import threading
from collections.abc import Awaitable, Callable
from time import perf_counter_ns
from types import SimpleNamespace
from typing import Any, Final

import pytest

from rbac.decision_log.record import NO_TOKEN, REMEMBERED
from rbac.guard.identity.credentials import LONGEST_CREDENTIALS, Credentials, bearer, cookie
from rbac.guard.identity.errors import InvalidToken, Unauthenticated
from rbac.guard.identity.principal import Principal
from rbac.guard.identity.recognition import Identify, Recognised, Recognition
from rbac.revocations.table import NOBODY, SentAway

BOB: Final = Principal("bob", claims={"sub": "bob", "iat": 1})
LONG: Final = b"l" * (LONGEST_CREDENTIALS - len(b"Bearer "))
STOOD_IN: Final[Recognised] = (Principal("stand-in"), 0)
ALICE_IS_GONE: Final = SentAway({"alice": 2}, {}, {}, float("-inf"), 1)
BOB_IS_GONE: Final = SentAway({"bob": 2}, {}, {}, float("-inf"), 1)


class Remembering:
    """An issuer that has verified Bob's two tokens before, and tells what it is asked."""

    name = "test"
    several_roles = False

    def __init__(self) -> None:
        self.told: list[object] = []
        self.recall: Callable[[bytes], Principal | None] = self._recalled

    def _recalled(self, token: bytes) -> Principal | None:
        self.told.append(token)
        return BOB if token in {b"b0b", LONG} else None

    def known(self, token: str) -> Principal | None:
        return BOB if token == "b0b" else None

    async def start(self) -> None:
        self.told.append("started")

    async def stop(self) -> None:
        self.told.append("stopped")

    async def __call__(self, token: str) -> Principal:
        return Principal(token)


def asking(*values: bytes, more: tuple[tuple[bytes, bytes], ...] = ()) -> dict[str, Any]:
    return {"headers": [*more, *((b"authorization", value) for value in values), *more]}


def revoking(table: SentAway) -> Any:
    return SimpleNamespace(table=table)


@pytest.mark.parametrize(
    ("scope", "found", "recalled"),
    [
        (asking(), (None, NO_TOKEN), []),
        (asking(more=((b"cookie", b"Bearer b0b"),)), (None, NO_TOKEN), []),
        (asking(b"Bearer b0b"), (BOB, REMEMBERED), [b"b0b"]),
        (asking(b"Bearer b0b", more=((b"x-more", b"Bearer other"),)), (BOB, REMEMBERED), [b"b0b"]),
        (asking(b"Bearer other"), None, [b"other"]),
        (asking(b"Bearer " + LONG), (BOB, REMEMBERED), [LONG]),
        (asking(b"Bearer " + LONG + b"l"), None, []),
        (asking(b"bearer b0b"), None, []),
        (asking(b"b0b"), None, []),
        (asking(b"Bearer b0b", b"Bearer b0b"), None, []),
        (asking(b"", b"Bearer b0b"), None, []),
    ],
)
def test_nobody_and_whoever_is_remembered_are_known_at_once(
    scope: dict[str, Any], found: Recognised | None, recalled: list[bytes]
) -> None:
    issuer = Remembering()
    assert Recognition(issuer).at_once(scope) == found
    assert issuer.told == recalled


@pytest.mark.parametrize(
    ("identify", "credentials"),
    [(Principal, bearer), (Remembering(), cookie("session"))],
    ids=["a function", "a cookie"],
)
def test_what_remembers_nobody_or_may_be_asked_elsewhere_says_nothing_at_once(
    identify: Identify, credentials: Credentials
) -> None:
    recognition = Recognition(identify, credentials)
    assert recognition.at_once(asking()) is None
    assert recognition.at_once(asking(b"Bearer b0b")) is None


def test_a_stand_in_comes_before_whatever_is_sent_and_none_says_nothing() -> None:
    stand_ins: Any = SimpleNamespace(now=lambda: STOOD_IN, used=True)
    assert Recognition(Remembering(), stand_ins=stand_ins).at_once(asking(b"Bearer b0b")) == STOOD_IN
    nobody: Any = SimpleNamespace(now=lambda: None, used=False)
    assert Recognition(Remembering(), stand_ins=nobody).at_once(asking(b"Bearer b0b")) == (BOB, REMEMBERED)


async def test_whoever_was_sent_away_is_nobody_however_their_token_was_verified() -> None:
    for table in (NOBODY, ALICE_IS_GONE):
        kept = Recognition(Remembering(), revocations=revoking(table))
        assert kept.at_once(asking(b"Bearer b0b")) == (BOB, REMEMBERED)
        assert await kept.verified(asking(b"Bearer b0b")) == (BOB, REMEMBERED)
    gone = Recognition(Remembering(), revocations=revoking(BOB_IS_GONE))
    assert gone.at_once(asking(b"Bearer other")) is None
    with pytest.raises(InvalidToken) as refused:
        gone.at_once(asking(b"Bearer b0b"))
    assert refused.value.reason == "revoked"
    for identify, credentials in ((Remembering(), b"Bearer b0b"), (lambda _: BOB, b"Bearer new")):
        with pytest.raises(InvalidToken) as refused:
            await Recognition(identify, revocations=revoking(BOB_IS_GONE)).verified(asking(credentials))
        assert refused.value.reason == "revoked"


@pytest.mark.parametrize(
    "values",
    [
        (b"Bearer other",),
        (b"Bearer a.b-c_d~e+f/g",),
        (b"Bearer other==",),
        (b"Bearer ot=her",),
        (b"Bearer  other",),
        (b"Bearer other ",),
        (b"Bearer \tother",),
        (b"Bearer oth er",),
        (b"Bearer \xc3\xa9",),
        (b"Bearer ",),
        (b"Bearer =",),
        (b"bearer other",),
        (b"Basic other",),
        (b"Bearer b0b",),
        (b"Bearer " + LONG + b"l",),
        (b"Bearer other", b"Bearer other"),
        (),
    ],
)
async def test_whoever_was_recalled_in_vain_is_verified_as_if_nobody_had_been_asked(
    values: tuple[bytes, ...],
) -> None:
    async def outcome(recognition: Recognition, scope: dict[str, Any]) -> object:
        try:
            principal, _ = await recognition.verified(scope)
        except InvalidToken as refused:
            return refused.reason
        return principal

    alone = await outcome(Recognition(Remembering()), asking(*values))
    asked, scope = Recognition(Remembering()), asking(*values)
    asked.at_once(scope)
    assert await outcome(asked, scope) == alone
    asked.at_once(asking(b"Bearer another"))
    assert await outcome(asked, scope) == alone


async def identified(token: str) -> Principal:
    return Principal(f"{token} by {threading.get_ident()}")


class Identifying:
    async def __call__(self, token: str) -> Principal:
        return await identified(token)


def plainly(token: str) -> Principal:
    return Principal(f"{token} by {threading.get_ident()}")


def later(token: str) -> Awaitable[Principal]:
    return identified(token)


@pytest.mark.parametrize(
    ("identify", "in_the_loop"),
    [(identified, True), (Identifying(), True), (later, True), (plainly, False)],
    ids=["a coroutine function", "an object called so", "what gives something to wait for", "a function"],
)
async def test_only_a_plain_function_is_called_in_a_thread(identify: Identify, in_the_loop: bool) -> None:
    began = perf_counter_ns()
    principal, spent = await Recognition(identify).verified(asking(b"Bearer b0b"))
    assert 0 <= spent <= perf_counter_ns() - began
    assert principal is not None
    assert (principal.sub == f"b0b by {threading.get_ident()}") is in_the_loop
    assert principal.sub.startswith("b0b by ")
    assert await Recognition(identify).verified(asking()) == (None, NO_TOKEN)


@pytest.mark.parametrize(
    ("found", "error"),
    [
        (None, Unauthenticated),
        ("bob", TypeError),
        (Principal(""), Unauthenticated),
        (Principal("a\nb"), Unauthenticated),
    ],
)
async def test_what_an_application_finds_is_held_to_what_an_issuer_promises(
    found: Any, error: type[Exception]
) -> None:
    async def identify(_token: str) -> Any:
        return found

    with pytest.raises(error):
        await Recognition(identify).verified(asking(b"Bearer b0b"))


@pytest.mark.parametrize(
    "stand_ins",
    [None, SimpleNamespace(now=lambda: None, used=False), SimpleNamespace(now=lambda: STOOD_IN, used=True)],
)
async def test_its_issuer_begins_and_ends_with_it_unless_callers_are_stood_in_for(stand_ins: Any) -> None:
    issuer = Remembering()
    revocations: Any = SimpleNamespace(table=NOBODY, start=issuer.start, stop=issuer.stop)
    async with Recognition(issuer, stand_ins=stand_ins, revocations=revocations):
        begun = ["started", "started"] if stand_ins is None or not stand_ins.used else ["started"]
        assert issuer.told == begun
    assert issuer.told == [*begun, "stopped", "stopped"]
    async with Recognition(plainly):
        pass
