"""What it takes `rbac diff` to say what a one-line edit changes: seconds of this process, the median of several rounds."""

import random
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks import workload
from rbac.diff import diff
from rbac.policy import Policy

_SERVICE: Final = workload.Service(3)
EDITS: Final[Mapping[str, str]] = {
    "a rule": f"p, {_SERVICE.role('viewer')}, {_SERVICE.root}/invoices/{{id}}, DELETE, allow",
    "a wildcard below one path": f"p, {_SERVICE.role('viewer')}, {_SERVICE.root}/*, GET, allow",
    "a person's role": f"g, bob@example.com, {_SERVICE.role('editor')}",
}
TIED: Final = """[request_definition]
r = sub, dom, obj, act, env, zone
[policy_definition]
p = sub, dom, obj, act, env, zone
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub) && r.dom == p.dom && keyMatch(r.obj, p.obj) && r.act == p.act && r.env == p.env \
&& r.zone == p.zone || r.sub == "root"
"""


@dataclass(frozen=True)
class Effort:
    """How large, and how often."""

    rules: tuple[int, ...] = (1_000, 5_000, 20_000)
    rounds: int = 5


QUICK: Final = Effort(rules=(1_000,), rounds=1)


def run(scratch: Path, effort: Effort, say: Callable[[str], None]) -> dict[str, Any]:
    """Seconds of each edit at each size, and of a new rule among 48 whose matcher ties six words."""
    sizes: dict[str, dict[str, float]] = {}
    for rules in effort.rules:
        policy = scratch / f"edits-{rules}.csv"
        workload.write_policy(rules, policy)
        text, model = policy.read_bytes(), workload.MODEL.read_bytes()
        sizes[str(rules)] = {name: _seconds(model, text, edit, effort.rounds) for name, edit in EDITS.items()}
        say(f"edits: {rules:,} rules")
    tied = _seconds(TIED.encode(), _tied_rules(), "p, role1, d0, /o1, a9, e0, z0", effort.rounds)
    return {"sizes": sizes, "tied_seconds": tied}


def _seconds(model: bytes, text: bytes, edit: str, rounds: int) -> float:
    old, new = Policy.parse(model, text), Policy.parse(model, text + f"\n{edit}\n".encode())
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        found = diff(old, new)
        taken.append(time.perf_counter() - start)
        if found.equivalent or found.notes:
            raise RuntimeError(f"`{edit}` must change something, and all that it changes must be told")
    return statistics.median(taken)


def _tied_rules() -> bytes:
    dice = random.Random(1)
    rows = {
        f"p, role{number % 6}, d{dice.randrange(4)}, /o{dice.randrange(12)}, a{dice.randrange(4)}, "
        f"e{dice.randrange(3)}, z{dice.randrange(3)}"
        for number in range(48)
    }
    return "\n".join(sorted(rows)).encode()
