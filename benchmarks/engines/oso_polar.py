"""oso: one Polar fact a rule, its path segments as arguments, so that Polar's rule index can look facts up by them."""

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
met(sub, role, act, path, effect) if
  has(sub, role, reached) and (rule(reached, act, path, effect) or rule(reached, "*", path, effect));
allow_request(sub, [role, act, path]) if met(sub, role, act, path, "allow") and not met(sub, role, act, path, "deny");
"""


class OsoEngine:
    """``at3`` holds the patterns of three segments, ``under2`` those of two and ``/*``."""

    def load(self, model: Path, policy: Path) -> None:  # noqa: ARG002 - Polar has a model of its own
        rules, links = read_rows(policy)
        kinds: set[tuple[str, int]] = set()
        facts = []
        for role, obj, act, eft in rules:
            words = [
                "_" if word.startswith("{") else f'"{word}"' for word in obj.removesuffix("/*").split("/")[1:]
            ]
            kind = ("under" if obj.endswith("/*") else "at", len(words))
            kinds.add(kind)
            facts.append(f'{kind[0]}{kind[1]}("{role}", {", ".join(words)}, "{act}", "{eft}");')
        facts += [f'inherits("{name}", "{role}");' for name, role in links]
        self.oso = oso.Oso()
        self.oso.load_str("\n".join([RULES, *(_dispatch(*kind) for kind in sorted(kinds)), *facts]))

    def prepare(self, request: Request) -> tuple[str, list[Any]]:
        return request.sub, [request.role, request.act, request.obj.split("/")[1:]]

    def decide(self, prepared: tuple[str, list[Any]]) -> bool:
        return next(iter(self.oso.query_rule("allow_request", *prepared)), None) is not None


def _dispatch(kind: str, count: int) -> str:
    words = ", ".join(f"word{number}" for number in range(count))
    path = words if kind == "at" else f"{words}, _, *_"
    return f"rule(role, act, [{path}], effect) if {kind}{count}(role, {words}, act, effect);"
