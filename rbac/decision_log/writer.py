"""From records to lines to the sink. What cannot be written is kept, tried again, and made known."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import islice

from rbac import Decision, Policy
from rbac.decision_log.record import Decided, Entry, Record, entry, line, loss, plain, to_the_second
from rbac.decision_log.ruling import Subject
from rbac.decision_log.sinks import Sink

log = logging.getLogger("rbac.decision_log")

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


class UsualLines:
    """The lines of usual decisions, put together from parts that are known already, and as they are made of members
    otherwise; for one thread.

    What a decision says of its rule is the same each time, and so is where its words stand. The rest is text that needs
    no escape as a rule, which is found out for many records at once.
    """

    def __init__(self) -> None:
        self._decisions: dict[int, tuple[Decision, str]] = {}
        self._words: dict[tuple[str, ...], str] = {}

    def lines(self, records: Sequence[object]) -> list[bytes] | None:
        """A line for each of ``records``; ``None`` where one of them is no usual decision: of an answer to somebody without
        a trace, who asked with one role for themselves, in texts that JSON holds as they are."""
        lines: list[str] = []
        chosen: list[str] = []
        second = -_SECOND
        told: Decision | None = None
        asked: Policy | None = None
        about: Subject | None = None
        person = '"sub":"","roles":[]'
        for record in records:
            if type(record) is not Decided:
                return None
            time_ns, decision_id, request_id, who, ruling, act, obj, client, via, duration_ns, _, trace = (
                record
            )
            decision, words, policy, role_index, halves = ruling
            if trace or halves is not None or role_index is not None:
                return None
            chosen += (request_id, act, obj, client, *words)
            # Next to each other records are mostly of one second, one document and few rules, or about one person.
            if who is not about:
                about = who
                sub, roles = ("", ()) if who is None else (who.sub, who.roles)
                chosen += (sub, *roles)
                quoted = '"' + '","'.join(roles) + '"' if roles else ""
                person = f'"sub":"{sub}","roles":[{quoted}]'
            if not 0 <= time_ns - second < _SECOND:
                second = time_ns - time_ns % _SECOND
                at = to_the_second(second // _SECOND)
            if decision is not told:
                told, outcome = decision, self._outcome(decision)
            if policy is not asked:
                asked, template = policy, self._template(policy.words)
            lines.append(
                f'{{"timestamp":"{at}.{(time_ns - second) // 1000:06d}Z","event":"decision",'
                f'"decision_id":"{decision_id}","request_id":"{request_id}",{person},'
                f'"act":"{act}","obj":"{obj}",{outcome},'
                f'"duration_us":{duration_ns // 1000}.{_THOUSANDTHS[duration_ns % 1000]},'
                f'"client":"{client}","via":"{via}","request":{template % words}}}\n'
            )
        text = "".join(chosen)
        if not text.isascii() or text.encode("ascii").translate(None, _AS_IT_IS):
            return None
        return [line.encode("ascii") for line in lines]

    def _outcome(self, decision: Decision) -> str:
        known = self._decisions.get(id(decision))
        if known is not None and known[0] is decision:
            return known[1]
        rule = decision.rule
        text = (
            f'"allowed":{"true" if decision.allowed else "false"},"reason":"{decision.reason}",'
            f'"rule_line":{"null" if rule is None else rule.line},"policy_revision":"{decision.revision}"'
        )
        if len(self._decisions) >= _MOST_KEPT:
            self._decisions.clear()
        self._decisions[id(decision)] = decision, text
        return text

    def _template(self, names: tuple[str, ...]) -> str:
        known = self._words.get(names)
        if known is None:
            if not all(name.isidentifier() and name.isascii() for name in names):
                raise ValueError("a word that JSON does not hold as it is")
            if len(self._words) >= _MOST_KEPT:
                self._words.clear()
            members = ",".join(f'"{name}":"%s"' for name in names)
            known = self._words[names] = f"{{{members}}}"
        return known


_MOST_KEPT = 4096
_SECOND = 1_000_000_000  # nanoseconds
# The digits behind the point of a number of thousandths, as JSON has them.
_THOUSANDTHS = tuple(f"{number:03d}".rstrip("0") or "0" for number in range(1000))
# What JSON holds as it is, but for what a token or an address shows by (:func:`rbac.decision_log.record.plain`).
_AS_IT_IS = bytes(set(range(0x20, 0x7F)) - set(b'"\\J@'))


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
        self._lines: list[bytes] = []
        self._usual = UsualLines()
        self._recent_bytes = 0
        self._remembered = 0
        self._remembering = threading.Lock()
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
        self.add(items)
        self.flush()

    def add(self, items: Sequence[Record | Gap]) -> None:
        """Makes lines of ``items``, which :meth:`flush` writes. Raises nothing."""
        records = [item for item in items if not isinstance(item, Gap)]
        shadows = {} if self._compare is None else self._shadows(self._compare, records)
        lines = self._lines_of(items, shadows)
        self._show(records, list(shadows.values()))
        self._remember(lines)
        if self._sink is not None:
            self._lines.append(b"".join(lines))
            self.kept += len(lines)

    def flush(self) -> None:
        """Writes what is kept, as far as it can be. Raises nothing."""
        if self._sink is not None:
            self._lines = [b"".join(self._lines)]
            self._flush(self._sink)

    def since(self, seen: int) -> tuple[int, list[bytes]]:
        """How many lines there have been, and those of ``recent`` that came behind the first ``seen`` of them.

        By any thread. There are fewer than there should be where more came than are remembered.
        """
        with self._remembering:
            new = min(max(self._remembered - seen, 0), len(self.recent))
            return self._remembered, list(islice(self.recent, len(self.recent) - new, None))

    def tell_blocked(self) -> None:
        """Raises the alarm for a write that does not end; by any thread but the one that writes."""
        self._alarm(f"a write has not ended for {self.blocked_for:.0f} s")

    def close(self) -> None:
        """Lets go of the sink."""
        if self._sink is not None:
            self._sink.close()

    def _remember(self, lines: Sequence[bytes]) -> None:
        with self._remembering:
            self._remembered += len(lines)
            self.recent.extend(lines)
            self._recent_bytes += sum(map(len, lines))
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
        with suppress(ValueError, TypeError):  # a word that is no text
            usual = None if shadows else self._usual.lines(items)
            if usual is not None:
                return usual
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
            while any(self._lines):
                self._began = time.monotonic()
                self._lines = [self._lines[0][sink.write(self._lines[0]) :]]
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
