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
    note: str


def _entry(label: str, adapter: str | None, note: str) -> Entry:
    return Entry(label, f"benchmarks.engines.{adapter}" if adapter else None, note)


ENGINES: dict[str, Entry] = {
    "policy": _entry(
        "Sekisho, Policy",
        "sekisho:PolicyEngine",
        "`Policy.decide_request`: the answer with the deciding rule and its line",
    ),
    "keywords": _entry(
        "Sekisho, Policy by keywords",
        "sekisho:KeywordsEngine",
        "`Policy.decide`, which takes the model's words by name",
    ),
    "indexed": _entry(
        "Sekisho, IndexedEnforcer",
        "sekisho:IndexedEngine",
        "`IndexedEnforcer.enforce`, the drop-in for `casbin.Enforcer`",
    ),
    "trie": _entry(
        "hand-written trie",
        "handwritten:TrieEngine",
        "Python written for this model alone: a tree of path segments, made deterministic at load, and the closure of "
        "roles; no result remembered",
    ),
    "dict": _entry(
        "dict",
        "handwritten:DictEngine",
        "a floor, not a competitor: the route's template is given with the request, inheritance is flattened at load",
    ),
    "stock": _entry("pycasbin", "stock:StockEngine", "`casbin.Enforcer.enforce` on the same two files"),
    "fast": _entry(
        "pycasbin FastEnforcer",
        "stock:FastEngine",
        "filters by method before it scans; the model's words reordered and `*` written out as five methods, which it "
        "needs to give the same answers",
    ),
    "cedarpy": _entry(
        "cedarpy",
        "cedar:CedarEngine",
        "one policy a rule, path by `like`; `PolicySet` handle, and an `Entities` handle for each request, prepared",
    ),
    "oso": _entry(
        "oso", "oso_polar:OsoEngine", "one Polar fact a rule, with the path's segments as arguments"
    ),
    "regopy": _entry(
        "regopy",
        "rego:RegoEngine",
        "rules as data grouped by role, one compiled query, the caller's roles resolved beforehand",
    ),
    "node-casbin": _entry("node-casbin", None, "`enforcer.enforceSync` in Node on the same two files"),
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
