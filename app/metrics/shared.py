"""What Prometheus reads: of several workers whichever is asked answers for all, by the files of a directory they share."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

SHARED_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
CONTENT_TYPE = CONTENT_TYPE_LATEST


def exposition(own: CollectorRegistry) -> bytes:
    """The text of all workers that share a directory, or of this one."""
    directory = os.environ.get(SHARED_DIRECTORY)
    if not directory:
        return generate_latest(own)
    _forget_the_dead(Path(directory))
    everybody = CollectorRegistry()
    MultiProcessCollector(everybody)  # type: ignore[no-untyped-call]  # the library does not annotate it
    return generate_latest(everybody)


@contextmanager
def shared_by(workers: int) -> Iterator[None]:
    """Gives several workers a directory to share their numbers in, with nothing of an earlier run."""
    given = os.environ.get(SHARED_DIRECTORY)
    if given:
        for file in Path(given).glob("*.db"):
            file.unlink(missing_ok=True)
    if given or workers == 1:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="sekisho-metrics-") as directory:
        os.environ[SHARED_DIRECTORY] = directory
        try:
            yield
        finally:
            del os.environ[SHARED_DIRECTORY]


def _forget_the_dead(directory: Path) -> None:
    """A worker that died without a word leaves the gauges it last set."""
    for process in {file.stem.rpartition("_")[2] for file in directory.glob("gauge_live*_*.db")}:
        if process.isdigit() and not Path(f"/proc/{process}").exists():
            mark_process_dead(int(process), str(directory))  # type: ignore[no-untyped-call]  # the library's
