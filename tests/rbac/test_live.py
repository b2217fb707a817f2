"""The policy of a running service: replaced in one step, kept when the next one is damaged."""

import asyncio
import contextlib
import errno
import logging
import os
import threading
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path

import pytest
from watchfiles import Change

from rbac import LivePolicy, Policy, PolicyError, Problem
from rbac.policy_tests.verdict import Verdict
from rbac.reloading.judging import Gate, lint_gate
from rbac.stores import Snapshot
from rbac.stores import file as file_store
from rbac.stores.file import FileStore
from rbac.stores.watched import content_of
from rbac.stores.writers import being_written
from tests.support.waiting import LIMIT_S, all_had_their_turn, until

ROOT = Path(__file__).parents[2]
MODEL = (ROOT / "model.conf").read_bytes()
USERS = b"p, user, /user, GET, allow\n"
ADMINS = b"p, user, /user, GET, allow\np, admin, /admin, GET, allow\ng, admin, user\n"
DAMAGED = b"p, user, /user, GET, allow\np, usr /admin GET\n"
FAULT = Problem("policy.csv", 1, 1, "not-today", "error", "not today")
DOUBT = Problem("policy.csv", 1, 1, "perhaps", "warning", "perhaps not")


class Shelf:
    """A store in memory. Its `changes` are told by `tell`."""

    def __init__(self, policy: bytes, tests: dict[str, bytes] | None = None) -> None:
        self.snapshot = Snapshot(MODEL, policy, tests or {})
        self.told = asyncio.Event()
        self.reads = 0

    def read(self) -> Snapshot:
        self.reads += 1
        return self.snapshot

    def put(self, policy: bytes, tests: dict[str, bytes] | None = None) -> None:
        self.snapshot = Snapshot(MODEL, policy, tests or {})

    async def changes(self) -> AsyncGenerator[None, None]:
        while True:
            yield
            await self.told.wait()
            self.told.clear()


def no_gate(_policy: Policy, _snapshot: Snapshot) -> Sequence[Problem]:
    return ()


def by_their_content(_policy: Policy, snapshot: Snapshot) -> Verdict:
    """A gate that each test passes which holds nothing but `pass`."""
    held = sum(content == b"pass" for content in snapshot.tests.values())
    return Verdict(len(snapshot.tests), held, () if held == len(snapshot.tests) else (FAULT,))


def loaded(shelf: Shelf, gate: Gate = no_gate) -> LivePolicy:
    live = LivePolicy(shelf, gate=gate)
    live.load()
    return live


def reaches_admin(live: LivePolicy) -> bool:
    return live.policy.allows("admin", "GET", "/admin")


def test_a_reload_swaps_to_the_document_that_the_store_holds_now() -> None:
    shelf = Shelf(USERS)
    swapped: list[Policy] = []
    live = LivePolicy(shelf, gate=no_gate, on_swap=swapped.append)
    first = live.load()
    assert live.policy is first
    assert (live.reloads, live.refused) == (0, 0)
    shelf.put(ADMINS)
    before = live.loaded_at
    assert live.reload()
    assert reaches_admin(live)
    assert swapped == [live.policy]
    assert live.reloads == 1
    assert live.loaded_at >= before
    assert not first.allows("admin", "GET", "/admin")


def test_what_every_request_asks_of_a_document_is_worked_out_before_it_is_in_force(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Over 100,000 rules it takes long enough to hold up everybody who asks meanwhile."""
    shelf = Shelf(USERS)
    live = LivePolicy(shelf, gate=no_gate)
    live.load()
    shelf.put(ADMINS)
    live.reload()
    for at_work in ("roles_by_sub", "read_names"):
        monkeypatch.setattr(f"rbac.policy.{at_work}", lambda *_: pytest.fail("worked out by a request"))
    assert live.policy.roles_by_sub == {"user", "admin"}
    assert live.policy.names().roles == ("admin", "user")


def test_what_is_in_force_already_is_not_swapped() -> None:
    live = loaded(Shelf(USERS))
    policy = live.policy
    assert not live.reload()
    assert live.policy is policy
    assert live.reloads == 0


def test_a_document_refused_at_start_raises_with_every_problem() -> None:
    with pytest.raises(PolicyError) as error:
        LivePolicy(Shelf(DAMAGED + b"q, x\n")).load()
    assert [problem.line for problem in error.value.problems] == [2, 3]


def test_a_damaged_document_changes_nothing_and_says_why(caplog: pytest.LogCaptureFixture) -> None:
    shelf = Shelf(ADMINS)
    refusals: list[tuple[Problem, ...]] = []
    live = LivePolicy(shelf, gate=no_gate, on_refusal=refusals.append)
    good = live.load()
    shelf.put(DAMAGED)
    with caplog.at_level(logging.ERROR, "rbac.live"):
        assert not live.reload()
        assert not live.reload(), "the same document is refused once"
    assert live.policy is good
    assert [problem.line for problem in live.problems] == [2]
    assert refusals == [live.problems]
    assert (live.reloads, live.refused) == (0, 1)
    assert len([record for record in caplog.records if record.levelno == logging.ERROR]) == 1
    assert "policy.csv:2" in caplog.text
    assert good.revision in caplog.text


@pytest.mark.parametrize(("then", "swaps"), [(ADMINS, False), (USERS, True)])
def test_a_refusal_is_over_when_the_store_holds_a_good_document_again(then: bytes, swaps: bool) -> None:
    shelf = Shelf(ADMINS)
    live = loaded(shelf)
    shelf.put(DAMAGED)
    live.reload()
    assert live.problems
    shelf.put(then)
    assert live.reload() is swaps
    assert not live.problems
    assert live.refused == 1


def test_of_very_many_problems_the_log_is_told_the_first(caplog: pytest.LogCaptureFixture) -> None:
    shelf = Shelf(USERS)
    live = loaded(shelf)
    shelf.put(b"p, user\n" * 1_000)
    assert not live.reload()
    assert len(live.problems) == 1_000
    refused = [record.getMessage() for record in caplog.records if "policy refused" in record.getMessage()]
    assert len(refused) == 51
    assert "and 950 more" in refused[-1]


def test_a_gate_refuses_by_an_error_and_lets_a_warning_pass() -> None:
    found: list[Problem] = [DOUBT]
    shelf = Shelf(USERS)
    live = loaded(shelf, lambda _policy, _snapshot: found)
    assert live.warnings == (DOUBT,)
    found.append(FAULT)
    shelf.put(ADMINS)
    assert not live.reload()
    assert live.problems == (FAULT, DOUBT)
    assert live.warnings == (DOUBT,)
    assert not reaches_admin(live)


def test_the_gate_judges_the_new_document_before_it_is_in_force() -> None:
    shelf = Shelf(USERS)
    seen: list[tuple[str, str]] = []
    live = loaded(shelf)

    def gate(policy: Policy, _snapshot: Snapshot) -> Sequence[Problem]:
        seen.append((policy.revision, live.policy.revision))
        return ()

    live._gate = gate
    old = live.policy.revision
    shelf.put(ADMINS)
    live.reload()
    assert seen == [(live.policy.revision, old)]


def test_a_gate_that_fails_has_not_passed_the_document(caplog: pytest.LogCaptureFixture) -> None:
    def broken(_policy: Policy, _snapshot: Snapshot) -> Sequence[Problem]:
        raise ZeroDivisionError("a mistake in the gate")

    shelf = Shelf(USERS)
    live = loaded(shelf)
    live._gate = broken
    shelf.put(ADMINS)
    assert not live.reload()
    assert [problem.code for problem in live.problems] == ["reload-failed"]
    assert "a mistake in the gate" in caplog.text
    assert not reaches_admin(live)


def test_policy_tests_are_part_of_the_document_and_gate_it() -> None:
    """A changed policy test is judged even when the rules are the same, and swapped in if it passes."""
    shelf = Shelf(USERS, {"a.yaml": b"pass"})
    live = LivePolicy(shelf, gate=no_gate, tests_gate=by_their_content)
    live.load()
    shelf.put(USERS, {"a.yaml": b"fail"})
    assert not live.reload()
    assert live.problems == (FAULT,)
    shelf.put(USERS, {"a.yaml": b"pass", "b.yaml": b"pass"})
    assert live.reload()
    assert not live.problems


def test_lint_is_the_gate_unless_another_is_given() -> None:
    shelf = Shelf(USERS + USERS)
    live = LivePolicy(shelf)
    live.load()
    assert live.warnings == tuple(lint_gate(live.policy, shelf.read()))
    assert live.warnings


def test_a_store_that_cannot_be_read_changes_nothing(tmp_path: Path) -> None:
    model, policy = files(tmp_path, ADMINS)
    live = LivePolicy.files(model, policy, gate=no_gate)
    live.load()
    policy.unlink()
    assert not live.reload()
    assert [problem.code for problem in live.problems] == ["unreadable"]
    assert reaches_admin(live)
    policy.write_bytes(ADMINS)
    assert not live.reload()
    assert not live.problems


def test_a_thousand_reloads_under_decisions_never_give_an_answer_of_neither_document() -> None:
    """Two documents take turns; each answer is that of the document that was in force when it was asked for."""
    blue = b"p, user, /blue, GET, allow\np, user, /both, GET, allow\ng, admin, user\n"
    red = b"p, user, /red, GET, allow\np, user, /both, GET, allow\ng, boss, user\n"
    shelf = Shelf(blue)
    live = loaded(shelf)
    names = {live.policy.revision: "blue"}
    shelf.put(red)
    live.reload()
    names[live.policy.revision] = "red"
    expected = {
        "blue": {("admin", "/blue"): True, ("admin", "/red"): False, ("boss", "/blue"): False},
        "red": {("admin", "/blue"): False, ("admin", "/red"): False, ("boss", "/red"): True},
    }
    wrong: list[object] = []
    asked = [0] * 2
    done = threading.Event()

    def ask(worker: int) -> None:
        while not done.is_set():
            policy = live.policy
            color = names[policy.revision]
            for (role, path), allowed in expected[color].items():
                decision = policy.decide_request(("someone", role, path, "GET"))
                if decision.allowed is not allowed or decision.revision != policy.revision:
                    wrong.append((color, role, path, decision))
            if not live.policy.decide_request(("someone", "user", "/both", "GET")).allowed:
                wrong.append("both documents allow this")
            asked[worker] += 1
            time.sleep(0)  # or threads that only compute leave the reloads no time

    threads = [threading.Thread(target=ask, args=(worker,)) for worker in range(len(asked))]
    for thread in threads:
        thread.start()
    try:
        for turn in range(1_000):
            shelf.put(blue if turn % 2 == 0 else red)
            assert live.reload()
            if turn % 10 == 0:
                shelf.put(DAMAGED + b"# %d\n" % turn)
                assert not live.reload()
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert wrong == []
    assert min(asked) > 0
    assert (live.reloads, live.refused) == (1_001, 100)


def test_reloads_from_many_threads_run_one_at_a_time() -> None:
    shelf = Shelf(USERS)
    live = loaded(shelf)
    running, most = 0, 0

    def gate(_policy: Policy, _snapshot: Snapshot) -> Sequence[Problem]:
        nonlocal running, most
        running += 1
        most = max(most, running)
        time.sleep(0.005)
        running -= 1
        return ()

    live._gate = gate

    def reload(number: int) -> None:
        shelf.put(ADMINS + b"# %d\n" % number)
        live.reload()

    threads = [threading.Thread(target=reload, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    assert live.reloads >= 1


async def test_what_the_store_tells_is_in_force_without_a_call() -> None:
    shelf = Shelf(USERS)
    async with LivePolicy(shelf, gate=no_gate) as live:
        assert not reaches_admin(live)
        shelf.put(ADMINS)
        shelf.told.set()
        await until(lambda: reaches_admin(live))


async def test_after_a_stop_nothing_is_swapped_any_more() -> None:
    shelf = Shelf(USERS)
    live = LivePolicy(shelf, gate=no_gate)
    await live.start()
    await live.stop()
    shelf.put(ADMINS)
    shelf.told.set()
    assert asyncio.all_tasks() == {asyncio.current_task()}  # there is nobody who would swap anything
    await all_had_their_turn()
    assert not reaches_admin(live)
    await live.stop()


async def test_a_watch_that_breaks_is_taken_up_again(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Faulty(Shelf):
        broken = True

        async def changes(self) -> AsyncGenerator[None, None]:
            if self.broken:
                self.broken = False
                raise OSError("no more file events")
            yield

    monkeypatch.setattr("rbac.reloading.watch._RETRY_S", 0.01)
    shelf = Faulty(USERS)
    async with LivePolicy(shelf, gate=no_gate) as live:
        shelf.put(ADMINS)
        await until(lambda: reaches_admin(live))
    assert "no more file events" in caplog.text


# --- Real files ------------------------------------------------------------------------------------------------------


def files(directory: Path, policy: bytes) -> tuple[Path, Path]:
    (directory / "model.conf").write_bytes(MODEL)
    (directory / "policy.csv").write_bytes(policy)
    return directory / "model.conf", directory / "policy.csv"


def write_in_place(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def write_and_rename(path: Path, content: bytes) -> None:
    aside = path.with_name(f".{path.name}.swp")
    aside.write_bytes(content)
    aside.rename(path)


def delete_and_create(path: Path, content: bytes) -> None:
    path.unlink()
    path.write_bytes(content)


def rename_away_and_create(path: Path, content: bytes) -> None:
    path.rename(path.with_name(f"{path.name}~"))
    path.write_bytes(content)


@pytest.fixture
def only_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is seen but by file events: nobody looks besides."""
    monkeypatch.setattr("rbac.stores.watched._LOOK_MS", 60 * round(LIMIT_S) * 1000)


@pytest.mark.usefixtures("only_events")
@pytest.mark.parametrize(
    "write", [write_in_place, write_and_rename, delete_and_create, rename_away_and_create]
)
async def test_an_edit_is_in_force_however_an_editor_saves(
    tmp_path: Path, write: Callable[[Path, bytes], None]
) -> None:
    model, policy = files(tmp_path, USERS)
    async with LivePolicy.files(model, policy, gate=no_gate) as live:
        write(policy, ADMINS)
        await until(lambda: reaches_admin(live))
        write(policy, DAMAGED)
        await until(lambda: bool(live.problems))
        assert reaches_admin(live)
        write(policy, USERS)
        await until(lambda: not reaches_admin(live) and not live.problems)


async def test_an_edit_of_the_model_or_of_a_policy_test_is_seen_too(tmp_path: Path) -> None:
    model, policy = files(tmp_path, USERS)
    seen: list[set[str]] = []

    def gate(_policy: Policy, snapshot: Snapshot) -> Verdict:
        seen.append({Path(name).name for name in snapshot.tests})
        return Verdict(0, 0)

    tests = tmp_path / "policy_tests"
    async with LivePolicy.files(model, policy, tests, gate=no_gate, tests_gate=gate) as live:
        tests.mkdir()
        (tests / "a.yaml").write_text("suite: a")
        await until(lambda: seen[-1] == {"a.yaml"})
        (tests / "deeper").mkdir()
        (tests / "deeper" / "b.yml").write_text("suite: b")
        (tests / "notes.txt").write_text("no test")
        await until(lambda: seen[-1] == {"a.yaml", "b.yml"})
        (tests / "a.yaml").unlink()
        await until(lambda: seen[-1] == {"b.yml"})
        before = live.policy.revision
        model.write_bytes(MODEL + b"\n# another revision\n")
        await until(lambda: live.policy.revision != before)
    assert live.refused == 0


@pytest.mark.usefixtures("only_events")
async def test_a_configmap_swaps_all_files_at_once(tmp_path: Path) -> None:
    """Kubernetes links each file to `..data/<file>` and swaps the link `..data` to a new directory."""
    for name, policy in (("..2024_a", USERS), ("..2024_b", ADMINS), ("..2024_c", USERS)):
        (tmp_path / name).mkdir()
        files(tmp_path / name, policy)
    (tmp_path / "..data").symlink_to("..2024_a")
    for name in ("model.conf", "policy.csv"):
        (tmp_path / name).symlink_to(f"..data/{name}")

    def swap(target: str) -> None:
        (tmp_path / "..data_tmp").symlink_to(target)
        (tmp_path / "..data_tmp").rename(tmp_path / "..data")

    async with LivePolicy.files(tmp_path / "model.conf", tmp_path / "policy.csv", gate=no_gate) as live:
        swap("..2024_b")
        await until(lambda: reaches_admin(live))
        swap("..2024_c")
        await until(lambda: not reaches_admin(live))
        assert live.refused == 0


async def test_watching_ends_also_while_it_turns_to_other_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stop that comes when a link was swapped, and the watch of the old files has not ended yet."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        files(tmp_path / name, USERS)
    link = tmp_path / "current"
    link.symlink_to("a")
    ending, may_end = asyncio.Event(), asyncio.Event()

    async def slow_to_end(*_: object, **__: object) -> AsyncGenerator[set[tuple[Change, str]], None]:
        yield {(Change.modified, str(link))}
        try:
            await asyncio.sleep(LIMIT_S * 10)
        except asyncio.CancelledError:
            ending.set()
            await may_end.wait()
            raise

    monkeypatch.setattr("rbac.stores.watched.awatch", slow_to_end)

    async def watch() -> None:
        async for _ in FileStore(link / "model.conf", link / "policy.csv").changes():
            if link.resolve() != tmp_path / "b":
                link.unlink()
                link.symlink_to(tmp_path / "b")

    watching = asyncio.ensure_future(watch())
    await asyncio.wait_for(ending.wait(), LIMIT_S)
    watching.cancel()
    await all_had_their_turn()
    may_end.set()
    await asyncio.wait({watching}, timeout=LIMIT_S)
    assert watching.cancelled()


async def test_watching_ends_also_when_the_watch_does_not_pass_the_cancelling_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, policy = files(tmp_path, USERS)

    async def deaf(*_: object, **__: object) -> AsyncGenerator[set[tuple[Change, str]], None]:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(LIMIT_S * 10)
        yield set()
        await asyncio.sleep(LIMIT_S * 10)

    monkeypatch.setattr("rbac.stores.watched.awatch", deaf)
    listening = asyncio.Event()

    async def watch() -> None:
        async for _ in FileStore(model, policy).changes():
            listening.set()

    watching = asyncio.ensure_future(watch())
    await asyncio.wait_for(listening.wait(), LIMIT_S)
    await all_had_their_turn()  # it goes on to wait for the first event
    watching.cancel()
    await asyncio.wait({watching}, timeout=LIMIT_S)
    assert watching.cancelled()


async def test_a_directory_that_is_replaced_is_followed(tmp_path: Path) -> None:
    (tmp_path / "policy").mkdir()
    model, policy = files(tmp_path / "policy", USERS)
    async with LivePolicy.files(model, policy, gate=no_gate) as live:
        (tmp_path / "policy").rename(tmp_path / "old")
        (tmp_path / "policy").mkdir()
        files(tmp_path / "policy", ADMINS)
        await until(lambda: reaches_admin(live))
        policy.write_bytes(USERS)
        await until(lambda: not reaches_admin(live))
        assert live.policy.revision == Policy.parse(MODEL, USERS).revision


async def test_a_burst_of_writes_is_few_reloads_and_ends_with_the_last_one(tmp_path: Path) -> None:
    model, policy = files(tmp_path, USERS)
    async with LivePolicy.files(model, policy, gate=no_gate) as live:
        for number in range(50):
            policy.write_bytes(USERS + b"# %d\n" % number)
        policy.write_bytes(ADMINS)
        await until(lambda: reaches_admin(live))
        assert live.reloads < 10


async def test_a_file_that_is_being_written_is_not_read_before_it_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A document whose last lines, the denies, are not written yet would be a whole document too."""
    model, policy = files(tmp_path, USERS)
    looks = 0

    def looked(path: Path) -> bool:
        nonlocal looks
        looks += 1
        return being_written(path)

    monkeypatch.setattr("rbac.stores.watched.being_written", looked)
    async with LivePolicy.files(model, policy, gate=no_gate) as live:
        first = live.policy
        with policy.open("wb") as file:
            before = looks
            file.write(ADMINS)
            file.flush()
            await until(lambda: looks > before + 3)  # it was told, looked again and again, and read nothing
            assert live.policy is first
            file.write(b"p, admin, /admin, GET, deny\n")
        await until(lambda: live.reloads > 0)
        assert not reaches_admin(live)
        assert live.reloads == 1


def test_a_file_that_stays_open_is_refused_and_at_the_first_start_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rbac.stores.watched._PATIENCE_S", 0.05)
    model, policy = files(tmp_path, USERS)
    with policy.open("ab"):
        assert FileStore(model, policy).read().policy == USERS
    store = FileStore(model, policy)
    store.read()
    with policy.open("ab"), pytest.raises(PolicyError) as error:
        store.read()
    assert [(problem.file, problem.code) for problem in error.value.problems] == [(str(policy), "unfinished")]
    assert store.read().policy == USERS


def test_two_files_are_read_of_one_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A swap of both files between the reading of one and of the other is noticed."""
    model, policy = files(tmp_path, USERS)
    store = FileStore(model, policy)
    read, swaps = content_of, [ADMINS, USERS + b"# last\n"]

    def swapping(path: Path) -> bytes:
        content = read(path)
        if path == model and swaps:
            write_and_rename(model, MODEL + b"\n# %d\n" % len(swaps))
            write_and_rename(policy, swaps.pop(0))
        return content

    monkeypatch.setattr(file_store, "content_of", swapping)
    snapshot = store.read()
    assert (snapshot.model, snapshot.policy) == (MODEL + b"\n# 1\n", USERS + b"# last\n")


@pytest.mark.parametrize("missing", ["model.conf", "policy.csv"])
def test_a_missing_file_is_a_problem_with_its_name(tmp_path: Path, missing: str) -> None:
    model, policy = files(tmp_path, USERS)
    (tmp_path / missing).unlink()
    with pytest.raises(PolicyError, match=missing):
        FileStore(model, policy, tmp_path / "none").read()


@pytest.mark.parametrize(
    "kind", ["a directory", "a pipe", "a pipe behind a link", "a device", "a loop of links"]
)
def test_what_is_no_regular_file_is_a_problem_and_is_not_waited_for(tmp_path: Path, kind: str) -> None:
    model, policy = files(tmp_path, USERS)
    live = LivePolicy.files(model, policy, gate=no_gate)
    live.load()
    policy.unlink()
    match kind:
        case "a directory":
            policy.mkdir()
        case "a pipe":
            os.mkfifo(policy)
        case "a pipe behind a link":
            os.mkfifo(tmp_path / "pipe")
            policy.symlink_to("pipe")
        case "a device":
            policy.symlink_to("/dev/zero")
        case _:
            policy.symlink_to(policy.name)
    assert not live.reload()
    assert [(problem.file, problem.code) for problem in live.problems] == [(str(policy), "unreadable")]
    assert live.policy.allows("user", "GET", "/user")


@pytest.mark.parametrize("tests", ["policy_tests", "policy_tests/deep/one.yaml"])
def test_a_link_to_a_policy_test_that_is_gone_does_not_make_it_pass(tmp_path: Path, tests: str) -> None:
    model, policy = files(tmp_path, USERS)
    (tmp_path / "policy_tests/deep").mkdir(parents=True)
    link = tmp_path / "policy_tests/deep/one.yaml"
    link.symlink_to("moved.yaml")
    with pytest.raises(PolicyError, match=r"one\.yaml.*unreadable") as refused:
        FileStore(model, policy, tmp_path / tests).read()
    assert [problem.file for problem in refused.value.problems] == [str(link)]


def test_policy_tests_that_cannot_be_listed_do_not_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, policy = files(tmp_path, USERS)
    (tmp_path / "policy_tests").mkdir()

    def denied(path: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr("os.scandir", denied)
    with pytest.raises(PolicyError, match=r"policy_tests.*permission denied"):
        FileStore(model, policy, tmp_path / "policy_tests").read()


async def test_without_file_events_files_are_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def none_left(*_paths: object, **_options: object) -> object:
        raise OSError("inotify watch limit reached")

    monkeypatch.setattr("watchfiles.main.RustNotify", none_left)
    model, policy = files(tmp_path, USERS)
    async with LivePolicy.files(model, policy, gate=no_gate) as live:
        policy.write_bytes(ADMINS)
        await until(lambda: reaches_admin(live))
        await until(lambda: "inotify watch limit reached" in caplog.text)


async def test_the_loop_goes_on_while_a_reload_works() -> None:
    """A reload runs beside the loop; how long it may hold the loop up is measured by the benchmarks."""
    shelf = Shelf(USERS)
    live = loaded(shelf)
    entered, leave = threading.Event(), threading.Event()

    def gate(_policy: Policy, _snapshot: Snapshot) -> Sequence[Problem]:
        entered.set()
        assert leave.wait(LIMIT_S)
        return ()

    live._gate = gate
    shelf.put(ADMINS)
    reload = asyncio.create_task(asyncio.to_thread(live.reload))
    await until(entered.is_set)
    assert not reaches_admin(live)
    leave.set()
    assert await reload
    assert reaches_admin(live)


def test_a_reload_leaves_the_collector_as_it_was() -> None:
    import gc

    assert gc.isenabled()
    live = loaded(Shelf(USERS))
    assert gc.isenabled()
    with contextlib.suppress(PolicyError):
        loaded(Shelf(DAMAGED))
    assert gc.isenabled()
    gc.disable()
    try:
        live.reload()
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_old_policies_are_given_back() -> None:
    """A replaced policy is gone when nobody asks it any more; reloading does not grow the process."""
    import gc
    import weakref

    shelf = Shelf(USERS)
    live = loaded(shelf)
    old = weakref.ref(live.policy)
    shelf.put(ADMINS)
    live.reload()
    gc.collect()
    assert old() is None


def test_only_the_owner_of_a_lease_may_be_asked(tmp_path: Path) -> None:
    """Where the kernel cannot say, nobody is taken to be writing."""
    from rbac.stores.writers import being_written

    assert not being_written(tmp_path / "missing")
    assert not being_written(Path(os.devnull))
