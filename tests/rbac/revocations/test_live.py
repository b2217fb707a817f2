"""The revocations in force: swapped whole, and the last good ones whatever becomes of the file."""

import time
from functools import partial
from pathlib import Path

import pytest

from rbac import PolicyError
from rbac.revocations.file import RevocationFile, Written
from rbac.revocations.live import LiveRevocations
from rbac.revocations.row import written_time
from rbac.revocations.table import SentAway
from rbac.stores.cache import DocumentCache
from tests.support.waiting import until

NOW = 1_800_000_000
BOB = f"sub, bob, {written_time(NOW)}, left\n"
ANN = f"sub, ann, {written_time(NOW)}, left\n"
OLD = {"iat": NOW}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "revocations.csv"
    path.write_text(BOB)
    return path


def live_of(file: Path, cache: Path | None = None) -> LiveRevocations:
    return LiveRevocations(RevocationFile(file), cache=None if cache is None else DocumentCache(cache))


def test_rows_that_are_new_are_swapped_in_and_rows_that_are_gone_out(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    live = live_of(file)
    held = live.load()
    file.write_text(ANN + "# bob may come back\n")
    assert live.reload()
    assert not live.reload()
    assert live.table.meets("ann", OLD)
    assert not live.table.meets("bob", OLD)
    assert held.meets("bob", OLD), "whoever reads a table holds it"
    file.write_text("")
    assert live.reload()
    assert "1 fewer than before" in caplog.text
    assert (live.reloads, live.refused) == (2, 0)


@pytest.mark.parametrize("harm", ["row", "bytes", "gone", "directory", "mode"])
def test_a_file_that_cannot_be_read_keeps_the_last_one_and_says_so(
    file: Path, harm: str, caplog: pytest.LogCaptureFixture
) -> None:
    live = live_of(file)
    live.load()
    if harm == "row":
        file.write_text(BOB + "sub, ann\n")
    elif harm == "bytes":
        file.write_bytes(b"\xff\xfe\x00")
    else:
        file.unlink()
        if harm == "directory":
            file.mkdir()
        elif harm == "mode":
            file.symlink_to(file)
    assert not live.reload()
    assert not live.reload()
    assert live.table.meets("bob", OLD)
    assert live.problems
    assert live.refused == 1
    assert "the last good ones stay in force" in caplog.text
    if harm == "directory":
        file.rmdir()
    else:
        file.unlink(missing_ok=True)
    file.write_text(BOB)
    live.reload()
    assert not live.problems


def test_a_store_that_fails_in_a_way_of_its_own_keeps_the_last_ones(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = live_of(file)
    live.load()
    with monkeypatch.context() as patched:
        patched.setattr(RevocationFile, "read", lambda _: 1 / 0)
        assert not live.reload()
    assert live.table.meets("bob", OLD)
    assert [problem.code for problem in live.problems] == ["reload-failed"]
    file.write_text(ANN)
    assert live.reload()
    assert not live.problems


@pytest.mark.parametrize("content", ["sub, bob\n", None])
def test_a_first_file_that_cannot_be_read_is_refused(file: Path, content: str | None) -> None:
    file.unlink() if content is None else file.write_text(content)
    with pytest.raises(PolicyError):
        live_of(file).load(or_last_good=True)


def test_a_start_goes_on_with_the_last_good_ones_that_are_kept(file: Path, tmp_path: Path) -> None:
    cache = tmp_path / "kept"
    live_of(file, cache).load()
    file.write_text("nonsense")
    with pytest.raises(PolicyError):
        live_of(file, cache).load()
    again = live_of(file, cache)
    assert again.load(or_last_good=True).meets("bob", OLD)
    assert again.last_good
    assert again.problems
    file.write_text(BOB)
    again.reload()
    assert (again.last_good, again.problems) == (False, ())


def test_a_worker_that_is_late_keeps_no_older_ones_in_place_of_newer_ones(tmp_path: Path) -> None:
    class Counting(RevocationFile):
        def __init__(self, *written: Written) -> None:
            super().__init__(tmp_path / "unused")
            self.written = list(written)

        def read(self) -> Written:
            return self.written.pop(0)

    cache = tmp_path / "kept"
    fewer, more = Written(ANN.encode(), "pg:policy", 1), Written((ANN + BOB).encode(), "pg:policy", 2)
    early, late = (LiveRevocations(Counting(each), cache=DocumentCache(cache)) for each in (more, fewer))
    early.load()
    late.load()
    assert DocumentCache(cache).read().policy == more.content


def test_a_kept_file_that_somebody_changed_is_no_last_good_one(file: Path, tmp_path: Path) -> None:
    cache = tmp_path / "kept"
    live_of(file, cache).load()
    cache.write_bytes(cache.read_bytes().replace(b"policy_name", b"policy_nome"))
    file.write_text("nonsense")
    with pytest.raises(PolicyError):
        live_of(file, cache).load(or_last_good=True)


def _away(live: LiveRevocations, sub: str) -> bool:
    return live.table.meets(sub, OLD)


async def test_an_edit_comes_into_force_however_it_is_made(file: Path) -> None:
    live = live_of(file)
    async with live:
        for number in range(3):
            row = f"sub, p{number}, {written_time(NOW)}, left\n"
            if number % 2:
                aside = file.with_suffix(".new")
                aside.write_text(row)
                aside.replace(file)
            else:
                with file.open("a") as opened:
                    opened.write(row)
            await until(partial(_away, live, f"p{number}"))


def test_who_is_told_of_a_swap_sees_it(file: Path) -> None:
    live = live_of(file)
    told: list[tuple[SentAway, bool]] = []
    live.on_swap = lambda table: told.append((table, live.table is table))
    live.load()
    file.write_text(ANN)
    live.reload()
    assert told == [(live.table, True)]


def test_rows_of_a_moment_that_is_yet_to_come_are_in_force_and_told_of(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    live = live_of(file)
    file.write_text(f"everyone, *, {written_time(time.time() + 3600)}, which year?\n")
    assert live.load().meets("ann", {"iat": time.time()})
    assert "revocation-ahead" in caplog.text
