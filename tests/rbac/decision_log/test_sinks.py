"""Lines reach their file or stream whole, once, and in order, whatever other workers, disks and archivers do."""

import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rbac.decision_log.sinks import FileSink, Sink, StreamSink
from tests.support.service import ROOT
from tests.support.waiting import LIMIT_S

LINES = b"".join(b'{"line": %d}\n' % number for number in range(100))


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """No file of this process grows beyond ``size``: what a full disk does to a writer, the short write included."""
    earlier = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, earlier[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, earlier)


def everything(directory: Path) -> list[bytes]:
    """The lines of the rotated files and then of the current one, in the order of their names."""
    return [line for path in sorted(directory.glob("*.jsonl")) for line in path.read_bytes().splitlines()]


def test_lines_are_appended_to_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    path.write_bytes(b"before\n")
    sink = FileSink(path)
    assert sink.write(LINES) == len(LINES)
    sink.close()
    assert path.read_bytes() == b"before\n" + LINES


def test_a_full_file_is_renamed_and_every_line_is_kept_in_order(tmp_path: Path) -> None:
    sink = FileSink(tmp_path / "d.jsonl", rotate_at=200)
    expected = [b'{"number": %d}' % number for number in range(100)]
    for line in expected:
        sink.write(line + b"\n")
    sink.close()
    files = list(tmp_path.iterdir())
    assert len(files) >= 8
    assert all(path.stat().st_size <= 200 for path in files)
    assert everything(tmp_path) == expected


def test_a_batch_that_is_larger_than_a_file_may_be_is_written_all_the_same(tmp_path: Path) -> None:
    sink = FileSink(tmp_path / "d.jsonl", rotate_at=100)
    for _ in range(3):
        assert sink.write(LINES) == len(LINES)
    sink.close()
    assert everything(tmp_path) == LINES.splitlines() * 3


@pytest.mark.parametrize("how", ["moved", "deleted"])
def test_a_file_that_somebody_took_away_is_made_anew(tmp_path: Path, how: str) -> None:
    path = tmp_path / "d.jsonl"
    sink = FileSink(path)
    sink.write(b"one\n")
    path.rename(tmp_path / "archive") if how == "moved" else path.unlink()
    sink.write(b"two\n")
    sink.close()
    assert path.read_bytes() == b"two\n"
    assert how == "deleted" or (tmp_path / "archive").read_bytes() == b"one\n"


def test_a_line_that_somebody_was_killed_in_does_not_swallow_the_next(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    path.write_bytes(b'{"torn": ')
    sink = FileSink(path)
    sink.write(b'{"whole": 1}\n')
    sink.close()
    assert path.read_bytes() == b'{"torn": \n{"whole": 1}\n'


def test_a_write_that_ends_half_way_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    sink = FileSink(path)
    sink.write(b"first\n")
    with file_size_limit(len(LINES)), pytest.raises(OSError, match="too large"):
        sink.write(LINES)
    assert path.read_bytes() == b"first\n"
    sink.write(LINES)
    sink.close()
    assert path.read_bytes() == b"first\n" + LINES


@pytest.mark.parametrize("path", ["/dev/full", "/proc/sekisho", "nowhere/d.jsonl"])
def test_what_cannot_be_written_raises_and_can_be_tried_again(tmp_path: Path, path: str) -> None:
    sink = FileSink(tmp_path / path)
    for _ in range(2):
        with pytest.raises(OSError):  # noqa: PT011 - each of these has an errno of its own
            sink.write(LINES)
    sink.close()


WRITER = """
import sys
from pathlib import Path
from rbac.decision_log.sinks import FileSink, StreamSink
sink = FileSink(Path(sys.argv[2]), rotate_at=20_000) if len(sys.argv) > 2 else StreamSink(1)
for number in range(300):
    filling = "x" * (9_000 if number % 50 == 0 else 300)
    lines = b"".join(b"%s %d %d %s\\n" % (sys.argv[1].encode(), number, part, filling.encode()) for part in range(3))
    while lines:
        lines = lines[sink.write(lines):]
"""


def several_writers(*arguments: str, stdout: int | None = None) -> list["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-c", WRITER]
    return [
        subprocess.Popen([*command, str(worker), *arguments], cwd=ROOT, stdout=stdout) for worker in range(3)
    ]


def assert_all_whole_and_in_order(lines: list[bytes]) -> None:
    """Every worker's lines are there once, whole, and in the worker's order."""
    seen: dict[bytes, list[tuple[int, int]]] = {}
    for line in lines:
        worker, number, part, filling = line.split()
        assert filling == b"x" * (9_000 if int(number) % 50 == 0 else 300)
        seen.setdefault(worker, []).append((int(number), int(part)))
    expected = [(number, part) for number in range(300) for part in range(3)]
    assert seen == {str(worker).encode(): expected for worker in range(3)}


def test_workers_that_share_a_file_never_mix_their_lines_and_rotate_it_once_each_time(tmp_path: Path) -> None:
    workers = several_writers(str(tmp_path / "d.jsonl"))
    assert [worker.wait(LIMIT_S) for worker in workers] == [0, 0, 0]
    assert len(list(tmp_path.iterdir())) > 10
    assert_all_whole_and_in_order(everything(tmp_path))


def test_workers_that_share_a_pipe_never_mix_their_lines_however_long() -> None:
    reading, writing = os.pipe()
    workers = several_writers(stdout=writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        received = pipe.read()
    assert [worker.wait(LIMIT_S) for worker in workers] == [0, 0, 0]
    assert_all_whole_and_in_order(received.splitlines())


def written_to_pipe(sink: Sink, reading: int, content: bytes) -> bytes:
    """What arrives at the other end when ``content`` is written."""
    received = bytearray()

    def read() -> None:
        while len(received) < len(content):
            received.extend(os.read(reading, 65_536))

    reader = threading.Thread(target=read)
    reader.start()
    left = content
    while left:
        left = left[sink.write(left) :]
    reader.join(LIMIT_S)
    return bytes(received)


@pytest.mark.parametrize("blocking", [True, False])
def test_a_stream_takes_more_than_it_holds(blocking: bool) -> None:
    """Also one that whoever started us made non-blocking, where a write fails while it is full."""
    reading, writing = os.pipe()
    os.set_blocking(writing, blocking)
    sink = StreamSink(writing)
    assert written_to_pipe(sink, reading, LINES * 200) == LINES * 200
    sink.close()
    os.close(reading)
    os.close(writing)


def test_a_stream_that_nobody_reads_any_more_raises() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    sink = StreamSink(writing)
    with pytest.raises(BrokenPipeError):
        sink.write(LINES)
    sink.close()
    os.close(writing)


def test_the_limit_of_these_tests_is_an_error_and_not_the_end(tmp_path: Path) -> None:
    """Python leaves the signal ignored that a write beyond the limit sends."""
    assert signal.getsignal(signal.SIGXFSZ) == signal.SIG_IGN
    (tmp_path / "x").write_bytes(b"0123456789")
    with (
        file_size_limit(10),
        (tmp_path / "x").open("ab", 0) as file,
        pytest.raises(OSError, match="too large"),
    ):
        file.write(b"x")
