"""What it takes to import the package, to say its help and to import the service, as ratios to ``import casbin``."""

import resource
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

STARTED: Final[Mapping[str, Sequence[str]]] = {
    "python": ("-c", "pass"),
    "casbin": ("-c", "import casbin"),
    "rbac": ("-c", "import rbac"),
    "rbac.Policy": ("-c", "from rbac import Policy"),
    "rbac.guard": ("-c", "import rbac.guard"),
    "help": ("-m", "rbac", "--help"),
    "app.main": ("-c", "import app.main"),
}


@dataclass(frozen=True)
class Effort:
    """How often each is started."""

    rounds: int = 15


QUICK = Effort(rounds=3)
TINY = Effort(rounds=1)


def run(effort: Effort, say: Callable[[str], None]) -> dict[str, Any]:
    """Processor milliseconds above Python alone, and their ratios to those of ``import casbin``; medians of rounds."""
    spent: dict[str, list[float]] = {name: [] for name in STARTED}
    for _ in range(effort.rounds):
        for name, command in STARTED.items():
            spent[name].append(_processor_ms(command))
    python = median(spent["python"])
    above = {name: median(each) - python for name, each in spent.items() if name != "python"}
    figures = {name: {"ms": ms, "over_casbin": ms / above["casbin"]} for name, ms in above.items()}
    for name, each in figures.items():
        say(f"imports: {name}: {each['ms']:.0f} ms, {each['over_casbin']:.2f} x")
    return {"python_ms": python, "started": figures}


def _processor_ms(command: Sequence[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *command], stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000
