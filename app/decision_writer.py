"""From records to lines to the sink. What cannot be written is kept, tried again, and made known."""

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from app.decision_record import Decided, Record, Rejected, entry, line, loss
from app.decision_sink import Sink
from rbac import Decision

log = logging.getLogger("app.decision_log")

RECENT = 500
_REMIND_S = 60.0


class Judged(NamedTuple):
    """A record, and another document's decision, which is ``None`` unless it came out differently."""

    record: Record
    shadow: Decision | None


class Gap:
    """Stands where ``lost`` records should, for which there was no room."""

    def __init__(self, lost: int = 0) -> None:
        self.lost = lost


Compare = Callable[[Decided], Decision | None]
Observe = Callable[[Sequence[Judged]], None]


class Writer:
    """Writes records to ``sink``, or nowhere; for one thread. The counters may be read by any.

    ``compare`` is asked about every decision, and ``observe`` is shown every batch. ``failing`` is true from the first
    line that could not be written until all are; ``kept`` lines are waiting meanwhile. ``recent`` are the newest
    lines, oldest first, also where there is no sink.
    """

    def __init__(
        self, sink: Sink | None, compare: Compare | None = None, observe: Observe | None = None
    ) -> None:
        self.failing = False
        self.kept = 0
        self.written = 0
        self.failures = 0
        self.lost = 0
        self.recent: deque[bytes] = deque(maxlen=RECENT)
        self._sink = sink
        self._compare = compare
        self._observe = observe
        self._lines = b""
        self._remind_at = 0.0

    def write(self, items: Sequence[Record | Gap]) -> None:
        """Writes ``items`` behind what is kept. Raises nothing."""
        lines: list[bytes] = []
        judged: list[Judged] = []
        for item in items:
            if isinstance(item, Gap):
                lines.append(_gap_line(item))
            else:
                judged.append(Judged(item, self._judge(item)))
                lines.append(self._line(judged[-1]))
        self._show(judged)
        self.recent.extend(lines)
        if self._sink is not None:
            self._lines += b"".join(lines)
            self.kept += len(lines)
            self._flush(self._sink)

    def close(self) -> None:
        """Lets go of the sink."""
        if self._sink is not None:
            self._sink.close()

    def _judge(self, record: Record) -> Decision | None:
        if self._compare is None or isinstance(record, Rejected):
            return None
        try:
            return self._compare(record)
        except Exception:
            log.exception("a decision could not be compared")
            return None

    def _show(self, judged: Sequence[Judged]) -> None:
        if self._observe is None or not judged:
            return
        try:
            self._observe(judged)
        except Exception:
            log.exception("%d decisions could not be counted", len(judged))

    def _line(self, judged: Judged) -> bytes:
        try:
            return line(entry(*judged), _email(judged.record))
        except Exception:
            log.exception("a decision could not be recorded")
            self.lost += 1
            return _gap_line(Gap(1))

    def _flush(self, sink: Sink) -> None:
        try:
            while self._lines:
                self._lines = self._lines[sink.write(self._lines) :]
        except OSError as error:
            self._alarm(error)
            return
        self.written += self.kept
        self.kept = 0
        if self.failing:
            self.failing = False
            log.warning("the decision log can be written again; %d records were lost", self.lost)

    def _alarm(self, error: OSError) -> None:
        """Once when it begins, then every minute."""
        self.failures += 1
        now = time.monotonic()
        if not self.failing or now >= self._remind_at:
            self._remind_at = now + _REMIND_S
            log.critical("the decision log cannot be written, records are kept: %s", error.strerror or error)
        self.failing = True


def _gap_line(gap: Gap) -> bytes:
    return line(loss(time.time_ns(), gap.lost))


def _email(record: Record) -> str | None:
    return record.who.email if isinstance(record, Decided) and record.who is not None else None
