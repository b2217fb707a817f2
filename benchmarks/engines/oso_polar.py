"""oso: one Polar fact a rule, which its rule index can look up by role and method."""

from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.engines import read_rows
from benchmarks.workload import Request

oso: Any = import_module("oso")

RULES = """
role_of(name, name);
role_of(name, role) if inherits(name, next) and role_of(next, role);
has(_sub, _role, "everyone");
has(sub, _role, "authenticated") if sub != "";
has(_sub, role, reached) if role_of(role, reached);
has(sub, _role, reached) if role_of(sub, reached);
met(sub, role, act, path, effect) if has(sub, role, reached) and rule(reached, act, path, effect);
met(sub, role, _act, path, effect) if has(sub, role, reached) and rule(reached, "*", path, effect);
allow_request(sub, [role, act, path]) if met(sub, role, act, path, "allow") and not met(sub, role, act, path, "deny");
inherits("", "");
"""


class OsoEngine:
    """Paths are lists of segments: ``["help", "billing-0", *_]`` is Polar's own pattern."""

    def load(self, model: Path, policy: Path) -> None:  # noqa: ARG002 - Polar has a model of its own
        rules, links = read_rows(policy)
        facts = [f'rule("{role}", "{act}", {_pattern(obj)}, "{eft}");' for role, obj, act, eft in rules]
        facts += [f'inherits("{name}", "{role}");' for name, role in links]
        self.oso = oso.Oso()
        self.oso.load_str(RULES.replace('inherits("", "");', "") + "\n".join(facts))

    def prepare(self, request: Request) -> tuple[str, list[Any]]:
        return request.sub, [request.role, request.act, request.obj.split("/")[1:]]

    def decide(self, prepared: tuple[str, list[Any]]) -> bool:
        return next(iter(self.oso.query_rule("allow_request", *prepared)), None) is not None


def _pattern(obj: str) -> str:
    words = [
        "_" if word.startswith("{") else "_, *_" if word == "*" else f'"{word}"'
        for word in obj.split("/")[1:]
    ]
    return f"[{', '.join(words)}]"
