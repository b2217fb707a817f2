"""This project's own two doors: the drop-in enforcer, and the policy that the service asks."""

import logging
from pathlib import Path

from benchmarks.workload import Request
from rbac.engine.enforcer import IndexedEnforcer
from rbac.policy import Policy

Words = tuple[str, str, str, str]


class IndexedEngine:
    """``IndexedEnforcer`` used as ``casbin.Enforcer`` is."""

    def load(self, model: Path, policy: Path) -> None:
        logging.disable(logging.WARNING)
        self.enforcer = IndexedEnforcer(str(model), str(policy))

    def prepare(self, request: Request) -> Words:
        return request[:4]

    def decide(self, prepared: Words) -> bool:
        return self.enforcer.enforce(*prepared)


class PolicyEngine:
    """``Policy``, read strictly, asked the way the service asks."""

    def load(self, model: Path, policy: Path) -> None:
        self.policy = Policy.load(model, policy)

    def prepare(self, request: Request) -> Words:
        return request[:4]

    def decide(self, prepared: Words) -> bool:
        return self.policy.decide_request(prepared).allowed


class KeywordsEngine(PolicyEngine):
    """``Policy``, asked by the names of the model's words."""

    def decide(self, prepared: Words) -> bool:
        sub, role, obj, act = prepared
        return self.policy.decide(sub=sub, role=role, obj=obj, act=act).allowed
