"""``pycasbin`` as it is, and its ``FastEnforcer``."""

import logging
from pathlib import Path

import casbin
from casbin.fast_enforcer import FastEnforcer
from casbin.model.model_fast import FastModel

from benchmarks.engines import read_rows
from benchmarks.workload import Request

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class StockEngine:
    """``casbin.Enforcer`` on the model and the policy file as they are."""

    def load(self, model: Path, policy: Path) -> None:
        logging.disable(logging.WARNING)
        self.enforcer = casbin.Enforcer(str(model), str(policy))

    def prepare(self, request: Request) -> tuple[str, ...]:
        return request[:4]

    def decide(self, prepared: tuple[str, ...]) -> bool:
        return bool(self.enforcer.enforce(*prepared))


class FastEngine:
    """``casbin.FastEnforcer`` keyed by method, the only word that a request and a rule share literally here.

    It compares the same column of request and rule, so the method comes first in both, and ``*`` is written out.
    """

    def load(self, model: Path, policy: Path) -> None:
        logging.disable(logging.WARNING)
        text = model.read_text(encoding="utf-8")
        text = text.replace("r = sub, role, obj, act", "r = act, sub, role, obj")
        text = text.replace("p = role, obj, act, eft", "p = act, role, obj, eft")
        fast = FastModel([0])
        fast.load_model_from_text(text)
        adapter = casbin.persist.adapters.StringAdapter("\n".join(_written_out(policy)))
        self.enforcer = FastEnforcer(fast, adapter, cache_key_order=[0])

    def prepare(self, request: Request) -> tuple[str, ...]:
        return request.act, request.sub, request.role, request.obj

    def decide(self, prepared: tuple[str, ...]) -> bool:
        return bool(self.enforcer.enforce(*prepared))


def _written_out(policy: Path) -> list[str]:
    rules, links = read_rows(policy)
    lines = [
        f"p, {method}, {role}, {obj}, {eft}"
        for role, obj, act, eft in rules
        for method in (METHODS if act == "*" else (act,))
    ]
    return lines + [f"g, {name}, {role}" for name, role in links]
