"""One engine in a process of its own, told what to do line by line: ``python -m benchmarks.worker ENGINE``.

Commands and answers are JSON, one a line, on standard input and output. The same protocol is spoken by
``node/worker.js``. Whatever an engine prints goes to standard error.

Seconds are processor seconds of this process, all its threads added up: what other programs do on the machine at the
same time is not the engine's cost. Where nothing else runs they equal the seconds on the clock.
"""

import gc
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.engines import Engine, make
from benchmarks.workload import Request


def resident_mib(field: str = "VmRSS") -> float:
    """Resident memory of this process in MiB, now (``VmRSS``) or at its highest (``VmHWM``)."""
    with Path("/proc/self/status").open(encoding="ascii") as status:
        kib = next(line.split()[1] for line in status if line.startswith(field))
    return int(kib) / 1024


class Worker:
    """The engine, and the requests it was given, prepared."""

    def __init__(self, name: str) -> None:
        self.engine: Engine = make(name)
        self.asked: dict[str, list[Any]] = {}

    def load(self, model: str, policy: str, first: list[str]) -> dict[str, float]:
        """Loads and takes one decision, so that nothing is left for later; says how long it took and what it holds."""
        gc.collect()
        before = resident_mib()
        start = time.process_time()
        self.engine.load(Path(model), Path(policy))
        self.engine.decide(self.engine.prepare(Request(*first)))
        seconds = time.process_time() - start
        gc.collect()
        return {
            "seconds": seconds,
            "mib": resident_mib() - before,
            "peak_mib": resident_mib("VmHWM") - before,
        }

    def give(self, kind: str, requests: list[list[str]]) -> dict[str, int]:
        """Takes the requests of one kind."""
        self.asked[kind] = [self.engine.prepare(Request(*request)) for request in requests]
        return {"prepared": len(requests)}

    def answers(self, kind: str, seconds: float) -> dict[str, list[bool]]:
        """The answers to as many requests of a kind as fit into the time."""
        decide, answers = self.engine.decide, []
        until = time.perf_counter() + seconds
        for request in self.asked[kind]:
            answers.append(decide(request))
            if time.perf_counter() > until:
                break
        return {"answers": answers}

    def time(self, kind: str, calls: int, skip: int) -> dict[str, float]:
        """How long ``calls`` decisions take, round and round over the requests of a kind, from the ``skip``-th on."""
        requests, decide = self.asked[kind], self.engine.decide
        skip %= len(requests)
        laps = (requests[skip:] + requests[:skip]) * (1 + calls // len(requests))
        del laps[calls:]
        start = time.process_time()
        for request in laps:
            decide(request)
        return {"seconds": time.process_time() - start}


def main() -> None:
    """Answers commands until standard input ends."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    worker = Worker(sys.argv[1])
    verbs: dict[str, Callable[..., Any]] = {
        "load": worker.load,
        "give": worker.give,
        "answers": worker.answers,
        "time": worker.time,
    }
    print(json.dumps({"ready": True}), file=replies, flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        answer = verbs[command.pop("do")](**command)
        print(json.dumps(answer), file=replies, flush=True)


if __name__ == "__main__":
    main()
