"""What each worker is known to decide by: no answer may go back behind it, or be ahead of what was written."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class Progress:
    """One thing that every worker comes to know, step by step: ``written`` is the last step there is, ``met`` how far each
    worker has shown to be."""

    written: int = 0
    met: dict[str, int] = field(default_factory=dict)
    floor: int = 0

    def shown(self, worker: str, step: int) -> None:
        """A worker has answered by ``step``."""
        self.met[worker] = max(step, self.met.get(worker, 0))

    def everywhere(self, workers: int) -> bool:
        """Whether so many workers have answered by the last step: nobody may answer by an earlier one from now on."""
        if sum(step >= self.written for step in self.met.values()) < workers:
            return False
        self.floor = self.written
        return True

    def least(self, before: Mapping[str, int], floor: int, worker: str) -> int:
        """The first step that an answer of ``worker`` may be by; ``before`` and ``floor`` as they were when it was asked."""
        return max(floor, before.get(worker, 0))


class Ledger:
    """The versions of the document, by revision, and who is sent away since when."""

    def __init__(self) -> None:
        self.document = Progress()
        self.numbers: dict[str, int] = {}
        self.gone: dict[str, Progress] = {}
        self.answered: dict[str, str] = {}
        self.wrong: list[str] = []
        self.counts: dict[str, int] = {}
        self.lock = threading.Lock()

    def judge(self, kind: str, said: str, wrong: str, request_id: str) -> None:
        """One answer more, with why it is wrong, or ""."""
        with self.lock:
            self.counts[kind] = self.counts.get(kind, 0) + 1
            if request_id:
                self.answered[request_id] = said
            if wrong and len(self.wrong) < 100:
                self.wrong.append(f"{kind}: {wrong}")
