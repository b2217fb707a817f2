"""From records to lines to the sink. What cannot be written is kept, tried again, and made known."""

import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from app.decision_record import Decided, Entry, Record, entry, line, loss, plain
from app.decision_sink import Sink
from rbac import Decision

log = logging.getLogger("app.decision_log")

RECENT = 500  # lines
RECENT_BYTES = 2 << 20
BLOCKED_AFTER_S = 3.0  # a write that takes longer is one that does not end

_REMIND_S = 60.0


class Gap:
    """Stands where ``lost`` records should, for which there was no room."""

    def __init__(self, lost: int = 0) -> None:
        self.lost = lost


Compare = Callable[[Decided], Decision | None]
# Records, and what another document decided about some of them: the decisions that came out differently.
Observe = Callable[[Sequence[Record], Sequence[Decision]], None]


class Writer:
    """Writes records to ``sink``, or nowhere; for one thread. The counters may be read by any.

    ``compare`` is asked about every decision, and ``observe`` is shown every batch. ``kept`` lines are waiting to be
    written. ``recent`` are the newest lines, oldest first, also where there is no sink.
    """

    def __init__(
        self, sink: Sink | None, compare: Compare | None = None, observe: Observe | None = None
    ) -> None:
        self.kept = 0
        self.written = 0
        self.failures = 0
        self.lost = 0
        self.recent: deque[bytes] = deque()
        self._sink = sink
        self._compare = compare
        self._observe = observe
        self._lines = b""
        self._recent_bytes = 0
        self._failed = False
        self._remind_at = 0.0
        self._began: float | None = None

    @property
    def failing(self) -> bool:
        """From the first line that could not be written, or not in time, until all are."""
        return self._failed or self.blocked

    @property
    def blocked(self) -> bool:
        """Whether a write is under way that does not end: nobody reads the pipe, or the disk does not answer."""
        return self.blocked_for > BLOCKED_AFTER_S

    @property
    def blocked_for(self) -> float:
        """Seconds since the write under way began; 0 while there is none."""
        began = self._began
        return 0.0 if began is None else time.monotonic() - began

    def write(self, items: Sequence[Record | Gap]) -> None:
        """Writes ``items`` behind what is kept. Raises nothing."""
        records = [item for item in items if not isinstance(item, Gap)]
        shadows = {} if self._compare is None else self._shadows(self._compare, records)
        lines = self._lines_of(items, shadows)
        self._show(records, list(shadows.values()))
        self._remember(lines)
        if self._sink is not None:
            self._lines += b"".join(lines)
            self.kept += len(lines)
            self._flush(self._sink)

    def tell_blocked(self) -> None:
        """Raises the alarm for a write that does not end; by any thread but the one that writes."""
        self._alarm(f"a write has not ended for {self.blocked_for:.0f} s")

    def close(self) -> None:
        """Lets go of the sink."""
        if self._sink is not None:
            self._sink.close()

    def _remember(self, lines: Sequence[bytes]) -> None:
        for each in lines:
            self.recent.append(each)
            self._recent_bytes += len(each)
            while len(self.recent) > RECENT or self._recent_bytes > RECENT_BYTES:
                self._recent_bytes -= len(self.recent.popleft())

    def _shadows(self, compare: Compare, records: Sequence[Record]) -> dict[int, Decision]:
        """What another document decided differently, by the ``id`` of the record."""
        shadows: dict[int, Decision] = {}
        for record in records:
            if isinstance(record, Decided):
                try:
                    other = compare(record)
                except Exception:
                    log.exception("a decision could not be compared")
                    continue
                if other is not None:
                    shadows[id(record)] = other
        return shadows

    def _show(self, records: Sequence[Record], shadows: Sequence[Decision]) -> None:
        if self._observe is None or not records:
            return
        try:
            self._observe(records, shadows)
        except Exception:
            log.exception("%d decisions could not be counted", len(records))

    def _lines_of(self, items: Sequence[Record | Gap], shadows: Mapping[int, Decision]) -> list[bytes]:
        """A line an item: all at once as a rule, one by one where one of them needs more care."""
        try:
            lines = plain([_members(item, shadows) for item in items])
        except Exception:  # noqa: BLE001 - which one it is, and that it is lost, is said below
            lines = None
        return lines if lines is not None else [self._line(item, shadows) for item in items]

    def _line(self, item: Record | Gap, shadows: Mapping[int, Decision]) -> bytes:
        try:
            return line(_members(item, shadows), _email(item))
        except Exception:
            log.exception("a decision could not be recorded")
            self.lost += 1
            return line(loss(time.time_ns(), 1))

    def _flush(self, sink: Sink) -> None:
        try:
            while self._lines:
                self._began = time.monotonic()
                self._lines = self._lines[sink.write(self._lines) :]
        except OSError as error:
            self._failed = True
            self.failures += 1
            self._alarm(error.strerror or str(error))
            return
        finally:
            self._began = None
        self.written += self.kept
        self.kept = 0
        self._failed = False
        if self._remind_at:
            self._remind_at = 0.0
            log.warning("the decision log can be written again; %d records were lost", self.lost)

    def _alarm(self, reason: str) -> None:
        """Once when it begins, then every minute."""
        now = time.monotonic()
        if now >= self._remind_at:
            self._remind_at = now + _REMIND_S
            log.critical("the decision log cannot be written, records are kept: %s", reason)


def _members(item: Record | Gap, shadows: Mapping[int, Decision]) -> Entry:
    return loss(time.time_ns(), item.lost) if isinstance(item, Gap) else entry(item, shadows.get(id(item)))


def _email(item: Record | Gap) -> str | None:
    who = item.who if isinstance(item, Decided) else None
    return None if who is None else who.email
