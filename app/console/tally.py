"""What one worker decided lately: how much of it was allowed and refused in each minute, and by which rules."""

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final

from rbac.decision_log.record import Decided, Record
from rbac.policy import Policy

MINUTES: Final = 60
_MOST_UNUSED: Final = 500
_MINUTE: Final = 60_000_000_000  # nanoseconds


class Tally:
    """Counts batches of records by the minute, and which rules of the document in force decided.

    ``count`` is called by the thread that writes the log, everything else by any.
    """

    def __init__(self) -> None:
        self.started = time.time()
        self._lock = threading.Lock()
        self._minutes: OrderedDict[int, list[int]] = OrderedDict()
        self._revision = ""
        self._since = self.started
        self._used: set[int] = set()

    def count(self, records: Sequence[Record]) -> None:
        """Takes up a batch."""
        with self._lock:
            began = -_MINUTE
            told = None
            for record in records:
                if not 0 <= record.time_ns - began < _MINUTE:
                    number = record.time_ns // _MINUTE
                    began, minute = number * _MINUTE, self._minutes.setdefault(number, [0, 0, 0])
                if not isinstance(record, Decided):
                    minute[2] += 1
                    continue
                decision = record.ruling.decision
                minute[0 if decision.allowed else 1] += 1
                if decision is not told and record.via == "http" and decision.rule is not None:
                    told = decision
                    self._use(decision.revision, decision.rule.line)
            while len(self._minutes) > MINUTES + 1:
                self._minutes.popitem(last=False)

    def _use(self, revision: str, line: int) -> None:
        if revision != self._revision:
            self._revision, self._since = revision, time.time()
            self._used = set()
        self._used.add(line)

    def hour(self) -> list[dict[str, int]]:
        """The last sixty minutes, the oldest first: when each began, in seconds since 1970, and what was answered in it."""
        now = int(time.time()) // 60
        with self._lock:
            counted = [
                (minute, self._minutes.get(minute, (0, 0, 0))) for minute in range(now - MINUTES + 1, now + 1)
            ]
        return [
            {"at": minute * 60, "allowed": allowed, "refused": refused, "rejected": rejected}
            for minute, (allowed, refused, rejected) in counted
        ]

    def unused(self, policy: Policy) -> dict[str, Any]:
        """The rules of ``policy`` that decided nothing here since it came into force; a bounded number of them."""
        with self._lock:
            same = self._revision == policy.revision
            used, since = (set(self._used), self._since) if same else (set(), time.time())
        rows, lines = policy.document.rows["p"], policy.document.lines["p"]
        found = [index for index, line in enumerate(lines) if line not in used]
        told = [policy.document_rule(index) for index in found[:_MOST_UNUSED]]
        return {
            "since": since,
            "of": len(rows),
            "total": len(found),
            "rules": [rule.to_json() for rule in told],
        }
