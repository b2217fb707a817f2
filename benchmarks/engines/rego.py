"""Rego through ``regopy`` (rego-cpp): rules as data, grouped by role, so that a decision looks at few of them."""

import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.engines import ancestors, read_rows
from benchmarks.workload import Request

regopy: Any = import_module("regopy")

MODULE = """
package authz

names contains "everyone"
names contains "authenticated" if input.sub != ""
names contains input.role
names contains input.sub
names contains role if some role in data.reaches[input.role]
names contains role if some role in data.reaches[input.sub]

effects contains rule.eft if {
    some name in names
    some rule in data.rules[name]
    rule.act in ["*", input.act]
    regex.match(rule.path, input.obj)
}

default allow := false
allow if {
    "allow" in effects
    not "deny" in effects
}
"""


class RegoEngine:
    """One prepared query, ``data.authz.allow``, compiled once into a bundle."""

    def load(self, model: Path, policy: Path) -> None:  # noqa: ARG002 - Rego has a model of its own
        rules, links = read_rows(policy)
        grouped: dict[str, list[dict[str, str]]] = {}
        for role, obj, act, eft in rules:
            pattern = "^" + re.sub(r"\{[^/}]*\}", "[^/]+", obj.replace("/*", "/.*")) + "$"
            grouped.setdefault(role, []).append({"path": pattern, "act": act, "eft": eft})
        self.rego = regopy.Interpreter()
        self.rego.add_data_json(json.dumps({"rules": grouped, "reaches": ancestors(links)}))
        self.rego.add_module("authz", MODULE)
        self.bundle = self.rego.build("data.authz.allow", [])

    def prepare(self, request: Request) -> Any:
        return regopy.Input(
            {"sub": request.sub, "role": request.role, "obj": request.obj, "act": request.act}
        )

    def decide(self, prepared: Any) -> bool:
        self.rego.set_input(prepared)
        return str(self.rego.query_bundle(self.bundle)) == '{"expressions":[true]}'
