"""What it takes `rbac diff` to say what a one-line edit changes: processor seconds, the median of several rounds."""

import random
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks import workload
from rbac.diff.diff import diff
from rbac.policy import Policy
from rbac.review.access import can, who_can

_SERVICE: Final = workload.Service(3)
EDITS: Final[Mapping[str, str]] = {
    "a rule": f"p, {_SERVICE.role('viewer')}, {_SERVICE.root}/invoices/{{id}}, DELETE, allow",
    "a wildcard below one path": f"p, {_SERVICE.role('viewer')}, {_SERVICE.root}/*, GET, allow",
    "a deny": f"p, {_SERVICE.role('viewer')}, {_SERVICE.root}/invoices/{{id}}, *, deny",
    "a person's role": f"g, bob@example.com, {_SERVICE.role('editor')}",
    "everything for a role": f"p, {_SERVICE.role('viewer')}, /*, *, allow",
    "a lock-out": "p, bob@example.com, /*, *, deny",
    "GET for everyone": "p, everyone, /*, GET, allow",
    "no DELETE for any token": "p, authenticated, /*, DELETE, deny",
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
TINY: Final = Effort(rules=(100,), rounds=1)


def run(scratch: Path, effort: Effort, say: Callable[[str], None]) -> dict[str, Any]:
    """Processor seconds of each edit and of its removal, and of questions about the whole, at each size; of a lock-out where
    a fourth as many stand as there are rules; and of a new rule among 48 whose matcher ties six words."""
    asked: dict[str, dict[str, float]] = {}
    sizes: dict[str, dict[str, float]] = {}
    for rules in effort.rules:
        policy = scratch / f"edits-{rules}.csv"
        workload.write_policy(rules, policy)
        text, model = policy.read_bytes(), workload.MODEL.read_bytes()
        sizes[str(rules)] = {
            name: _seconds(model, before, after, effort.rounds)
            for edit, line in EDITS.items()
            for name, before, after in (
                (edit, text, _with(text, line)),
                (f"{edit}, removed", _with(text, line), text),
            )
        }
        lock_out, standing = EDITS["a lock-out"], _with(text, _lock_outs(rules // 4))
        sizes[str(rules)]["a lock-out among many"] = _seconds(
            model, standing, _with(standing, lock_out), effort.rounds
        )
        asked[str(rules)] = _asked(Policy.parse(model, text), effort.rounds)
        say(f"edits: {rules:,} rules")
    few = _tied_rules()
    tied = _seconds(TIED.encode(), few, _with(few, "p, role1, d0, /o1, a9, e0, z0"), effort.rounds)
    return {"sizes": sizes, "asked": asked, "tied_seconds": tied}


def _with(text: bytes, line: str) -> bytes:
    return text + f"\n{line}\n".encode()


def _lock_outs(number: int) -> str:
    return "\n".join(f"p, person{one}@example.com, /*, *, deny" for one in range(number))


def _asked(policy: Policy, rounds: int) -> dict[str, float]:
    path = f"{_SERVICE.root}/invoices/{{id}}"
    questions: dict[str, Callable[[], object]] = {
        "can": lambda: can(policy, roles=[_SERVICE.role("viewer")]),
        "who-can": lambda: who_can(policy, "GET", path),
    }
    return {name: statistics.median(_timed(ask) for _ in range(rounds)) for name, ask in questions.items()}


def _timed(ask: Callable[[], object]) -> float:
    start = time.process_time()
    ask()
    return time.process_time() - start


def _seconds(model: bytes, before: bytes, after: bytes, rounds: int) -> float:
    old, new = Policy.parse(model, before), Policy.parse(model, after)
    taken = []
    for _ in range(rounds):
        start = time.process_time()
        found = diff(old, new)
        taken.append(time.process_time() - start)
        if found.equivalent or found.notes:
            raise RuntimeError("an edit must change something, and all that it changes must be told")
    return statistics.median(taken)


def _tied_rules() -> bytes:
    dice = random.Random(1)
    rows = {
        f"p, role{number % 6}, d{dice.randrange(4)}, /o{dice.randrange(12)}, a{dice.randrange(4)}, "
        f"e{dice.randrange(3)}, z{dice.randrange(3)}"
        for number in range(48)
    }
    return "\n".join(sorted(rows)).encode()
