"""``python -m benchmarks.decision_log``: what recording one decision costs a request, and what the writing costs.

Processor seconds of the thread that answers; the other side of the comparison is a logging call with python-json-logger
that writes the same members to a file. One run, both in turns, medians.
"""

import json
import logging
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from pythonjsonlogger.json import JsonFormatter

from app.metrics import Metrics
from rbac import Policy
from rbac.decision_log.buffer import DecisionLog
from rbac.decision_log.record import Decided, entry
from rbac.decision_log.ruling import Ruling
from rbac.decision_log.sinks import FileSink
from rbac.decision_log.writer import Writer
from rbac.guard.checkpoint import Checkpoint
from rbac.guard.identity.principal import Principal

_ROOT = Path(__file__).parents[1]
_BOB = Principal("7f3c1a52-0b54-4d5e-9a3e-2f6f0c1d8e90", ("user",), "bob", "bob@example.com")
_SCOPE = {"type": "http", "client": ("192.0.2.7", 54321)}


@dataclass(frozen=True)
class Effort:
    """``rounds`` of so many ``calls`` each."""

    rounds: int = 25
    calls: int = 2_000


QUICK = Effort(rounds=5)
TINY = Effort(rounds=1, calls=100)


def measure(effort: Effort) -> dict[str, float]:
    """Microseconds for one decision: on the request's path, in the log's thread, and with python-json-logger."""
    policy = Policy.load(_ROOT / "model.conf", _ROOT / "policy.csv")
    words = (_BOB.sub, "user", "/user", "GET")
    ruling = Ruling(policy.decide_request(words), words, policy)
    with tempfile.TemporaryDirectory(prefix="decision-log-") as scratch:
        metrics = Metrics()
        writer = Writer(FileSink(Path(scratch) / "decisions.jsonl"), observe=metrics.count)
        checkpoint = Checkpoint()
        logger = _json_logger(Path(scratch) / "logger.jsonl")
        record = Decided(
            time.time_ns(), "x-1", "x-2", _BOB, ruling, "GET", "/user", "192.0.2.7", "http", 25_000, 0
        )
        members = entry(record)

        def ours() -> None:
            checkpoint.record(_SCOPE, ruling, _BOB, "GET", "/user", started=time.perf_counter_ns())
            if checkpoint.log.refusing or checkpoint.log.waits:
                raise RuntimeError("the buffer is full")

        def theirs() -> None:
            logger.info("decision", extra=members)

        figures: dict[str, list[float]] = {"request_path": [], "writer": [], "python_json_logger": []}
        for _ in range(effort.rounds):
            checkpoint.log = DecisionLog(writer)
            checkpoint.log.start()
            figures["request_path"].append(_microseconds(ours, effort.calls))
            checkpoint.log.stop()
            figures["writer"].append(_microseconds(lambda: writer.write([record] * 80), 25) / 80)
            figures["python_json_logger"].append(_microseconds(theirs, effort.calls))
        writer.close()
    return {name: median(rounds) for name, rounds in figures.items()}


def _microseconds(call: Callable[[], object], calls: int) -> float:
    began = time.thread_time()
    for _ in range(calls):
        call()
    return (time.thread_time() - began) / calls * 1_000_000


def _json_logger(path: Path) -> logging.Logger:
    logger = logging.getLogger("benchmarks.decision_log")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    handler = logging.FileHandler(path)
    handler.setFormatter(JsonFormatter())
    logger.addHandler(handler)
    return logger


if __name__ == "__main__":
    json.dump(measure(QUICK if "--quick" in sys.argv else Effort()), sys.stdout, indent=1)
    sys.stdout.write("\n")
