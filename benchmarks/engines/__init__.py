"""One adapter an engine: the same policy in its own form, the same question in its own call.

An adapter loads, ``prepare``s a request into what its engine wants to be called with (not timed: to the engine's
advantage), and ``decide``s one prepared request (timed).
"""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from benchmarks.workload import Request

Decide = Callable[[Any], bool]


class Engine(Protocol):
    """What an adapter is, once constructed and loaded."""

    def load(self, model: Path, policy: Path) -> None:
        """Reads the policy and makes ready to decide."""

    def prepare(self, request: Request) -> Any:
        """The request as the engine wants it."""

    def decide(self, prepared: Any) -> bool:
        """Whether it is allowed."""


class Entry(NamedTuple):
    """How an engine is shown, which adapter drives it (``None``: the worker in Node), and what is to know about it."""

    label: str
    adapter: str | None
    distribution: str
    note: str


ENGINES: dict[str, Entry] = {
    "policy": Entry(
        "Sekisho, Policy",
        "benchmarks.engines.sekisho:PolicyEngine",
        "",
        "`Policy.decide_request`: the answer with the deciding rule and its line",
    ),
    "indexed": Entry(
        "Sekisho, IndexedEnforcer",
        "benchmarks.engines.sekisho:IndexedEngine",
        "",
        "`IndexedEnforcer.enforce`, the drop-in for `casbin.Enforcer`",
    ),
    "trie": Entry(
        "hand-written trie",
        "benchmarks.engines.handwritten:TrieEngine",
        "",
        "Python written for this model alone: rules in a tree of path segments, role closure computed at load",
    ),
    "dict": Entry(
        "dict",
        "benchmarks.engines.handwritten:DictEngine",
        "",
        "a floor, not a competitor: the route's template is given, inheritance is flattened at load, one look-up",
    ),
    "stock": Entry(
        "pycasbin",
        "benchmarks.engines.stock:StockEngine",
        "pycasbin",
        "`casbin.Enforcer.enforce` on the same two files",
    ),
    "fast": Entry(
        "pycasbin FastEnforcer",
        "benchmarks.engines.stock:FastEngine",
        "pycasbin",
        "filters by method before it scans; model reordered and `*` written out, which it needs to give the same answers",
    ),
    "cedarpy": Entry(
        "cedarpy",
        "benchmarks.engines.cedar:CedarEngine",
        "cedarpy",
        "one policy a rule, prepared `PolicySet` and `Entities` handles, path by `like`",
    ),
    "oso": Entry(
        "oso", "benchmarks.engines.oso_polar:OsoEngine", "oso", "one Polar fact a rule, paths as lists"
    ),
    "regopy": Entry(
        "regopy",
        "benchmarks.engines.rego:RegoEngine",
        "regopy",
        "rules as data grouped by role, one compiled query",
    ),
    "node-casbin": Entry(
        "node-casbin", None, "casbin (npm)", "`enforcer.enforceSync` in Node on the same two files"
    ),
}


def make(name: str) -> Engine:
    """The adapter of an engine; its package is imported here, before anything is measured."""
    entry = ENGINES[name]
    if entry.adapter is None:
        raise ValueError(f"`{name}` does not run in Python")
    module, _, attribute = entry.adapter.partition(":")
    engine: Engine = getattr(import_module(module), attribute)()
    return engine


def read_rows(policy: Path) -> tuple[list[list[str]], list[list[str]]]:
    """The ``p`` and the ``g`` rows of a policy file that this package wrote."""
    rows: dict[str, list[list[str]]] = {"p": [], "g": []}
    with policy.open(encoding="utf-8") as lines:
        for line in lines:
            kind, *fields = (field.strip() for field in line.split(","))
            rows[kind].append(fields)
    return rows["p"], rows["g"]


def ancestors(links: list[list[str]]) -> dict[str, tuple[str, ...]]:
    """Every name that has links, with every role it reaches, itself first."""
    direct: dict[str, list[str]] = {}
    for name, role in links:
        direct.setdefault(name, []).append(role)
    closed = {}
    for name in direct:
        reached = {name: None}
        queue = [name]
        while queue:
            for role in direct.get(queue.pop(), ()):
                if role not in reached:
                    reached[role] = None
                    queue.append(role)
        closed[name] = tuple(reached)
    return closed
