"""What the workers weigh, and how many descriptors they hold."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.support.service import Service, workers


@dataclass(frozen=True)
class Reading:
    """All workers at one moment: resident MiB and open descriptors, in all."""

    pids: frozenset[int]
    mib: float
    descriptors: int


def read(service: Service) -> Reading:
    """The workers as they are now."""
    pids = frozenset(workers(service))
    return Reading(
        pids, sum(map(_mib, pids)), sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids)
    )


def _mib(pid: int) -> float:
    found = re.search(
        r"^VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(encoding="ascii"), re.MULTILINE
    )
    return int(found.group(1)) / 1024 if found else 0.0


@dataclass(frozen=True)
class Growth:
    """Medians of the first and of the last fifth of the readings behind the warming up."""

    first: float
    last: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Growth":
        fifth = max(1, len(values) // 5)
        return cls(median(values[:fifth]), median(values[-fifth:]))

    @property
    def share(self) -> float:
        """How much larger the last is: 0.05 for 5 %."""
        return self.last / self.first - 1
