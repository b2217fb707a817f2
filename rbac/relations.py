"""What a matcher compares with what: which word of a request meets which column of a rule, and how."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from rbac.expression import ExpressionError, parse
from rbac.functions import BY_ANY_NAME
from rbac.model_file import Definition

How = Literal["role", "equal", "pattern"]


@dataclass(frozen=True, slots=True)
class Relation:
    """One comparison of the request's word at ``word`` with the rule's column at ``column``, both counted
    from 0.

    ``role`` is ``g(r.x, p.y)``, with the domain's operand in ``domain`` (``("r", 1)``, ``("p", 1)``), if it has one;
    ``equal`` is ``r.x == p.y``; ``pattern`` is one of Casbin's matching functions.
    """

    word: int
    column: int
    how: How
    domain: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Relations:
    """All that :func:`read_relations` found in one matcher.

    ``role_column`` is the column that names a rule's role, ``None`` when rules have none; ``constants`` are
    the names that the matcher itself compares that column with (``everyone``), in the order in which it does.
    ``spelled`` are the texts that it compares a word of the request with (``r.sub == "root"``), with that word.
    """

    pairs: tuple[Relation, ...]
    role_column: int | None
    constants: tuple[str, ...]
    spelled: tuple[tuple[int, str], ...] = ()

    def of_word(self, word: int) -> tuple[Relation, ...]:
        """The comparisons that the request's word at ``word`` takes part in."""
        return tuple(relation for relation in self.pairs if relation.word == word)


def read_relations(definition: Definition) -> Relations:
    """The comparisons in the matcher ``m`` of a model, none where the matcher is not a plain expression."""
    requests = {f"r_{word}": index for index, word in enumerate(definition.request_words)}
    policies = {f"p_{word}": index for index, word in enumerate(definition.policy_words)}
    nodes = list(ast.walk(_tree(definition.matcher)))
    pairs = tuple(dict.fromkeys(_pairs(nodes, requests, policies)))
    column = _role_column(pairs, definition)
    constants = tuple(dict.fromkeys(_constants(nodes, policies, column)))
    return Relations(pairs, column, constants, tuple(dict.fromkeys(_spelled(nodes, requests))))


def _tree(matcher: str) -> ast.AST:
    try:
        return parse(matcher)
    except ExpressionError:
        return ast.Pass()


def _pairs(nodes: list[ast.AST], requests: dict[str, int], policies: dict[str, int]) -> Iterator[Relation]:
    for node in nodes:
        how, operands = _operands(node)
        names = [operand.id if isinstance(operand, ast.Name) else "" for operand in operands]
        if how == "equal" and names[0] in policies:
            names.reverse()
        if how is None or names[0] not in requests or names[1] not in policies:
            continue
        domain = None
        if how == "role" and len(names) > 2:
            domain = ("r", requests[names[2]]) if names[2] in requests else ("p", policies.get(names[2], -1))
            if domain[1] < 0:
                continue
        yield Relation(requests[names[0]], policies[names[1]], how, domain)


def _operands(node: ast.AST) -> tuple[How | None, list[ast.expr]]:
    """How ``node`` compares its operands, of which there are at least two; ``None`` when it is no
    comparison."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq):
        return "equal", [node.left, *node.comparators]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) >= 2:
        if node.func.id == "g":
            return "role", node.args
        called = BY_ANY_NAME.get(node.func.id)
        if called is not None and called.matches:
            return "pattern", node.args
    return None, []


def _role_column(pairs: tuple[Relation, ...], definition: Definition) -> int | None:
    """The column that ``g`` reads; without role definitions, the column called ``role`` or else ``sub``."""
    for relation in pairs:
        if relation.how == "role":
            return relation.column
    words = definition.policy_words
    return next((words.index(name) for name in ("role", "sub") if name in words), None)


def _constants(nodes: list[ast.AST], policies: dict[str, int], column: int | None) -> Iterator[str]:
    for node in nodes:
        how, operands = _operands(node)
        if how != "equal" or column is None:
            continue
        names = {policies.get(operand.id, -1) for operand in operands if isinstance(operand, ast.Name)}
        texts = [operand.value for operand in operands if isinstance(operand, ast.Constant)]
        if column in names:
            yield from (text for text in texts if isinstance(text, str))


def _spelled(nodes: list[ast.AST], requests: dict[str, int]) -> Iterator[tuple[int, str]]:
    for node in nodes:
        if not isinstance(node, ast.Compare) or not isinstance(
            node.ops[0], ast.Eq | ast.NotEq | ast.In | ast.NotIn
        ):
            continue
        operands = [node.left, *node.comparators]
        listed = [
            element for one in operands if isinstance(one, ast.Tuple | ast.List) for element in one.elts
        ]
        words = [requests[one.id] for one in operands if isinstance(one, ast.Name) and one.id in requests]
        texts = [one.value for one in (*operands, *listed) if isinstance(one, ast.Constant)]
        yield from ((word, text) for word in words for text in texts if isinstance(text, str) and text)
