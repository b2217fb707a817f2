"""A worker process, seen from here: one method a command, a time limit on each answer."""

import json
import os
import selectors
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks import peers
from benchmarks.workload import Request

MEMORY_LIMIT = 14  # GiB resident


class WorkerError(Exception):
    """An engine that did not answer: not installed, out of memory, out of time, or an error of its own."""


class Remote:
    """An engine in its own process. Use as a context manager: it is ended at the end."""

    def __init__(self, name: str, scratch: Path) -> None:
        self.name = name
        self._complaints = scratch / f"{name}.stderr"
        node = name == "node-casbin"
        command = peers.node_command() if node else [str(peers.PYTHON), "-m", "benchmarks.worker", name]
        with self._complaints.open("wb") as stderr:
            self._process = subprocess.Popen(
                command,
                cwd=peers.NODE if node else peers.ROOT,
                env={**os.environ, "PYTHONPATH": str(peers.ROOT), "PYTHONWARNINGS": "ignore"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
            )
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._pipe_out, selectors.EVENT_READ)
        self._read(60)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the process."""
        self._selector.close()
        self._process.kill()
        self._process.communicate()

    def load(self, model: Path, policy: Path, first: Request, limit: float = 60) -> dict[str, float]:
        """``seconds``, ``mib`` and ``peak_mib`` of loading and one decision."""
        answer: dict[str, float] = self._ask(
            limit, do="load", model=str(model), policy=str(policy), first=first
        )
        return answer

    def give(self, kind: str, requests: list[Request]) -> None:
        """Hands over the requests of one kind."""
        self._ask(60, do="give", kind=kind, requests=requests)

    def answers(self, kind: str, seconds: float) -> list[bool]:
        """What the engine says of as many of them as it manages in the time, at least one."""
        answers: list[bool] = self._ask(seconds + 120, do="answers", kind=kind, seconds=seconds)["answers"]
        return answers

    def time(self, kind: str, calls: int, skip: int = 0) -> float:
        """Seconds a decision, over that many calls."""
        return float(self._ask(300, do="time", kind=kind, calls=calls, skip=skip)["seconds"]) / calls

    @property
    def _pipe_out(self) -> Any:
        return self._process.stdout

    def _ask(self, limit: float, **command: Any) -> Any:
        if self._process.stdin is None:
            raise WorkerError("no pipe")
        try:
            self._process.stdin.write(json.dumps(command).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise WorkerError(self._last_words()) from None
        return self._read(limit)

    def _read(self, limit: float) -> Any:
        until = time.monotonic() + limit
        while not self._selector.select(0.5):
            if time.monotonic() > until:
                raise WorkerError(f"no answer within {limit:.0f} s")
            if self._resident_gib() > MEMORY_LIMIT:
                raise WorkerError(f"needs more than {MEMORY_LIMIT} GiB of memory")
        line = self._pipe_out.readline()
        if not line:
            raise WorkerError(self._last_words())
        return json.loads(line)

    def _resident_gib(self) -> float:
        pages = Path(f"/proc/{self._process.pid}/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE") / 2**30

    def _last_words(self) -> str:
        self._process.wait(10)
        lines = self._complaints.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return f"ended with {self._process.returncode}: {lines[-1][:200] if lines else 'no word'}"
