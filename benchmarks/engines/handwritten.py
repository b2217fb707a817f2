"""What a Python programmer would write for this one model, and nothing for any other."""

from pathlib import Path
from typing import Any

from benchmarks.engines import ancestors, read_rows
from benchmarks.workload import Request

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ANY, TAIL, HERE = "/any", "/tail", "/here"  # with a slash, which no segment holds
Table = dict[str, dict[str, bool]]
Node = dict[str, Any]


class TrieEngine:
    """Rules in a tree of path segments; at its leaves method, then role, then effect. No result is remembered.

    It honours the model in full: both wildcards, ``*`` methods, inheritance of roles and of subjects, the two
    built-in roles, and denies that win. Where a word and a wildcard both go on, the tree is made deterministic at
    load, so that a decision walks it once.
    """

    def load(self, model: Path, policy: Path) -> None:  # noqa: ARG002 - the model is what this class is
        rules, links = read_rows(policy)
        root: Node = {}
        for role, obj, act, eft in rules:
            node = root
            for word in obj.split("/")[1:]:
                node = node.setdefault(_step(word), {})
            by_role = node.setdefault(HERE, {}).setdefault(act, {})
            by_role[role] = by_role.get(role, True) and eft == "allow"
        self.root = _deterministic([root], [])
        self.roles = ancestors(links)

    def prepare(self, request: Request) -> tuple[str, ...]:
        return request[:4]

    # One function on purpose: calls would slow down what we are measured against.
    def decide(self, prepared: tuple[str, ...]) -> bool:  # noqa: C901, PLR0912 - see above
        sub, role, obj, act = prepared
        node = self.root
        for word in obj[1:].split("/"):
            following = node.get(word) or (word and node.get(ANY))
            if not following:
                table = node.get(TAIL)
                break
            node = following
        else:
            table = node.get(HERE)
        if table is None:
            return False
        by_role = table.get(act) or table.get("*")
        if by_role is None:
            return False
        allowed = by_role.get("everyone")
        if allowed is False:
            return False
        known = self.roles
        if sub:
            for name in (*known.get(sub, (sub,)), "authenticated"):
                effect = by_role.get(name)
                if effect is not None:
                    if not effect:
                        return False
                    allowed = True
        for name in known.get(role) or (role,):
            effect = by_role.get(name)
            if effect is not None:
                if not effect:
                    return False
                allowed = True
        return allowed is True


def _step(word: str) -> str:
    return ANY if word.startswith("{") else TAIL if word == "*" else word


def _deterministic(nodes: list[Node], tails: list[Table]) -> Node:
    """One node for all that a path may have reached, with ``tails`` that match whatever follows."""
    tails = tails + [node[TAIL][HERE] for node in nodes if TAIL in node]
    wild = [node[ANY] for node in nodes if ANY in node]
    made: Node = {}
    for word in dict.fromkeys(word for node in nodes for word in node if word not in {ANY, TAIL, HERE}):
        made[word] = _deterministic([*(node[word] for node in nodes if word in node), *wild], tails)
    if wild:
        made[ANY] = _deterministic(wild, tails)
    if tails:
        made[TAIL] = _merged(tails)
    here = [node[HERE] for node in nodes if HERE in node]
    if here or tails:
        made[HERE] = _merged(here + tails)
    return made


def _merged(tables: list[Table]) -> Table:
    """One table of several, in which every method knows what is said of ``*``."""
    if len(tables) == 1 and "*" not in tables[0]:
        return tables[0]
    merged: Table = {}
    for method in dict.fromkeys(method for table in tables for method in table):
        by_role: dict[str, bool] = {}
        for table in tables:
            for source in {method, "*"} & table.keys():
                for role, effect in table[source].items():
                    by_role[role] = by_role.get(role, True) and effect
        merged[method] = by_role
    return merged


class DictEngine:
    """A look-up of (role, method, route template), inheritance flattened at load, for requests with a known route."""

    def load(self, model: Path, policy: Path) -> None:  # noqa: ARG002 - the model is what this class is
        rules, links = read_rows(policy)
        heirs: dict[str, set[str]] = {}
        for name, roles in ancestors(links).items():
            for role in roles:
                heirs.setdefault(role, set()).add(name)
        self.effects: dict[tuple[str, str, str], bool] = {}
        for role, obj, act, eft in rules:
            for heir in heirs.get(role, set()) | {role}:
                for method in METHODS if act == "*" else (act,):
                    key = (heir, method, obj)
                    self.effects[key] = self.effects.get(key, True) and eft == "allow"

    def prepare(self, request: Request) -> tuple[str, str, str, str]:
        return request.sub, request.role, request.template, request.act

    def decide(self, prepared: tuple[str, str, str, str]) -> bool:
        sub, role, template, act = prepared
        effects = self.effects
        found = (
            effects.get((role, act, template)),
            effects.get((sub, act, template)) if sub else None,
            effects.get(("authenticated", act, template)) if sub else None,
            effects.get(("everyone", act, template)),
        )
        return True in found and False not in found
