"""The kept document comes back whole or not at all, and only from a file that nobody else could have written."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rbac import LivePolicy, PolicyError
from rbac.stores import Snapshot
from rbac.stores.cache import DocumentCache
from tests.support.documents import MODEL

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
    assert [path.name for path in cache.path.parent.iterdir()] == ["policy"]


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
    assert [path.name for path in tmp_path.iterdir()] == ["policy"]


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
