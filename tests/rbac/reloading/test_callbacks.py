"""A live policy at its edges: callbacks that fail, wait or reload, a stop that is itself cancelled, and what the log says."""

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator, Sequence

import pytest

from rbac import LivePolicy, Policy, PolicyError, Problem
from rbac.background import breathe
from rbac.policy_tests.verdict import Verdict
from rbac.reloading.giving_way import GivenWay
from rbac.reloading.judging import Gate
from rbac.stores import Snapshot
from tests.rbac.test_live import (
    ADMINS,
    DAMAGED,
    DOUBT,
    FAULT,
    USERS,
    Shelf,
    by_their_content,
    loaded,
    no_gate,
    reaches_admin,
)
from tests.support.waiting import LIMIT_S, until

OTHERS = USERS + b"p, user, /other, GET, allow\n"


def fails(*_: object) -> None:
    raise ZeroDivisionError("a mistake of the callback's")


def test_a_callback_that_fails_is_logged_as_such_and_the_policy_is_in_force(
    caplog: pytest.LogCaptureFixture,
) -> None:
    shelf = Shelf(USERS)
    live = LivePolicy(shelf, gate=no_gate, on_swap=fails, on_refusal=fails)
    live.load()
    shelf.put(ADMINS)
    assert live.reload()
    assert reaches_admin(live)
    shelf.put(DAMAGED)
    assert not live.reload()
    assert (live.reloads, live.refused) == (1, 1)
    assert caplog.text.count("a callback of the live policy failed") == 2
    assert "a mistake of the callback's" in caplog.text
    assert "the reload failed" not in caplog.text
    assert "watching the policy failed" not in caplog.text


async def test_a_callback_that_fails_ends_no_watch(caplog: pytest.LogCaptureFixture) -> None:
    shelf = Shelf(USERS)
    async with LivePolicy(shelf, gate=no_gate, on_swap=fails, on_refusal=fails) as live:
        shelf.put(ADMINS)
        shelf.told.set()
        await until(lambda: reaches_admin(live))
        shelf.put(DAMAGED)
        shelf.told.set()
        await until(lambda: live.refused == 1)
        shelf.put(OTHERS)
        shelf.told.set()
        await until(lambda: live.policy.allows("user", "GET", "/other"))
    assert "watching the policy failed" not in caplog.text


def test_a_callback_may_reload_and_is_told_of_everything_in_order() -> None:
    shelf = Shelf(USERS)
    told: list[str] = []

    def on_swap(policy: Policy) -> None:
        told.append(f"begins {policy.revision}")
        if policy.allows("admin", "GET", "/admin"):
            shelf.put(OTHERS)
            assert live.reload()
        told.append(f"ends {policy.revision}")

    live = LivePolicy(shelf, gate=no_gate, on_swap=on_swap)
    live.load()
    shelf.put(ADMINS)
    assert live.reload()
    first, second = told[0].split()[1], live.policy.revision
    assert told == [f"begins {first}", f"ends {first}", f"begins {second}", f"ends {second}"]
    assert live.policy.allows("user", "GET", "/other")


def test_a_callback_that_waits_holds_no_reload_up_and_none_overtakes_another() -> None:
    shelf = Shelf(USERS)
    told: list[str] = []
    entered, leave = threading.Event(), threading.Event()

    def on_swap(policy: Policy) -> None:
        told.append(policy.revision)
        entered.set()
        assert leave.wait(LIMIT_S)

    live = LivePolicy(shelf, gate=no_gate, on_swap=on_swap)
    live.load()
    shelf.put(ADMINS)
    thread = threading.Thread(target=live.reload)
    thread.start()
    assert entered.wait(LIMIT_S)
    first = live.policy.revision
    shelf.put(OTHERS)
    assert live.reload()
    assert live.policy.allows("user", "GET", "/other")
    assert told == [first]
    leave.set()
    thread.join(LIMIT_S)
    assert told == [first, live.policy.revision]


@pytest.mark.parametrize(("policy", "swapped"), [(USERS, True), (DAMAGED, False)])
def test_a_reload_before_the_first_load_loads_or_refuses_what_there_is(
    policy: bytes, swapped: bool, caplog: pytest.LogCaptureFixture
) -> None:
    live = LivePolicy(Shelf(policy), gate=no_gate)
    assert live.reload() is swapped
    assert bool(live.problems) is not swapped
    assert live.reloads == 0
    assert ("policy refused, nothing is in force: " in caplog.text) is not swapped
    if swapped:
        assert live.policy.allows("user", "GET", "/user")
        return
    with pytest.raises(PolicyError):
        live.load()


# --- stopping


async def test_a_cancelled_stop_is_cancelled_and_the_watch_ends_all_the_same() -> None:
    listens, released = asyncio.Event(), asyncio.Event()

    class SlowToEnd(Shelf):
        async def changes(self) -> AsyncGenerator[None, None]:
            try:
                yield
                listens.set()
                await asyncio.sleep(LIMIT_S * 10)
            finally:
                await released.wait()

    live = LivePolicy(SlowToEnd(USERS), gate=no_gate)
    await live.start()
    watch = live._watch.task
    assert watch is not None
    await asyncio.wait_for(listens.wait(), LIMIT_S)
    stopping = asyncio.create_task(live.stop())
    await until(lambda: watch.cancelling() > 0)
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping
    released.set()
    await asyncio.wait({watch}, timeout=LIMIT_S)
    assert watch.done()
    await live.stop()
    await live.start()
    assert live._watch.task is not watch
    await live.stop()


async def test_a_stop_that_is_cancelled_while_a_reload_ends_is_cancelled() -> None:
    shelf, gate = Shelf(USERS), Held()
    live = loaded(shelf)
    live._gate = gate
    await live.start()
    shelf.put(ADMINS)
    shelf.told.set()
    await until(gate.entered.is_set)
    stopping = asyncio.create_task(live.stop())
    await until(lambda: live._watch.task is None)
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping
    gate.leave.set()
    await until(lambda: reaches_admin(live))


class Held:
    """A gate that waits in its first judgement."""

    def __init__(self) -> None:
        self.entered, self.leave = threading.Event(), threading.Event()

    def __call__(self, _policy: Policy, _snapshot: Snapshot) -> Sequence[Problem]:
        self.entered.set()
        assert self.leave.wait(LIMIT_S)
        return ()


async def test_a_stop_waits_for_the_reload_that_is_under_way() -> None:
    shelf, gate = Shelf(USERS), Held()
    live = loaded(shelf)
    live._gate = gate
    await live.start()
    shelf.put(ADMINS)
    shelf.told.set()
    await until(gate.entered.is_set)
    stopping = asyncio.create_task(live.stop())
    await until(lambda: live._watch.task is None)
    assert not stopping.done()
    gate.leave.set()
    await asyncio.wait_for(stopping, LIMIT_S)
    assert reaches_admin(live)


async def test_two_stops_at_once_both_end_and_a_start_afterwards_watches_again() -> None:
    shelf = Shelf(USERS)
    live = LivePolicy(shelf, gate=no_gate)
    await live.stop()
    await asyncio.gather(live.start(), live.start())
    await asyncio.gather(live.stop(), live.stop())
    assert live._watch.task is None
    async with live:
        shelf.put(ADMINS)
        shelf.told.set()
        await until(lambda: reaches_admin(live))
    assert live.reloads == 1


async def test_a_start_that_is_cancelled_while_it_loads_can_be_taken_up_again() -> None:
    gate = Held()
    live = LivePolicy(Shelf(USERS), gate=gate)
    starting = asyncio.create_task(live.start())
    await until(gate.entered.is_set)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert live._watch.task is None
    gate.leave.set()
    async with live:
        assert live.policy.allows("user", "GET", "/user")


# --- a newer document


def checking(live: LivePolicy) -> bool:
    return live.checking


class Slow:
    """A gate that works on the first document that it judges until it is told to end, or to give way."""

    def __init__(self) -> None:
        self.entered, self.leave = threading.Event(), threading.Event()
        self.judged: list[bytes] = []

    def __call__(self, policy: Policy, _snapshot: Snapshot) -> Sequence[Problem]:
        self.judged.append(policy.document.policy_bytes)
        self.entered.set()
        while len(self.judged) == 1 and not self.leave.wait(0.001):
            breathe()
        return ()


async def test_a_reload_under_way_gives_way_to_a_newer_document_and_says_that_it_checks() -> None:
    shelf, gate = Shelf(USERS), Slow()
    live = loaded(shelf)
    live._gate = gate
    async with live:
        assert checking(live) is False
        shelf.put(ADMINS)
        shelf.told.set()
        await until(gate.entered.is_set)
        assert checking(live) is True
        shelf.put(OTHERS)
        shelf.told.set()
        await until(lambda: live.policy.allows("user", "GET", "/other"))
    assert gate.judged == [ADMINS, OTHERS]
    assert (live.reloads, live.checking) == (1, False)


async def test_what_is_only_touched_does_not_begin_anew() -> None:
    shelf, gate = Shelf(USERS), Slow()
    live = loaded(shelf)
    live._gate = gate
    async with live:
        shelf.put(ADMINS)
        shelf.told.set()
        await until(gate.entered.is_set)
        reads = shelf.reads
        shelf.told.set()
        await until(lambda: shelf.reads > reads)
        gate.leave.set()
        await until(lambda: reaches_admin(live))
    assert gate.judged == [ADMINS]


def test_a_file_that_is_written_without_end_is_judged_at_last() -> None:
    """Each judging finds another document than it began with, until one is judged to its end."""
    shelf = Shelf(USERS)
    live = loaded(shelf)
    turns = 0

    def gate(_policy: Policy, _snapshot: Snapshot) -> Sequence[Problem]:
        nonlocal turns
        turns += 1
        shelf.put(USERS + b"# %d\n" % turns)
        live._changed.set()
        breathe()
        return ()

    live._gate = gate
    shelf.put(ADMINS)
    assert live.reload()
    assert 1 < turns < 10


# --- what the log says


def counting(policy: Policy, snapshot: Snapshot) -> Verdict:
    """A gate that every test passes."""
    return Verdict(len(snapshot.tests), len(snapshot.tests))


def numbered(number: int) -> dict[str, bytes]:
    return {f"{each}.yaml": b"" for each in range(number)}


def test_every_swap_says_what_it_passed(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rbac.reloading.giving_way._SETTLED_S", 0.01)
    shelf = Shelf(USERS, numbered(30))
    live = LivePolicy(shelf, gate=no_gate, tests_gate=counting)
    with caplog.at_level(logging.INFO, "rbac.live"):
        first = live.load().revision
        shelf.put(ADMINS, numbered(25))
        live.reload()
        second = live.policy.revision
        shelf.put(USERS, numbered(1))
        live.reload()
        shelf.put(ADMINS, numbered(2))
        live.reload()
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("INFO", f"policy {first} in force; 30 tests hold"),
        ("WARNING", "an edit waits 0.01 s for test files that are gone: 25.yaml and 4 others"),
        (
            "WARNING",
            f"policy {second} in force, in place of {first}; 25 tests hold, 5 tests fewer than before",
        ),
        ("WARNING", "an edit waits 0.01 s for test files that are gone: 1.yaml and 23 others"),
        (
            "WARNING",
            f"policy {first} in force, in place of {second}; 1 test holds, 24 tests fewer than before",
        ),
        ("INFO", f"policy {second} in force, in place of {first}; 2 tests hold"),
    ]


@pytest.mark.parametrize(
    ("verdict", "says"),
    [
        (Verdict(0, 0), "no policy test was read"),
        (Verdict(3, 2), "2 of 3 tests hold"),
        (Verdict(1, 0), "0 of 1 test hold"),
        (Verdict(2, 2), "2 tests hold"),
    ],
)
def test_a_verdict_is_a_sentence(verdict: Verdict, says: str) -> None:
    assert verdict.says() == says


def refusing(problems: Sequence[Problem]) -> Gate:
    return lambda _policy, _snapshot: problems


def test_every_refusal_is_logged_the_reason_first_and_so_is_the_return(
    caplog: pytest.LogCaptureFixture,
) -> None:
    shelf = Shelf(USERS)
    live = loaded(shelf)
    first = live.policy.revision
    live._gate = refusing([DOUBT, FAULT])
    caplog.clear()
    with caplog.at_level(logging.INFO, "rbac.live"):
        for policy in (ADMINS, OTHERS, USERS, ADMINS):
            shelf.put(policy)
            assert not live.reload()
    refused = f"policy refused, {first} stays in force: "
    refusal = [("ERROR", f"{refused}{FAULT}"), ("WARNING", f"{refused}{DOUBT}")]
    back = ("INFO", f"policy {first}, which is in force, is in its place again")
    found = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert found == [*refusal, *refusal, back, *refusal]
    assert live.refused == 3


def test_a_spell_in_which_nothing_can_be_read_is_one_refusal(caplog: pytest.LogCaptureFixture) -> None:
    class Away(Shelf):
        away = False

        def read(self) -> Snapshot:
            if self.away:
                raise PolicyError([FAULT])
            return super().read()

    shelf = Away(USERS)
    live = loaded(shelf)
    for _ in range(2):
        shelf.away = True
        assert not live.reload()
        assert not live.reload()
        shelf.away = False
        assert not live.reload()
        assert not live.problems
    assert live.refused == 2
    assert caplog.text.count("policy refused") == 2


def test_a_document_that_gave_way_to_nothing_newer_is_judged_all_the_same() -> None:
    """Files that are copied one by one tell of a change after the last of them was read."""
    shelf = Shelf(USERS)
    judged: list[str] = []

    def gives_way_once(policy: Policy, _: Snapshot) -> Sequence[Problem]:
        judged.append(policy.revision)
        if len(judged) == 2:  # the first document was the one to begin with
            raise GivenWay
        return ()

    live = LivePolicy(shelf, gate=gives_way_once)
    live.load()
    shelf.put(ADMINS)
    assert live.reload()
    assert reaches_admin(live)
    assert len(judged) == 3


# --- tests that are still on their way

REFUSES = {"people.yaml": b"fail", "pages.yaml": b"pass"}


def told_by_tests(shelf: Shelf, monkeypatch: pytest.MonkeyPatch, seconds: float = 0.2) -> LivePolicy:
    monkeypatch.setattr("rbac.reloading.giving_way._SETTLED_S", seconds)
    live = LivePolicy(shelf, gate=no_gate, tests_gate=by_their_content)
    live.load()
    return live


@pytest.mark.parametrize("refused_before", [True, False])
async def test_tests_that_are_copied_one_by_one_let_nothing_in_that_the_last_one_refuses(
    refused_before: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever copies a directory removes it first: for a while some of the tests are there, and all of those hold."""
    shelf = Shelf(USERS, dict.fromkeys(REFUSES, b"pass"))
    live = told_by_tests(shelf, monkeypatch, seconds=30)
    async with live:
        if refused_before:
            shelf.put(ADMINS, REFUSES)
            shelf.told.set()
            await until(lambda: bool(live.problems))
        shelf.put(ADMINS, {"pages.yaml": b"pass"})
        shelf.told.set()
        await until(lambda: checking(live))
        shelf.put(ADMINS, REFUSES)
        shelf.told.set()
        await until(lambda: not checking(live) and bool(live.problems))
        assert not reaches_admin(live)
    assert live.reloads == 0


async def test_an_edit_whose_tests_are_gone_for_good_comes_in_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shelf = Shelf(USERS, {"pages.yaml": b"pass", "people.yaml": b"pass"})
    live = told_by_tests(shelf, monkeypatch)
    async with live:
        shelf.put(ADMINS, {"pages.yaml": b"pass"})
        shelf.told.set()
        await until(lambda: reaches_admin(live))
    assert (live.reloads, live.refused) == (1, 0)


async def test_only_an_edit_waits_for_its_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer tests of the policy in force change nothing that anybody may do, and more tests need no waiting."""
    shelf = Shelf(USERS, {"pages.yaml": b"pass", "people.yaml": b"pass"})
    live = told_by_tests(shelf, monkeypatch, seconds=3600)
    shelf.put(USERS, {"pages.yaml": b"pass"})
    assert live.reload()
    shelf.put(ADMINS, {"pages.yaml": b"pass", "people.yaml": b"pass", "more.yaml": b"pass"})
    assert live.reload()
    assert reaches_admin(live)


async def test_tests_that_went_before_the_edit_came_are_waited_for_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A checkout may remove the tests, write the policy, and write the tests."""
    shelf = Shelf(USERS, dict.fromkeys(REFUSES, b"pass"))
    live = told_by_tests(shelf, monkeypatch, seconds=30)
    shelf.put(USERS, {"pages.yaml": b"pass"})
    assert live.reload()
    async with live:
        shelf.put(ADMINS, {"pages.yaml": b"pass"})
        shelf.told.set()
        await until(lambda: checking(live))
        shelf.put(ADMINS, REFUSES)
        shelf.told.set()
        await until(lambda: not checking(live) and bool(live.problems))
    assert not reaches_admin(live)
