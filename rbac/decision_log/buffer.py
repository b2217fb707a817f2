"""The decision log: every answer leaves a record, in order, without loss, and off the request's path.

A request appends one small tuple to a buffer; a thread makes lines of them and writes them in batches.
"""

import asyncio
import atexit
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple, Self

from rbac.decision_log.record import Record, weight
from rbac.decision_log.sinks import STDOUT, FileSink, StreamSink
from rbac.decision_log.writer import Gap, Writer
from rbac.errors import RbacError

log = logging.getLogger("rbac.decision_log")

CAPACITY = 32 << 20  # bytes of records that wait: 32,768 of the usual ones
BATCH = 1024  # records that are written at once: a few milliseconds' work
PIECE = (
    64  # of those that are made into lines at once: few enough to stay in a processor's own cache meanwhile
)
BATCH_BYTES = 1 << 20
_USUAL_BYTES = 4096  # of a record: where they are larger on average, they are taken one by one
RETRY_AFTER = 2  # seconds, for callers that are sent away

_LINGER_S = 0.05  # what comes within it is one batch
_REST_S = 0.0005  # between two pieces
_TICK_S = 1.0
_RETRY_S = 0.25
_FLUSH_S = 10.0
_LOOK_S = 0.25


class DecisionLogUnavailable(RbacError):  # noqa: N818 - a state, not a mistake
    """The log cannot be written, and nothing may be answered without a record (``DECISION_LOG_REQUIRED``)."""

    code = "decision_log_unavailable"


class _Mark(NamedTuple):
    """Stands in the buffer behind the records that somebody waits for."""

    written: "asyncio.Future[bool]"


# One thing in the buffer, and about how many bytes it is.
_Waiting = tuple[Record | Gap | _Mark, int]


class DecisionLog:
    """Owns the buffer, and the thread that empties it through ``writer``.

    ``record`` may be called from any thread. With ``required`` nobody gets an answer that is not recorded. At
    ``capacity`` bytes callers begin to wait: ``waits`` says whether :meth:`settle` is to be awaited before an answer
    whose record is in the buffer. ``tick`` is called about every second, in the log's thread, and
    :meth:`look` is to be called several times a second in another: ``async with`` sees to it.

    INVARIANT: lines are written in the order of ``record``, and none twice.
    """

    def __init__(
        self,
        writer: Writer,
        *,
        required: bool = False,
        capacity: int = CAPACITY,
        tick: Callable[[], None] | None = None,
    ) -> None:
        self.required = required
        self.capacity = capacity
        self.waits = required
        self.writer = writer
        self._tick = tick
        self._next_tick = 0.0
        self._buffer: deque[_Waiting] = deque()
        self._counting = threading.Lock()
        self._added = 0
        self._removed = 0
        self._being_written: list[_Mark] = []
        self._gap: Gap | None = None
        self._gap_lock = threading.Lock()
        self._asleep = False
        self._wake = threading.Event()
        self._stopping = False
        self._deadline = 0.0
        self._thread: threading.Thread | None = None
        self._looking: asyncio.Task[None] | None = None
        self._process = 0

    @classmethod
    def file(cls, path: str | Path, *, required: bool = False) -> Self:
        """A log in a file that rotates by size (:class:`FileSink`)."""
        return cls(Writer(FileSink(Path(path))), required=required)

    @classmethod
    def stdout(cls, *, required: bool = False) -> Self:
        """A log on standard output."""
        return cls(Writer(StreamSink(STDOUT)), required=required)

    def record(self, record: Record) -> None:
        """Keeps ``record`` for writing. Never waits: :attr:`waits` says whether the caller must, before it answers."""
        if self._added - self._removed >= self.capacity and self.writer.failing:
            self._leave_gap()
            return
        size = weight(record)
        with self._counting:
            self._added += size
            self.waits = self.required or self._added - self._removed >= self.capacity
        self._buffer.append((record, size))
        if self._asleep:
            self._wake.set()

    def record_each(self, records: Sequence[Record], most: int) -> int:
        """Keeps ``records`` in one go, up to the first by which they are more than ``most`` bytes; how many that are."""
        sizes = [*map(weight, records)]
        size = sum(sizes)
        if size > most:
            before = accumulate(sizes, initial=0)
            sizes = [each for each, taken in zip(sizes, before, strict=False) if taken <= most]
            records, size = records[: len(sizes)], sum(sizes)
        if (
            self._added - self._removed + size > self.capacity
        ):  # each finds out by itself whether there is room
            for record in records:
                self.record(record)
            return len(records)
        with self._counting:
            self._added += size
            self.waits = self.required or self._added - self._removed >= self.capacity
        self._buffer.extend(zip(records, sizes, strict=True))
        if self._asleep:
            self._wake.set()
        return len(records)

    @property
    def refusing(self) -> bool:
        """Whether nothing can be answered now, because nothing could be recorded."""
        return self.required and self.writer.failing

    @property
    def pending(self) -> int:
        """Records that are not written yet."""
        return len(self._buffer) + self.writer.kept

    @property
    def recorded_bytes(self) -> int:
        """About how many bytes of records were ever taken."""
        return self._added

    @property
    def pending_bytes(self) -> int:
        """About how many bytes of records wait in the buffer."""
        return self._added - self._removed

    async def settle(self) -> None:
        """Waits until everything recorded so far is written, or is known not to be: a few seconds at most.

        Raises :class:`DecisionLogUnavailable` when it cannot be, and records are required; else nobody waits for that.
        """
        if self.writer.failing or self._stopping:
            settled = not self.writer.failing
        else:
            mark = _Mark(asyncio.get_running_loop().create_future())
            self._buffer.append((mark, 0))
            self._wake.set()
            settled = await mark.written
        if not settled and self.required:
            raise DecisionLogUnavailable

    def look(self) -> None:
        """Raises the alarm for a write that does not end, and lets go of everybody who waits for it."""
        if self.writer.blocked:
            self.writer.tell_blocked()
            self._resolve(self._being_written + self._marks())

    def start(self) -> None:
        """Begins to write; also again, after a :meth:`stop`."""
        if self._thread is not None and self._process == os.getpid():
            return
        self._stopping = False
        self._process = os.getpid()
        self._thread = threading.Thread(target=self._run, name="decision log", daemon=True)
        self._thread.start()
        atexit.register(self.stop)

    def stop(self) -> None:
        """Writes all that there is, for 10 seconds at most, and ends. What is lost then is told in the log."""
        thread = self._thread
        if thread is None or self._process != os.getpid():  # a fork has the buffer, and not the thread
            return
        self._thread = None
        self._deadline = time.monotonic() + _FLUSH_S
        self._stopping = True
        self._wake.set()
        thread.join(_FLUSH_S + 1)
        atexit.unregister(self.stop)
        if self.pending:
            log.critical(
                "%d decision records could not be written before the stop: they are lost", self.pending
            )
        self._resolve(self._marks())
        if not thread.is_alive():
            self.writer.close()

    async def __aenter__(self) -> Self:
        self.start()
        looking, loop = self._looking, asyncio.get_running_loop()
        if looking is None or looking.done() or looking.get_loop() is not loop:
            self._looking = loop.create_task(self._look_after(), name="decision log's watch")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None
        await asyncio.to_thread(self.stop)

    async def _look_after(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            try:
                self.look()
            except Exception:
                log.exception("looking after the decision log failed, and will be tried again")

    def _leave_gap(self) -> None:
        """There is no room, and none will be made: the line that will stand here says how many are missing."""
        with self._gap_lock:
            if self._gap is None:
                self._gap = Gap()
                self._buffer.append((self._gap, 0))
            self._gap.lost += 1
            self.writer.lost += 1

    # From here on: the log's thread.

    def _run(self) -> None:
        while self._wait():
            self._wake.clear()
            marks = self._being_written = []
            if not self.writer.kept:  # what was kept is written first
                for items in self._pieces():
                    marks += [item for item in items if isinstance(item, _Mark)]
                    self.writer.add(
                        [item for item in items if not isinstance(item, _Mark)] if marks else items
                    )
                    self._let_others_run()
            self.writer.flush()
            self._being_written = []
            self._resolve(marks + self._marks() if self.writer.failing else marks)
            self._tick_if_due()

    def _wait(self) -> bool:
        """Until there is something to do; false at the end."""
        if self._stopping:
            if self.writer.failing:
                time.sleep(_RETRY_S)
            return self.pending > 0 and time.monotonic() < self._deadline
        if self.writer.failing:
            self._wake.wait(_RETRY_S)
        elif not self._buffer:
            self._asleep = True
            if not self._buffer:  # what came before the line above found nobody to wake
                self._wake.wait(_TICK_S)
            self._asleep = False
        if not (self.required or len(self._buffer) >= BATCH or self._stopping):
            time.sleep(_LINGER_S)
        return True

    def _pieces(self) -> Iterator[list[Any]]:
        """The next batch, piece by piece; each is let go of before the next one is taken."""
        records = taken = 0
        while self._buffer and records < BATCH and taken < BATCH_BYTES:
            pop, waiting = self._buffer.popleft, len(self._buffer)
            piece = PIECE if self.pending_bytes <= _USUAL_BYTES * waiting else 1
            pairs = [pop() for _ in range(min(piece, waiting))]
            size = sum([size for _, size in pairs])
            with self._counting:
                self._removed += size
                self.waits = self.required or self._added - self._removed >= self.capacity
            items = [item for item, _ in pairs]
            del pairs
            if self._gap is not None and self._gap in items:
                with self._gap_lock:
                    self._gap = None
            records += len(items)
            taken += size
            yield items

    def _let_others_run(self) -> None:
        """Sleeps a little, where there is time: a thread that computes gives up Python's lock only after 5 ms
        (``sys.getswitchinterval``), and whoever let go of it to send an answer would wait for a whole batch."""
        if not (self.required or self._stopping) and self._buffer and self.pending < BATCH:
            time.sleep(_REST_S)

    def _marks(self) -> list[_Mark]:
        return [item for item, _ in list(self._buffer) if isinstance(item, _Mark)]

    def _resolve(self, marks: Iterable[_Mark]) -> None:
        """Tells those who wait, each in the event loop that it waits in."""
        settled = not self.writer.failing and not self.writer.kept
        waiting: dict[asyncio.AbstractEventLoop, list[asyncio.Future[bool]]] = {}
        for mark in marks:
            waiting.setdefault(mark.written.get_loop(), []).append(mark.written)
        for loop, futures in waiting.items():
            with suppress(RuntimeError):  # the loop is closed, and nobody waits any more
                loop.call_soon_threadsafe(_tell, futures, settled)

    def _tick_if_due(self) -> None:
        now = time.monotonic()
        if self._tick is not None and now >= self._next_tick:
            self._next_tick = now + _TICK_S
            try:
                self._tick()
            except Exception:
                log.exception("what is done every second failed, and will be tried again")


def _tell(futures: Iterable["asyncio.Future[bool]"], settled: bool) -> None:
    for future in futures:
        if not future.done():
            future.set_result(settled)
