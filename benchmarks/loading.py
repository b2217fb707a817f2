"""What it takes to be ready to decide: seconds and memory for 100,000 rules, each time in a fresh process; and lint."""

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import peers, workload
from benchmarks.remote import Remote

SIDES = ("stock", "policy", "indexed")

LINT = """
import json, sys, time
from rbac.document.document import Document
from rbac.linting.lint import lint
document = Document.read(sys.argv[1], sys.argv[2])
start = time.perf_counter()
problems = lint(document)
print(json.dumps({"seconds": time.perf_counter() - start, "problems": len(problems)}))
"""


@dataclass(frozen=True)
class Effort:
    """How large, and how often."""

    rules: int = 100_000
    rounds: int = 7


QUICK = Effort(rules=10_000, rounds=3)
TINY = Effort(rules=100, rounds=1)


def run(scratch: Path, effort: Effort, say: Callable[[str], None]) -> dict[str, Any]:
    """Seconds and MiB of each side in alternating rounds, the median of the rounds' ratios, and lint's seconds."""
    policy = scratch / f"policy-{effort.rules}.csv"
    workload.write_policy(effort.rules, policy)
    first = workload.about_first(1)[0]
    seen: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
    linted = []
    for number in range(effort.rounds):
        for side in SIDES if number % 2 else reversed(SIDES):
            with Remote(side, scratch) as engine:
                seen[side].append(engine.load(workload.MODEL, policy, first))
        linted.append(_lint(policy))
        say(f"loading: round {number + 1} of {effort.rounds}")
    results: dict[str, Any] = {
        "rules": effort.rules,
        "lint_seconds": median(each["seconds"] for each in linted),
    }
    results["lint_problems"] = linted[0]["problems"]
    for side, loads in seen.items():
        results[side] = {
            "seconds": median(load["seconds"] for load in loads),
            "mib": median(load["mib"] for load in loads),
            "peak_mib": median(load["peak_mib"] for load in loads),
            "over_stock": median(
                load["seconds"] / stock["seconds"] for load, stock in zip(loads, seen["stock"], strict=True)
            ),
        }
    return results


def _lint(policy: Path) -> dict[str, float]:
    done = subprocess.run(
        [str(peers.PYTHON), "-c", LINT, str(workload.MODEL), str(policy)],
        cwd=peers.ROOT,
        env={**os.environ, "PYTHONPATH": str(peers.ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    report: dict[str, float] = json.loads(done.stdout)
    return report
