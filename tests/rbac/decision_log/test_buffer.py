"""Records are written in order and without loss, off the request's path, and everybody is told when they cannot be."""

import asyncio
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import orjson
import pytest
from fastapi import FastAPI, Request
from jsonschema import Draft202012Validator

from app.config import Settings
from app.main import create_app
from rbac.decision_log import record as decision_record
from rbac.decision_log.buffer import (
    BATCH,
    BATCH_BYTES,
    CAPACITY,
    PIECE,
    DecisionLog,
    DecisionLogUnavailable,
)
from rbac.decision_log.record import RECORD_BYTES, Record, weight
from rbac.decision_log.ruling import Asked, Ruling
from rbac.decision_log.writer import RECENT, RECENT_BYTES, Writer
from rbac.guard.checkpoint import Checkpoint
from tests.support.application import bearer, served, settings_for
from tests.support.decisions import Sink, decided, lines, rejected
from tests.support.issuer import ABSENT, Issuer
from tests.support.service import ROOT
from tests.support.waiting import LIMIT_S, all_had_their_turn, comes_true


@contextmanager
def running(log: DecisionLog) -> Iterator[DecisionLog]:
    log.start()
    try:
        yield log
    finally:
        log.stop()


def until(condition: Callable[[], object]) -> None:
    """Waits for what another thread does."""
    assert comes_true(condition), "it never came to that"


def test_a_stop_writes_everything_that_was_recorded_in_its_order() -> None:
    sink = Sink()
    records = [decided() for _ in range(2_000)]
    with running(DecisionLog(Writer(sink))) as log:
        for record in records:
            log.record(record)
    assert sink.ids == [record.decision_id for record in records]
    assert (log.pending, log.writer.written, sink.closed) == (0, 2_000, True)


def test_nobody_waits_for_more_while_a_whole_batch_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the log would write a batch a pause, and slow down whoever asks more in that time."""
    log = DecisionLog(Writer(Sink()))
    waited: list[int] = []
    sleep = time.sleep

    def watched(seconds: float) -> None:
        if threading.current_thread() is log._thread:
            waited.append(log.pending)
        sleep(seconds)

    monkeypatch.setattr(time, "sleep", watched)
    for _ in range(10 * BATCH):
        log.record(decided())
    with running(log):
        until(lambda: log.pending == 0)
        log.record(decided())
        until(lambda: waited)
    assert max(waited) < BATCH


def test_others_run_between_the_pieces_of_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who lets go of Python's lock to send an answer waits for a piece, not for all that came meanwhile."""
    log = DecisionLog(Writer(Sink()))
    waited: list[int] = []
    sleep = time.sleep

    def watched(seconds: float) -> None:
        if threading.current_thread() is log._thread:
            waited.append(len(log._buffer))
        sleep(seconds)

    monkeypatch.setattr(time, "sleep", watched)
    for _ in range(5 * PIECE):
        log.record(decided())
    with running(log):
        until(lambda: log.pending == 0)
    assert waited == [5 * PIECE, 4 * PIECE, 3 * PIECE, 2 * PIECE, PIECE]


def test_records_of_several_threads_are_all_written_each_threads_in_its_order() -> None:
    sink = Sink()

    def produce(_: int) -> list[str]:
        records = [decided() for _ in range(500)]
        for record in records:
            log.record(record)
        return [record.decision_id for record in records]

    with running(DecisionLog(Writer(sink))) as log, ThreadPoolExecutor(4) as pool:
        produced = list(pool.map(produce, range(4)))
    for ids in produced:
        among = set(ids)
        assert [each for each in sink.ids if each in among] == ids
    assert len(sink.ids) == 2_000


def test_a_record_is_written_without_waiting_for_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rbac.decision_log.buffer._TICK_S", 60 * LIMIT_S)
    sink = Sink()
    with running(DecisionLog(Writer(sink))) as log:
        for expected in range(1, 4):
            log.record(decided())
            until(partial(_has, sink, expected))
    assert len(sink.ids) == 3


def _has(sink: Sink, count: int) -> bool:
    return len(sink.ids) == count


async def test_a_full_buffer_makes_callers_wait_and_loses_nothing() -> None:
    sink = Sink()
    sink.stuck = True
    with running(DecisionLog(Writer(sink), capacity=10 * weight(decided(request_id="r")))) as log:
        log.record(decided())
        until(
            lambda: sink.attempts == 1
        )  # the writer waits for the sink, so what follows stays in the buffer
        for _ in range(10):
            assert not log.waits
            log.record(decided(request_id="r"))
        assert log.waits
        log.record(decided())
        waiting = asyncio.create_task(log.settle())
        await all_had_their_turn()
        assert not waiting.done()
        sink.stuck = False
        await asyncio.wait_for(waiting, LIMIT_S)
        assert len(sink.ids) == 12
    assert log.writer.lost == 0


@pytest.mark.parametrize("required", [False, True])
async def test_a_write_that_does_not_end_holds_nobody_for_ever_and_is_an_alarm(
    required: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A reader of the pipe that stops, a disk that does not answer: nothing fails, it only never ends."""
    monkeypatch.setattr("rbac.decision_log.writer.BLOCKED_AFTER_S", 0.1)
    sink = Sink()
    sink.stuck = True
    with running(DecisionLog(Writer(sink), required=required)) as log:
        records = [decided() for _ in range(3)]
        log.record(records[0])
        until(lambda: sink.attempts == 1)
        log.record(records[1])
        waiting = [asyncio.create_task(log.settle()) for _ in range(5)]
        await asyncio.sleep(0)
        until(lambda: log.writer.blocked)
        assert (log.writer.failing, log.refusing) == (True, required)
        for _ in range(3):
            log.look()
        told = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), LIMIT_S)
        assert [type(each) for each in told] == [DecisionLogUnavailable if required else type(None)] * 5
        log.record(records[2])
        with nullcontext() if not required else pytest.raises(DecisionLogUnavailable):
            await asyncio.wait_for(log.settle(), LIMIT_S)
        alarms = [each for each in caplog.records if each.levelno == logging.CRITICAL]
        assert len(alarms) == 1
        assert "a write has not ended for" in alarms[0].getMessage()
        sink.stuck = False
        until(lambda: not log.writer.failing and log.pending == 0)
        await log.settle()
    assert sink.ids == [record.decision_id for record in records]
    assert "can be written again" in caplog.text


async def test_who_waits_for_a_batch_that_is_being_written_is_let_go_as_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rbac.decision_log.writer.BLOCKED_AFTER_S", 0.1)
    sink = Sink()
    sink.stuck = True
    log = DecisionLog(Writer(sink))
    log.record(decided())
    waiting = asyncio.create_task(log.settle())
    await asyncio.sleep(0)  # its mark is in the batch that the log begins with
    with running(log):
        until(lambda: log.writer.blocked)
        assert not waiting.done()
        log.look()
        await asyncio.wait_for(waiting, LIMIT_S)
        assert sink.ids == []  # it is let go, and not because anything was written
        sink.stuck = False


async def test_a_log_that_is_open_is_looked_after_also_once_a_look_failed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("rbac.decision_log.buffer._LOOK_S", 0.01)
    looks: list[int] = []

    def look() -> None:
        looks.append(len(looks))
        if len(looks) == 1:
            raise OSError("not now")

    log = DecisionLog(Writer(Sink()))
    monkeypatch.setattr(log, "look", look)
    async with log:
        assert await asyncio.to_thread(comes_true, lambda: len(looks) > 2)
    seen = len(looks)
    await asyncio.sleep(0.1)
    assert len(looks) == seen
    assert caplog.text.count("will be tried again") == 1


@pytest.mark.parametrize("text", ["a", "駅", "🚉"])
def test_the_buffer_is_counted_in_bytes(text: str) -> None:
    """Long paths, long ids and many roles fill it as much as many records do."""
    log = DecisionLog(Writer(None))
    record = decided("/" + 60_000 * text)
    count = 0
    while not log.waits:
        log.record(record)
        count += 1
    kept = count * 60_000 * len(text.encode())
    assert kept <= CAPACITY < log.pending_bytes + weight(record)


@pytest.mark.parametrize(
    "record",
    [
        decided(),
        decided("/" + "x" * 5_000),
        decided("/" + "駅" * 5_000),
        decided("/" + "🚉" * 5_000),
        decided("/", "🚉" * 5_000),
        decided(who=Asked("7" * 3_000, tuple(f"role-{number}" for number in range(900)))),
        decided(request_id="r" * 1_000),
        rejected(obj="/" + "x" * 5_000),
    ],
    ids=[
        "usual",
        "long path",
        "wide path",
        "wider path",
        "wide action",
        "many roles",
        "long id",
        "rejection",
    ],
)
def test_what_a_record_counts_is_no_less_than_its_line(record: Record) -> None:
    written = len(decision_record.line(decision_record.entry(record)))
    assert written <= weight(record) <= 2 * written + RECORD_BYTES


def test_large_records_are_written_a_few_at_a_time() -> None:
    sink = Sink()
    log = DecisionLog(Writer(sink))
    record = decided("/" + "x" * 300_000)
    for _ in range(20):
        log.record(record)
    with running(log):
        until(lambda: log.pending == 0)
    assert sink.attempts >= 20 * weight(record) // (2 * BATCH_BYTES)
    assert len(sink.ids) == 20


def test_what_is_kept_for_reading_is_counted_in_bytes() -> None:
    with running(DecisionLog(Writer(None))) as log:
        for _ in range(RECENT):
            log.record(decided("/" + "x" * 20_000))
        until(lambda: log.pending == 0)
        kept = sum(map(len, log.writer.recent))
    assert RECENT_BYTES / 2 < kept <= RECENT_BYTES


async def test_who_waits_goes_on_once_their_own_record_is_written() -> None:
    sink = Sink()
    with running(DecisionLog(Writer(sink), required=True)) as log:
        for _ in range(20):
            record = decided()
            log.record(record)
            assert log.waits
            await asyncio.wait_for(log.settle(), LIMIT_S)
            assert sink.ids[-1] == record.decision_id


async def test_who_no_longer_waits_holds_nobody_up() -> None:
    sink = Sink()
    sink.stuck = True
    with running(DecisionLog(Writer(sink), required=True)) as log:
        log.record(decided())
        gone, waiting = asyncio.create_task(log.settle()), asyncio.create_task(log.settle())
        await asyncio.sleep(0)
        gone.cancel()
        sink.stuck = False
        await asyncio.wait_for(waiting, LIMIT_S)
    assert gone.cancelled()


def test_what_cannot_be_written_is_kept_and_written_later_once(caplog: pytest.LogCaptureFixture) -> None:
    sink = Sink()
    sink.full = True
    records = [decided() for _ in range(700)]  # more than one batch
    with running(DecisionLog(Writer(sink))) as log:
        for record in records:
            log.record(record)
        until(lambda: log.writer.failures >= 2)
        assert log.writer.failing
        assert not log.refusing
        assert log.pending == 700
        assert log.writer.kept <= BATCH  # the rest stays in the buffer, which has a limit
        sink.full = False
        until(lambda: not log.writer.failing)
    assert sink.ids == [record.decision_id for record in records]
    alarms = [each for each in caplog.records if each.levelno == logging.CRITICAL]
    assert [each.getMessage() for each in alarms] == [
        "the decision log cannot be written, records are kept: No space left on device"
    ]
    assert "can be written again" in caplog.text


async def test_a_required_record_that_cannot_be_written_is_an_error_now_and_a_line_later() -> None:
    sink = Sink()
    sink.full = True
    with running(DecisionLog(Writer(sink), required=True)) as log:
        record = decided()
        log.record(record)
        with pytest.raises(DecisionLogUnavailable):
            await asyncio.wait_for(log.settle(), LIMIT_S)
        assert log.refusing
        with pytest.raises(DecisionLogUnavailable):
            await asyncio.wait_for(log.settle(), LIMIT_S)
        sink.full = False
        until(lambda: not log.refusing)
        await log.settle()
    assert sink.ids == [record.decision_id]


async def test_who_waits_behind_many_others_hears_of_the_failure_as_soon() -> None:
    sink = Sink()
    sink.stuck = True
    with running(DecisionLog(Writer(sink), required=True)) as log:
        log.record(decided())
        until(lambda: sink.attempts == 1)
        for _ in range(2 * BATCH):
            log.record(decided())
        waiting = asyncio.create_task(log.settle())
        await asyncio.sleep(0)
        sink.full, sink.stuck = True, False
        with pytest.raises(DecisionLogUnavailable):
            await asyncio.wait_for(waiting, LIMIT_S)
        sink.full = False


def test_what_there_is_no_room_for_leaves_a_line_that_counts_it_where_it_would_stand() -> None:
    sink = Sink()
    sink.full = True
    records = [decided(request_id="r") for _ in range(30)]
    with running(DecisionLog(Writer(sink), capacity=10 * weight(records[0]))) as log:
        log.record(records[0])
        until(lambda: log.writer.failing)
        for record in records[1:]:
            log.record(record)
        assert log.writer.lost == 19
        sink.full = False
        until(lambda: log.pending == 0)
        log.record(decided())
    events = [(line["event"], line.get("lost")) for line in sink.lines]
    assert events == [("decision", None)] * 11 + [("loss", 19)] + [("decision", None)]
    assert sink.ids[:11] == [record.decision_id for record in records[:11]]


@pytest.mark.parametrize("room", [5, 40, 10_000])
def test_records_that_come_together_are_kept_as_if_one_by_one(room: int) -> None:
    """Also while nothing can be written, and there is room for some of them."""
    records = [decided("/" + "x" * (number % 7), request_id="r") for number in range(100)]
    seen = []
    for together in (True, False):
        sink = Sink()
        sink.full = True
        with running(DecisionLog(Writer(sink), capacity=room * weight(records[0]))) as log:
            log.record(records[0])
            until(lambda: log.writer.failing)
            if together:
                assert log.record_each(records[1:], 1 << 20) == 99
            else:
                for record in records[1:]:
                    log.record(record)
            kept = log.waits, log.writer.lost, log.pending_bytes, log.recorded_bytes
            sink.full = False
        seen.append((kept, [(line["event"], line.get("lost"), line.get("obj")) for line in sink.lines]))
    assert seen[0] == seen[1]


def test_of_records_that_come_together_as_many_are_kept_as_were_asked_for() -> None:
    sink = Sink()
    records = [decided("/" + "x" * number) for number in range(50)]
    with running(DecisionLog(Writer(sink))) as log:
        taken = sum(map(weight, records[:20]))
        assert log.record_each(records, taken) == 21
        assert log.recorded_bytes == sum(map(weight, records[:21]))
        assert log.record_each(records[21:], sum(map(weight, records[21:37])) - 1) == 16
        assert log.record_each(records[37:38], 0) == 1
        assert log.record_each([], 0) == 0
    assert sink.ids == [record.decision_id for record in records[:38]]


def test_a_stop_gives_up_in_the_end_and_says_what_is_lost(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("rbac.decision_log.buffer._FLUSH_S", 0.5)
    sink = Sink()
    sink.full = True
    with running(DecisionLog(Writer(sink))) as log:
        for _ in range(3):
            log.record(decided())
    assert "3 decision records could not be written before the stop: they are lost" in caplog.text


def test_without_a_sink_records_are_counted_and_shown_and_never_pile_up() -> None:
    counted: list[Record] = []
    with running(DecisionLog(Writer(None, observe=lambda records, _: counted.extend(records)))) as log:
        for _ in range(3):
            log.record(decided())
    assert (len(counted), len(log.writer.recent), log.pending) == (3, 3, 0)


def test_the_newest_lines_are_remembered_as_they_were_written() -> None:
    sink = Sink()
    with running(DecisionLog(Writer(sink))) as log:
        for _ in range(RECENT + 10):
            log.record(decided())
    assert b"".join(log.writer.recent) == b"".join(sink.content.splitlines(keepends=True)[10:])


def test_whoever_looks_on_cannot_disturb_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Comparing, counting and sampling may fail; the line is written all the same."""

    def fail(*_: object) -> Any:
        raise RuntimeError("no")

    sink = Sink()
    with running(DecisionLog(Writer(sink, fail, fail), tick=fail)) as log:
        log.record(decided())
    assert len(sink.ids) == 1
    assert {each.getMessage() for each in caplog.records} == {
        "a decision could not be compared",
        "1 decisions could not be counted",
        "what is done every second failed, and will be tried again",
    }


def test_a_record_that_cannot_become_a_line_is_a_loss_and_stops_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sink = Sink()
    wrong = decided()
    wrong = wrong._replace(ruling=Ruling(wrong.ruling.decision, ("too few",), wrong.ruling.policy))
    with running(DecisionLog(Writer(sink))) as log:
        log.record(wrong)
        log.record(decided())
    assert [line["event"] for line in sink.lines] == ["loss", "decision"]
    assert log.writer.lost == 1
    assert "a decision could not be recorded" in caplog.text


EXIT = """
import os
import sys
from pathlib import Path
from rbac.decision_log.buffer import DecisionLog
from rbac.decision_log.sinks import FileSink
from rbac.decision_log.writer import Writer
from tests.support.decisions import decided
log = DecisionLog(Writer(FileSink(Path(sys.argv[1]))))
log.start()
for _ in range(500):
    log.record(decided())
if "fork" in sys.argv:
    child = os.fork()
    if child:
        os.waitpid(child, 0)
sys.exit(3)
"""


@pytest.mark.parametrize("how", ["", "fork"])
def test_a_process_that_just_exits_writes_what_it_recorded_and_its_forks_do_not(
    tmp_path: Path, how: str
) -> None:
    path = tmp_path / "d.jsonl"
    ended = subprocess.run(
        [sys.executable, "-c", EXIT, str(path), how], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert (ended.returncode, ended.stderr) == (3, "")
    assert len(lines(path)) == 500


# --- in the service ---


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with Issuer() as listening:
        yield listening


def settings(issuer: Issuer, directory: Path, **changes: str) -> Settings:
    return settings_for(
        issuer,
        directory,
        **{"DECISION_LOG": str(directory / "d.jsonl"), "EXPLAIN_DENIALS": "false"} | changes,
    )


def test_every_answer_has_its_line(issuer: Issuer, tmp_path: Path) -> None:
    admin, user = bearer(issuer.token()), bearer(issuer.token(**{"custom:role": "user"}))
    both = bearer(issuer.token(**{"custom:role": ABSENT, "cognito:groups": ["user", "admin"]}))
    asked = [
        ("GET", "/public", {}, 200),
        ("HEAD", "/public", {}, 200),
        ("GET", "/user", {}, 401),
        ("GET", "/user?token=secret", user, 200),
        ("GET", "/admin", user, 403),
        ("GET", "/admin", both, 200),
        ("GET", "/nowhere", admin, 403),
        ("POST", "/public", admin, 403),
        ("GET", "/public", bearer("junk"), 401),
        ("GET", "/public", bearer(issuer.token(exp=1)), 401),
        ("GET", "/a%00b", user, 400),
    ]
    log = tmp_path / "d.jsonl"
    with served(settings(issuer, tmp_path, ROLE_CLAIMS="custom:role,cognito:groups")) as client:
        answers = [client.request(method, path, headers=headers) for method, path, headers, _ in asked]
    assert [answer.status_code for answer in answers] == [status for *_, status in asked]
    written = lines(log)
    assert [line["request_id"] for line in written] == [answer.headers["x-request-id"] for answer in answers]
    assert [line["event"] for line in written] == ["decision"] * 8 + ["rejection"] * 3
    assert [line.get("allowed") for line in written] == [status == 200 for *_, status in asked[:8]] + [
        None
    ] * 3
    assert [line["reason"] for line in written[8:]] == ["malformed", "expired", "invalid_path"]
    assert [line["status"] for line in written[8:]] == [401, 401, 400]
    assert written[5]["roles"] == written[5]["request"]["role"] == ["user", "admin"]
    assert (written[1]["act"], written[3]["obj"]) == ("GET", "/user")
    schema = Draft202012Validator(orjson.loads((ROOT / "docs/decision-log.schema.json").read_bytes()))
    for line in written:
        schema.validate(line)
    text = log.read_text()
    assert not any(word in text for word in ("eyJ", "@example", "secret", "?"))


def test_a_403_names_the_decision_that_the_log_holds(issuer: Issuer, tmp_path: Path) -> None:
    with served(settings(issuer, tmp_path)) as client:
        refused = client.get("/admin", headers=bearer(issuer.token(**{"custom:role": "user"}))).json()
    (line,) = lines(tmp_path / "d.jsonl")
    assert (refused["decision_id"], refused["policy_revision"], refused["request_id"]) == (
        line["decision_id"],
        line["policy_revision"],
        line["request_id"],
    )


def test_an_error_before_the_decision_has_its_line_too(
    issuer: Issuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(settings(issuer, tmp_path)) as client:
        monkeypatch.setattr("rbac.guard.checkpoint._ruling_by", lambda *_: lambda *_: 1 / 0)
        assert client.get("/public").status_code == 500
    (line,) = lines(tmp_path / "d.jsonl")
    assert (line["event"], line["reason"], line["status"]) == ("rejection", "internal_error", 500)


def test_standard_output_holds_decisions_and_nothing_else(
    issuer: Issuer, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with served(settings(issuer, tmp_path, DECISION_LOG="stdout")) as client:
        client.get("/public")
        client.get("/admin")
    (tmp_path / "out").write_text(capfd.readouterr().out)
    assert [line["obj"] for line in lines(tmp_path / "out")] == ["/public", "/admin"]


def test_off_writes_nothing_anywhere(
    issuer: Issuer, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = sorted(tmp_path.iterdir())
    with served(settings(issuer, tmp_path, DECISION_LOG="off")) as client:
        assert client.get("/public").status_code == 200
    assert capfd.readouterr().out == ""
    assert {path.name for path in tmp_path.iterdir()} - {path.name for path in before} == {
        "model.conf",
        "policy.csv",
        "revocations.csv",
    }


CALLS = ("/public", "/user", "/a%00b")


def test_where_records_are_required_a_full_disk_is_503_for_all_but_those_who_watch(
    issuer: Issuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Already for the first, before anybody could have known."""
    monkeypatch.setattr("rbac.decision_log.buffer._FLUSH_S", 0.1)
    full = settings(issuer, tmp_path, DECISION_LOG="/dev/full", DECISION_LOG_REQUIRED="true")
    with served(full) as client:
        answers = [client.get(path) for path in CALLS]
        answers.append(client.get("/public", headers=bearer("junk")))
        watcher = bearer(issuer.token(**{"custom:role": "security"}))
        watched = [client.get(path, headers=watcher) for path in ("/healthz", "/metrics", "/readyz")]
        unwatched = client.get("/metrics")
    assert [answer.status_code for answer in watched] == [200, 200, 503]
    assert "sekisho_decision_log_failing 1.0" in watched[1].text
    assert watched[2].json()["decision_log"]["failing"] is True
    assert unwatched.status_code == 401
    assert [answer.status_code for answer in answers] == [503] * 4
    assert {answer.json()["error"] for answer in answers} == {"decision_log_unavailable"}
    assert {answer.headers["retry-after"] for answer in answers} == {"2"}


@pytest.mark.parametrize("first", ["/public", "/user", "/a%00b"])
def test_a_503_for_want_of_a_record_leaves_its_line_once_that_can_be(
    issuer: Issuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    sink = Sink()
    sink.full = True
    monkeypatch.setattr("app.lifespan.FileSink", lambda _: sink)
    with served(settings(issuer, tmp_path, DECISION_LOG_REQUIRED="true")) as client:
        unrecorded = [client.get(path) for path in (first, "/public")]
        sink.full = False
        until(lambda: client.get("/public").status_code == 200)
    assert [answer.status_code for answer in unrecorded] == [503, 503]
    for answer in unrecorded:
        written = [line for line in sink.lines if line["request_id"] == answer.headers["x-request-id"]]
        assert (written[-1]["reason"], written[-1]["status"]) == ("decision_log_unavailable", 503)


def test_where_records_are_not_required_a_full_disk_is_an_alarm_and_no_outage(
    issuer: Issuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("rbac.decision_log.buffer._FLUSH_S", 0.1)
    with served(settings(issuer, tmp_path, DECISION_LOG="/dev/full")) as client:
        assert client.get("/public").status_code == 200
        until(lambda: client.get("/readyz").json()["decision_log"]["failing"])
        ready = client.get("/readyz")
        exposed = client.get("/metrics", headers=bearer(issuer.token(**{"custom:role": "security"}))).text
    assert ready.status_code == 200
    assert ready.json()["decision_log"]["pending"] >= 2
    assert "sekisho_decision_log_failing 1.0" in exposed
    assert "sekisho_decision_log_failures_total 0.0" not in exposed


def test_an_endpoint_that_decides_for_others_records_that_besides_and_with_the_same_request(
    issuer: Issuer, tmp_path: Path
) -> None:
    with served(settings(issuer, tmp_path), _deciding(settings(issuer, tmp_path))) as client:
        answer = client.get("/public/ask")
    own, asked = lines(tmp_path / "d.jsonl")
    assert (own["via"], asked["via"]) == ("http", "authzen")
    assert own["request_id"] == asked["request_id"]
    assert (asked["sub"], asked["roles"], asked["obj"]) == ("7", ["user"], "/user")
    assert answer.json() == asked["decision_id"] != own["decision_id"]


def test_an_endpoint_that_cannot_record_what_it_decides_answers_503(
    issuer: Issuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = Sink()
    monkeypatch.setattr("app.lifespan.FileSink", lambda _: sink)
    monkeypatch.setattr("rbac.decision_log.buffer._FLUSH_S", 0.1)
    required = settings(issuer, tmp_path, DECISION_LOG_REQUIRED="true")
    with served(required, _deciding(required, lambda: setattr(sink, "full", True))) as client:
        answer = client.get("/public/ask")
        assert (answer.status_code, answer.json()["error"]) == (503, "decision_log_unavailable")
        sink.full = False


def _deciding(chosen: Settings, before_recording: Callable[[], None] = lambda: None) -> FastAPI:
    """The application with an endpoint that asks the policy about somebody else."""
    with chosen.policy_file.open("a") as policy:
        policy.write("p, everyone, /public/ask, GET, allow\n")
    app = create_app(chosen)

    @app.get("/public/ask")
    async def ask(request: Request) -> str:
        checkpoint: Checkpoint = request.app.state.checkpoint
        policy, words = checkpoint.live.policy, ("7", "user", "/user", "GET")
        started = perf_counter_ns()
        ruling = Ruling(policy.decide_request(words), words, policy)
        before_recording()
        decision_id = checkpoint.record(
            request.scope, ruling, Asked("7", ("user",)), "GET", "/user", via="authzen", started=started
        )
        await checkpoint.recorded()
        return decision_id

    return app
