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

effects contains rule.eft if {
    some name in input.names
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
    """One query, ``data.authz.allow``, compiled once into a bundle; the caller's roles come with the request."""

    def load(self, model: Path, policy: Path) -> None:  # noqa: ARG002 - Rego has a model of its own
        rules, links = read_rows(policy)
        grouped: dict[str, list[dict[str, str]]] = {}
        for role, obj, act, eft in rules:
            pattern = "^" + re.sub(r"\{[^/}]*\}", "[^/]+", obj.replace("/*", "/.*")) + "$"
            grouped.setdefault(role, []).append({"path": pattern, "act": act, "eft": eft})
        self.roles = ancestors(links)
        self.rego = regopy.Interpreter()
        self.rego.add_data_json(json.dumps({"rules": grouped}))
        self.rego.add_module("authz", MODULE)
        self.bundle = self.rego.build("data.authz.allow", [])

    def prepare(self, request: Request) -> Any:
        # Inheritance is resolved here: a look-up in a large object costs rego-cpp a scan of it.
        names = dict.fromkeys(
            (*self.roles.get(request.role, ()), *self.roles.get(request.sub, ()), "everyone")
        )
        names |= dict.fromkeys(("authenticated", request.sub) if request.sub else ()) | {request.role: None}
        return regopy.Input({"names": list(names), "obj": request.obj, "act": request.act})

    def decide(self, prepared: Any) -> bool:
        self.rego.set_input(prepared)
        return str(self.rego.query_bundle(self.bundle)) == '{"expressions":[true]}'
