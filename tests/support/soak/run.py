"""One soak, from a start to a stop, and what came of it."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.support.issuer import Issuer
from tests.support.service import serving
from tests.support.soak.changes import Changes
from tests.support.soak.ledger import Ledger
from tests.support.soak.readings import Growth, Reading, read
from tests.support.soak.streams import Streams
from tests.support.soak.traffic import Traffic

_WORKERS: Final = 2
_STREAM_S: Final = 7.0


@dataclass(frozen=True)
class Effort:
    """``seconds`` of ``threads`` callers that wait ``pause_s`` between two calls; of the readings the first ``warming``
    share is left out. Before them each worker is given ``known`` tokens to remember."""

    seconds: float = 1800.0
    threads: int = 4
    pause_s: float = 0.02
    warming: float = 0.2
    known: int = 0
    seed: int = 1


@dataclass
class Outcome:
    """What was asked, what was wrong, and what the workers weighed."""

    seconds: float
    answers: dict[str, int]
    wrong: list[str]
    changes: dict[str, int]
    slowest_change_s: float
    streams: int
    events: int
    unlogged: int
    restarted: bool
    memory: Growth
    descriptors: Growth
    exit_code: int
    series: list[tuple[float, float, int]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Everything, for programs."""
        return {
            name: vars(value) | {"growth": value.share} if isinstance(value, Growth) else value
            for name, value in vars(self).items()
        }


def soak(scratch: Path, effort: Effort, say: Callable[[str], None]) -> Outcome:
    """Runs it. Nothing is asserted here: the outcome says what was wrong."""
    log = scratch / "decisions.jsonl"
    with Issuer() as issuer:
        settings = {
            "WORKERS": str(_WORKERS),
            "POLICY_GATE": "lint",  # the tests are asked all the same, and only warn of the added rule
            "DECISION_LOG": str(log),
            "LOG_LEVEL": "WARNING",
        }
        with serving(issuer, scratch, **settings) as service:
            ledger = Ledger()
            traffic = Traffic(service.base_url, issuer, ledger, pause_s=effort.pause_s, seed=effort.seed)
            changes = Changes(service, issuer, ledger, traffic, _WORKERS)
            streams = Streams(
                service.base_url,
                lambda: issuer.token(**{"custom:role": "security"}),
                lambda why: ledger.judge("stream", "", why, ""),
                _STREAM_S,
            )
            changes.first()
            if effort.known:
                traffic.fill(effort.threads, _WORKERS, effort.known)
            traffic.start(effort.threads)
            streams.start()
            try:
                series = _go_on(changes, ledger, log, effort, say)
            finally:
                streams.stop()
                traffic.stop()
            code = service.stop()
    readings = [reading for moment, reading in series if moment >= effort.warming * effort.seconds]
    return Outcome(
        seconds=effort.seconds,
        answers=ledger.counts,
        wrong=ledger.wrong,
        changes=changes.counts,
        slowest_change_s=changes.slowest_s,
        streams=streams.opened,
        events=streams.events,
        unlogged=len(ledger.answered.keys() - _logged(scratch)),
        restarted=len({reading.pids for _, reading in series}) > 1,
        memory=Growth.of([reading.mib for reading in readings]),
        descriptors=Growth.of([reading.descriptors for reading in readings]),
        exit_code=code,
        series=[(round(moment, 1), round(each.mib, 2), each.descriptors) for moment, each in series],
    )


def _go_on(
    changes: Changes, ledger: Ledger, log: Path, effort: Effort, say: Callable[[str], None]
) -> list[tuple[float, Reading]]:
    """Changes one thing after the other until the time is over, and weighs the workers meanwhile."""
    steps = (
        changes.edit,
        changes.revoke,
        changes.edit,
        changes.break_and_mend,
        lambda: changes.move_log(log),
        changes.rotate_keys,
    )
    began, told, series, number = time.monotonic(), 0.0, [], 0
    while (moment := time.monotonic() - began) < effort.seconds:
        steps[number % len(steps)]()
        number += 1
        time.sleep(0.5)
        series.append((moment, read(changes.service)))
        if moment - told > 60:
            told = moment
            reading = series[-1][1]
            say(
                f"{moment:.0f} s: {sum(ledger.counts.values()):,} answers, {len(ledger.wrong)} wrong, "
                f"{reading.mib:.1f} MiB, {reading.descriptors} descriptors"
            )
    return series


def _logged(scratch: Path) -> set[str]:
    """The request of every line of the decision logs."""
    found = set()
    for file in scratch.glob("decisions*.jsonl"):
        for line in file.read_text(encoding="utf-8").splitlines():
            found.add(json.loads(line).get("request_id", ""))
    return found
