"""Cedar through ``cedarpy``, with everything parsed beforehand that it lets one parse beforehand."""

import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.engines import ancestors, read_rows
from benchmarks.workload import Request

cedarpy: Any = import_module("cedarpy")


class CedarEngine:
    """One ``permit`` or ``forbid`` a rule. ``like`` crosses slashes, so the number of segments is compared too."""

    def load(self, model: Path, policy: Path) -> None:  # noqa: ARG002 - Cedar has a model of its own
        rules, links = read_rows(policy)
        self.roles = ancestors(links)
        self.policies = cedarpy.PolicySet.from_str("\n".join(_policy(*rule) for rule in rules))

    def prepare(self, request: Request) -> tuple[dict[str, Any], Any]:
        names = dict.fromkeys(self.roles.get(request.role, (request.role,)))
        names |= dict.fromkeys(self.roles.get(request.sub, (request.sub,)))
        names["everyone"] = None
        if request.sub:
            names["authenticated"] = None
        parents = [{"type": "Role", "id": name} for name in names if name]
        uid = {"type": "User", "id": request.sub or "anonymous"}
        entities = cedarpy.Entities.from_json_str(json.dumps([{"uid": uid, "attrs": {}, "parents": parents}]))
        asked = {
            "principal": uid,
            "action": {"type": "Action", "id": request.act},
            "resource": {"type": "Path", "id": "any"},
            "context": json.dumps({"path": request.obj, "depth": request.obj.count("/")}),
        }
        return asked, entities

    def decide(self, prepared: tuple[dict[str, Any], Any]) -> bool:
        asked, entities = prepared
        return bool(cedarpy.is_authorized(asked, self.policies, entities).allowed)


def _policy(role: str, obj: str, act: str, eft: str) -> str:
    verb = "permit" if eft == "allow" else "forbid"
    action = "action" if act == "*" else f'action == Action::"{act}"'
    depth = "" if obj.endswith("/*") else f"context.depth == {obj.count('/')} && "
    pattern = re.sub(r"\{[^/}]*\}", "*", obj)
    return f'{verb}(principal in Role::"{role}", {action}, resource) when {{ {depth}context.path like "{pattern}" }};'
