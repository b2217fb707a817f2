"""docs/tutorial.md, followed: its files are made, its server runs, and its commands are typed, on a port of the test's own.

``python -m tests.support.tutorial`` writes into the page what its commands show today.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from tests.support.ports import free_port
from tests.support.service import ROOT, clean_environment
from tests.support.transcript import Command, Ending, rewritten, run, shows
from tests.support.waiting import LIMIT_S, comes_true, written

PAGE: Final = ROOT / "docs" / "tutorial.md"
# What a reader types to have what is installed here already; the tests of the package install it from the wheel.
INSTALLED: Final = (
    "python3.11 -m venv .venv",
    '.venv/bin/pip install "../sekisho[fastapi]" uvicorn httpx2 pytest',
)
SERVER: Final = ".venv/bin/uvicorn main:app --reload"
_LOG: Final = re.compile(r"<!-- log -->\n```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_STARTED: Final = "Application startup complete."
_SETTLED_S: Final = 4.0  # only for writing the page anew, when nobody knows yet what it will show


class Classroom:
    """A reader's folder. ``patient``: what is asked of the server is asked until it shows what the page says."""

    def __init__(self, folder: Path, *, patient: bool) -> None:
        self.folder, self.patient = folder, patient
        self.port = free_port()
        self.log = folder.parent / "server.log"
        self.server: subprocess.Popen[bytes] | None = None
        self.program, self.starts = "", 0

    def run(self, command: Command, folder: Path) -> Ending:
        """Does what a command of the page does, as far as it is to be done here."""
        if command.text in INSTALLED:
            return Ending((), 0)
        if command.text == SERVER:
            self._serve()
            return Ending((), 0)
        if not command.text.startswith("curl "):
            return run(command, folder)
        self._settle()
        ask = replace(command, text=command.text.replace(":8000", f":{self.port}"))
        if not self.patient:
            time.sleep(_SETTLED_S)
        answers: list[Ending] = []

        def settled() -> bool:
            """Asks once more: what was answered is not asked again, or it would be done twice."""
            answers.append(run(ask, folder))
            as_said = shows(command.shown or (), answers[-1].shown)
            return as_said if self.patient else answers[-1].code == command.code

        comes_true(settled)
        return answers[-1]

    def says(self, text: str) -> bool:
        """Whether the server's terminal comes to say it."""
        return comes_true(lambda: text in written(self.log))

    def _settle(self) -> None:
        """Waits until the server runs what `main.py` says now: before it has stopped, it answers as it did."""
        program = (self.folder / "main.py").read_text(encoding="utf-8")
        if program != self.program:
            self.program, self.starts = program, self.starts + 1
            assert comes_true(lambda: written(self.log).count(_STARTED) >= self.starts), written(self.log)

    def _serve(self) -> None:
        with self.log.open("wb") as log:
            self.server = subprocess.Popen(
                [sys.executable, "-m", "uvicorn", "main:app", "--reload", "--port", str(self.port)],
                cwd=self.folder,
                env=clean_environment(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def stop(self) -> None:
        """Ends the server."""
        if self.server is not None and self.server.poll() is None:
            os.killpg(self.server.pid, signal.SIGINT)
            self.server.wait(LIMIT_S)


@contextmanager
def classroom(parent: Path, *, patient: bool = True) -> Iterator[Classroom]:
    """A folder with nothing in it but this run's environment."""
    folder = parent / "library"
    folder.mkdir()
    (folder / ".venv").symlink_to(sys.prefix)
    room = Classroom(folder, patient=patient)
    try:
        yield room
    finally:
        room.stop()


def logged(page: str) -> Iterator[tuple[int, str]]:
    """What the page says that the server's terminal says, each with its line in the page."""
    for block in _LOG.finditer(page):
        yield page.count("\n", 0, block.start()), block[1].strip()


def main() -> None:
    """Writes the page anew."""
    with tempfile.TemporaryDirectory() as parent, classroom(Path(parent), patient=False) as room:
        PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8"), room.folder, room.run), encoding="utf-8")
        sys.stdout.write(written(room.log))


if __name__ == "__main__":
    main()
