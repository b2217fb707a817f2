"""Role links that a decision rests on: the shortest way by which the deciding rule meets its caller."""

import ast
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

from casbin.constant.constants import SUBJECT_PRIORITY_EFFECT

from rbac.decision import Rule
from rbac.expression import calls, parse
from rbac.policy import Policy
from rbac.python_parser import evaluator
from rbac.reach import shortest_chain

Links = frozenset[int]  # lines of links in the policy file
Names = dict[str, str]  # the words of the request and the columns of the rule, as `r_sub` and `p_obj`
Need = Callable[[Names], Links | None]  # the links that make a condition true, `None` where it is false

NONE: Final[Links] = frozenset()
_REMEMBERED: Final = 65_536


class LinkUse:
    """Knows which role links a decision of ``policy`` needs.

    ``judged`` is false where links do more than to give access (they are negated in the matcher, have conditions, or
    set the order of the rules): then every link counts as needed by every decision.
    """

    def __init__(self, policy: Policy) -> None:
        definition = policy.document.definition
        self._kinds = {kind for kind in policy.document.rows if kind.startswith("g")}
        self._lines = {line for kind in self._kinds for line in policy.document.lines[kind]}
        self._request = [f"r_{word}" for word in definition.request_words]
        self._rule = [f"p_{word}" for word in definition.policy_words]
        self._policy = policy
        self._ways = {kind: _Ways(policy, kind) for kind in self._kinds}
        tree = parse(definition.matcher)
        self.judged = (
            definition.effect != SUBJECT_PRIORITY_EFFECT
            and all(ways.plain for ways in self._ways.values())
            and self._only_gives(tree)
        )
        self._need: Need = self._needs(tree, certain=True) if self.judged else lambda _names: NONE

    def of(self, rule: Rule | None, request: Sequence[str]) -> Links:
        """The lines of the links by which ``rule`` decided about ``request``; none where no rule did."""
        if not self.judged:
            return frozenset(self._lines)
        if rule is None or not self._lines:
            return NONE
        # Casbin lets the rule's value win where both sides have a name.
        names = dict(zip((*self._request, *self._rule), (*request, *rule.fields), strict=True))
        links = self._need(names)
        return frozenset(self._lines) if links is None else links

    def _asks(self, node: ast.expr) -> bool:
        return any(name in self._kinds for name, _ in calls(node))

    def _only_gives(self, node: ast.expr) -> bool:
        """Whether a link can make this true and never false: it is asked about below `and` and `or` alone."""
        if any(name == "eval" for name, _ in calls(node)):
            return False
        if not self._asks(node):
            return True
        match node:
            case ast.BoolOp():
                return all(map(self._only_gives, node.values))
            case ast.Call(func=ast.Name(id=name)) if name in self._kinds and not node.keywords:
                return all(isinstance(argument, ast.Name | ast.Constant) for argument in node.args)
            case _:
                return False

    def _needs(self, node: ast.expr, *, certain: bool) -> Need:
        """``certain``: the rule decided, so the condition holds, and only the links in it are of interest."""
        if certain and not self._asks(node):
            return lambda _names: NONE
        match node:
            case ast.BoolOp(op=ast.And()):
                return _all([self._needs(value, certain=certain) for value in node.values])
            case ast.BoolOp(op=ast.Or()):
                # what is cheap and needs no link first
                ordered = sorted(node.values, key=self._asks)
                return _any([self._needs(value, certain=False) for value in ordered])
            case ast.Call(func=ast.Name(id=kind)) if kind in self._kinds:
                return _linked(self._ways[kind], [_value(argument) for argument in node.args])
            case _:
                return _holds(node, self._policy)


class _Ways:
    """The ways through the links of one kind."""

    def __init__(self, policy: Policy, kind: str) -> None:
        rows, lines = policy.document.rows[kind], policy.document.lines[kind]
        model: Any = policy.enforcer.model
        self._manager: Any = model["g"][kind].rm
        self.plain = self._manager is not None
        self._starts = {row[0] for row in rows}
        self._lines: dict[tuple[str, str], list[tuple[tuple[str, ...], int]]] = {}
        for row, line in zip(rows, lines, strict=True):
            self._lines.setdefault((row[0], row[1]), []).append((tuple(row[2:]), line))
        self.links = lru_cache(maxsize=_REMEMBERED)(self._links)

    def _links(self, name: str, role: str, *domain: str) -> Links | None:
        if name == role:
            return NONE
        if name not in self._starts:
            return None
        levels = getattr(self._manager, "max_hierarchy_level", 10)
        chain = shortest_chain(lambda one: self._manager.get_roles(one, *domain), name, role, levels)
        if not chain:
            return None
        return frozenset(line for step in pairwise(chain) for line in self._of_step(step, domain))

    def _of_step(self, step: tuple[str, str], domain: tuple[str, ...]) -> Iterator[int]:
        """The line of a link; the first where it is written twice, all of them where the domain does not tell."""
        written = self._lines.get(step, [])
        of_domain = [line for where, line in written if where == domain]
        yield from of_domain[:1] or [line for _, line in written]


def _value(node: ast.expr) -> Callable[[Names], str]:
    if isinstance(node, ast.Name):
        name = node.id
        return lambda names: names[name]
    constant = str(node.value) if isinstance(node, ast.Constant) else ""
    return lambda _names: constant


def _linked(ways: _Ways, values: Sequence[Callable[[Names], str]]) -> Need:
    return lambda names: ways.links(*[value(names) for value in values])


def _all(needs: Sequence[Need]) -> Need:
    def need(names: Names) -> Links | None:
        links = NONE
        for one in needs:
            more = one(names)
            if more is None:
                return None
            links |= more
        return links

    return need


def _any(needs: Sequence[Need]) -> Need:
    """The alternative that needs the fewest links."""

    def need(names: Names) -> Links | None:
        best: Links | None = None
        for one in needs:
            links = one(names)
            if links is not None and (best is None or len(links) < len(best)):
                if not links:
                    return links
                best = links
        return best

    return need


def _holds(node: ast.expr, policy: Policy) -> Need:
    """A condition without links: a comparison of names and texts at once, anything else by Casbin's evaluator."""
    match node:
        case ast.Compare(left=left, ops=[ast.Eq() | ast.NotEq() as operator], comparators=[right]) if all(
            isinstance(one, ast.Name | ast.Constant) for one in (left, right)
        ):
            first, second, equal = _value(left), _value(right), isinstance(operator, ast.Eq)
            return lambda names: NONE if (first(names) == second(names)) is equal else None
        case _:
            known: Any = policy.enforcer.fm
            expression = evaluator(ast.unparse(node), known.get_functions())
            return lambda names: NONE if expression.eval(names) else None
