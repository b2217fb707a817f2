"""The kept document comes back whole or not at all, and only from a file that nobody else could have written."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rbac import LivePolicy, PolicyError
from rbac.stores import Snapshot
from rbac.stores.cache import DocumentCache
from tests.support.documents import MODEL
from tests.support.waiting import until

SNAPSHOT = Snapshot(
    b"\xff model", b"p, a\r\n", {"a.yaml": b"tests: []", "b.yml": b""}, "m.conf", "p.csv", "tests", ("c.txt",)
)
GOOD = "p, everyone, /public, GET, allow\n"
NEXT = "p, everyone, /next, GET, allow\n"
BROKEN = "p, everyone, /public, GET, alow\n"


def refusal(cache: DocumentCache) -> str:
    with pytest.raises(PolicyError) as caught:
        cache.read()
    (problem,) = caught.value.problems
    assert (problem.code, problem.file) == ("cache-refused", str(cache.path))
    return problem.message


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    cache = DocumentCache(tmp_path / "made" / "policy")
    cache.write(SNAPSHOT)
    assert cache.read() == SNAPSHOT
    assert cache.path.stat().st_mode & 0o777 == 0o600
    assert {path.name for path in cache.path.parent.iterdir()} == {"policy", ".policy.lock"}


@given(place=st.integers(0, 10_000), change=st.integers(1, 255))
def test_any_changed_byte_is_a_refusal(
    tmp_path_factory: pytest.TempPathFactory, place: int, change: int
) -> None:
    cache = DocumentCache(tmp_path_factory.mktemp("cache") / "policy")
    cache.write(SNAPSHOT)
    content = bytearray(cache.path.read_bytes())
    content[place % len(content)] ^= change
    cache.path.write_bytes(content)
    assert "damaged" in refusal(cache)


@pytest.mark.parametrize("length", [0, 1, 19, 60, 90, -1])
def test_a_file_that_was_cut_short_is_a_refusal(tmp_path: Path, length: int) -> None:
    cache = DocumentCache(tmp_path / "policy")
    cache.write(SNAPSHOT)
    cache.path.write_bytes(cache.path.read_bytes()[:length])
    assert "damaged" in refusal(cache)


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_is_a_refusal(tmp_path: Path, mode: int) -> None:
    cache = DocumentCache(tmp_path / "policy")
    cache.write(SNAPSHOT)
    cache.path.chmod(mode)
    assert "written by others" in refusal(cache)


@pytest.mark.parametrize("what", ["nothing", "a link", "a directory", "a pipe"])
def test_what_is_no_file_of_ours_is_a_refusal(tmp_path: Path, what: str) -> None:
    cache = DocumentCache(tmp_path / "policy")
    if what == "a link":
        DocumentCache(tmp_path / "elsewhere").write(SNAPSHOT)
        cache.path.symlink_to(tmp_path / "elsewhere")
    elif what == "a directory":
        cache.path.mkdir()
    elif what == "a pipe":
        os.mkfifo(cache.path)
    assert refusal(cache)


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = DocumentCache(tmp_path / "policy")
    cache.write(SNAPSHOT)
    monkeypatch.setattr("rbac.stores.cache.os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(OSError, match="full"):
        cache.write(Snapshot(b"", b""))
    assert cache.read() == SNAPSHOT
    assert {path.name for path in tmp_path.iterdir()} == {"policy", ".policy.lock"}


def test_what_cannot_be_kept_is_said_once_and_kept_as_soon_as_it_can_be(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rbac.stores.cache._RETRY_S", 0.02)
    caplog.set_level("INFO", "rbac.stores.cache")
    cache = DocumentCache(tmp_path / "kept" / "policy")
    cache.keep(SNAPSHOT)
    (tmp_path / "kept").rename(tmp_path / "away")
    (tmp_path / "kept").touch()

    async def heal() -> None:
        trying = asyncio.create_task(cache.keep_trying())
        await asyncio.sleep(0.1)
        assert cache.failing
        (tmp_path / "kept").unlink()
        (tmp_path / "away").rename(tmp_path / "kept")
        assert cache.read() == SNAPSHOT
        await until(lambda: not cache.failing)
        trying.cancel()

    for version in (1, 2):
        cache.keep(replace(SNAPSHOT, version=version))
    assert cache.failing
    asyncio.run(heal())
    assert cache.read().version == 2
    assert (caplog.text.count("cannot be kept"), caplog.text.count("is kept in")) == (1, 1)


async def test_a_live_policy_keeps_what_is_in_force_when_there_is_room_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rbac.stores.cache._RETRY_S", 0.02)
    (tmp_path / "policy.csv").write_text(GOOD)
    (tmp_path / "kept").touch()
    async with live(tmp_path) as policy:
        assert not policy.kept
        (tmp_path / "kept").unlink()
        await until(lambda: policy.kept)
    assert DocumentCache(tmp_path / "kept" / "policy").read().policy == GOOD.encode()


def live(directory: Path) -> LivePolicy:
    (directory / "model.conf").write_bytes(MODEL)
    return LivePolicy.files(
        directory / "model.conf", directory / "policy.csv", cache=DocumentCache(directory / "kept" / "policy")
    )


def test_a_start_on_a_refused_document_takes_the_last_good_one_where_that_is_asked_for(
    tmp_path: Path,
) -> None:
    file = tmp_path / "policy.csv"
    file.write_text(GOOD)
    before = live(tmp_path)
    good = before.load()
    file.write_text(NEXT)
    assert before.reload()
    newest = before.policy.revision
    file.write_text(BROKEN)
    with pytest.raises(PolicyError, match="alow"):
        live(tmp_path).load()
    after = live(tmp_path)
    after.load(or_last_good=True)
    assert newest != good.revision
    assert (after.policy.revision, after.last_good, after.refused) == (newest, True, 1)
    assert [problem.code for problem in after.problems] == ["unknown-effect"]
    assert not after.reload()
    assert after.last_good
    file.write_text(GOOD)
    assert after.reload()
    assert (after.policy.revision, after.last_good, after.problems) == (good.revision, False, ())


def test_the_kept_document_itself_back_in_its_place_ends_the_emergency(tmp_path: Path) -> None:
    file = tmp_path / "policy.csv"
    file.write_text(GOOD)
    live(tmp_path).load()
    file.write_text(BROKEN)
    after = live(tmp_path)
    after.load(or_last_good=True)
    file.write_text(GOOD)
    assert not after.reload()
    assert (after.last_good, after.problems) == (False, ())


def test_a_kept_document_that_cannot_be_trusted_is_a_refused_start(tmp_path: Path) -> None:
    file = tmp_path / "policy.csv"
    file.write_text(GOOD)
    live(tmp_path).load()
    kept = tmp_path / "kept" / "policy"
    kept.write_bytes(kept.read_bytes().replace(b"a", b"b", 1))
    file.write_text(BROKEN)
    with pytest.raises(PolicyError, match="alow"):
        live(tmp_path).load(or_last_good=True)


def test_a_kept_document_passes_the_gates_again(tmp_path: Path) -> None:
    """What is in force may be stricter than what was when it was kept."""
    file = tmp_path / "policy.csv"
    file.write_text(BROKEN)
    live(tmp_path)
    DocumentCache(tmp_path / "kept" / "policy").write(Snapshot(MODEL, b"q, x\n"))
    with pytest.raises(PolicyError, match="alow"):
        live(tmp_path).load(or_last_good=True)


def test_an_older_version_never_takes_the_place_of_a_newer_one(tmp_path: Path) -> None:
    """Workers of one replica keep what is in force in one file, and one of them may be late."""
    early, late = (DocumentCache(tmp_path / "policy") for _ in range(2))
    for version, kept in ((2, 2), (1, 2), (3, 3), (2, 3), (0, 0), (1, 1)):
        (late if version < kept else early).keep(replace(SNAPSHOT, version=version))
        assert early.read().version == kept
    assert not late.failing
    early.path.write_bytes(b"damaged")
    late.keep(replace(SNAPSHOT, version=1))
    assert early.read().version == 1, "what is damaged is no version"


def test_a_worker_that_is_still_writing_overwrites_no_newer_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing, go_on = threading.Event(), threading.Event()
    fsync = os.fsync

    def slow(file: int) -> None:
        if threading.current_thread() is late:
            writing.set()
            go_on.wait(1)  # as long as the other would need, were it not to wait
        fsync(file)

    def keep(version: int) -> None:
        DocumentCache(tmp_path / "policy").keep(replace(SNAPSHOT, version=version))
        go_on.set()

    monkeypatch.setattr("rbac.stores.cache.os.fsync", slow)
    late, early = (threading.Thread(target=keep, args=(version,)) for version in (1, 2))
    late.start()
    assert writing.wait(10)
    early.start()
    for each in (late, early):
        each.join()
    assert DocumentCache(tmp_path / "policy").read().version == 2


def test_a_worker_that_dies_while_it_writes_keeps_no_other_from_writing(tmp_path: Path) -> None:
    dying = (
        "import os, signal, sys; from pathlib import Path; from rbac.stores import Snapshot, cache\n"
        "cache.os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)\n"
        "cache.DocumentCache(Path(sys.argv[1])).write(Snapshot(b'', b'', version=2))"
    )
    done = subprocess.run([sys.executable, "-c", dying, str(tmp_path / "policy")], check=False)
    assert done.returncode == -signal.SIGKILL
    DocumentCache(tmp_path / "policy").write(replace(SNAPSHOT, version=1))
    assert DocumentCache(tmp_path / "policy").read().version == 1


def test_much_is_kept_as_little_is(tmp_path: Path) -> None:
    cache = DocumentCache(tmp_path / "policy")
    cache.write(replace(SNAPSHOT, policy=os.urandom(300_001), version=7))
    assert len(cache.read().policy) == 300_001
    assert cache.read().version == 7
