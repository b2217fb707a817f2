"""Role links that a decision rests on: the shortest way by which the deciding rule meets its caller."""

import ast
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

from casbin.constant.constants import SUBJECT_PRIORITY_EFFECT

from rbac.decision import Rule
from rbac.document.role_links import LIMIT, shortest_chain
from rbac.model.expression import calls, evaluated
from rbac.model.parser import evaluator
from rbac.policy import Policy

LinkLines = frozenset[int]  # lines of links in the policy file
NamedValues = dict[str, str]  # the words of the request and the columns of the rule, as `r_sub` and `p_obj`
Need = Callable[
    [NamedValues], LinkLines | None
]  # the links that make a condition true, `None` where it is false

NONE: Final[LinkLines] = frozenset()
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
        self.judged = (
            definition.effect != SUBJECT_PRIORITY_EFFECT
            and all(ways.plain for ways in self._ways.values())
            and not evaluated(definition.matcher)
            and self._only_gives(definition.tree)
        )
        self._need: Need = self._needs(definition.tree, certain=True) if self.judged else lambda _names: NONE

    def of(self, rule: Rule | None, request: Sequence[str]) -> LinkLines:
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
        model: Any = policy.enforcer.model
        self.plain = model["g"][kind].rm is not None
        self._graphs = policy.document.links(kind)
        self._domains = kind in policy.document.definition.domains
        self.links = lru_cache(maxsize=_REMEMBERED)(self._links)

    def _links(self, name: str, role: str, *domain: str) -> LinkLines | None:
        if name == role:
            return NONE
        # Casbin passes over a domain that is asked for where links have none.
        graph = self._graphs.get("".join(domain) if self._domains else "", {})
        chain = shortest_chain(lambda one: graph.get(one, ()), name, role, LIMIT + 1)
        return frozenset(graph[one][other] for one, other in pairwise(chain)) if chain else None


def _value(node: ast.expr) -> Callable[[NamedValues], str]:
    if isinstance(node, ast.Name):
        name = node.id
        return lambda names: names[name]
    constant = str(node.value) if isinstance(node, ast.Constant) else ""
    return lambda _names: constant


def _linked(ways: _Ways, values: Sequence[Callable[[NamedValues], str]]) -> Need:
    return lambda names: ways.links(*[value(names) for value in values])


def _all(needs: Sequence[Need]) -> Need:
    def need(names: NamedValues) -> LinkLines | None:
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

    def need(names: NamedValues) -> LinkLines | None:
        best: LinkLines | None = None
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
