"""What a matcher compares with what: which word of a request meets which column of a rule, and how."""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from rbac.model.functions import BY_ANY_NAME

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
    ``spelled`` are the texts that it compares a word of the request with (``r.sub == "root"``), with that word; ``texts``
    those that it compares any word with in any way, by its name (``r_sub``, ``p_act``).
    """

    pairs: tuple[Relation, ...]
    role_column: int | None
    constants: tuple[str, ...]
    spelled: tuple[tuple[int, str], ...] = ()
    texts: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def of_word(self, word: int) -> tuple[Relation, ...]:
        """The comparisons that the request's word at ``word`` takes part in."""
        return tuple(relation for relation in self.pairs if relation.word == word)


def read_relations(tree: ast.expr, request: Sequence[str], rule: Sequence[str]) -> Relations:
    """The comparisons in the tree of a matcher over these words of the request and columns of a rule."""
    requests = {f"r_{word}": index for index, word in enumerate(request)}
    policies = {f"p_{word}": index for index, word in enumerate(rule)}
    pairs = tuple(dict.fromkeys(_pairs(list(ast.walk(tree)), requests, policies)))
    column = _role_column(pairs, rule)
    constants: dict[str, None] = {}
    spelled: dict[tuple[int, str], None] = {}
    texts: dict[str, list[str]] = {}
    for node, name, text in _spelled(tree):
        texts.setdefault(name, []).append(text)
        if column is not None and policies.get(name) == column and _operands(node)[0] == "equal":
            constants[text] = None
        if name in requests and text and isinstance(node.ops[0], ast.Eq | ast.NotEq | ast.In | ast.NotIn):
            spelled[requests[name], text] = None
    return Relations(pairs, column, tuple(constants), tuple(spelled), texts)


def _spelled(tree: ast.expr) -> Iterator[tuple[ast.Compare, str, str]]:
    """Every comparison of a word with a text, also one of a list: the comparison, the word, the text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            operands = [node.left, *node.comparators]
            listed = [one for one in operands if isinstance(one, ast.Tuple | ast.List | ast.Set)]
            texts = [
                one.value
                for one in (*operands, *(element for each in listed for element in each.elts))
                if isinstance(one, ast.Constant)
            ]
            names = [one.id for one in operands if isinstance(one, ast.Name)]
            yield from ((node, name, text) for name in names for text in texts if isinstance(text, str))


def required_texts(node: ast.expr, name: str) -> tuple[str, ...]:
    """The texts that a word must be one of: ``name == "text"`` or ``name in ("text", …)``; none otherwise."""
    if not isinstance(node, ast.Compare) or len(node.ops) != 1:
        return ()
    left, right = node.left, node.comparators[0]
    if isinstance(node.ops[0], ast.In) and isinstance(right, ast.Tuple | ast.List | ast.Set):
        return _texts(right.elts) if _is_name(left, name) else ()
    if isinstance(node.ops[0], ast.Eq):
        return next(
            (_texts([other]) for one, other in ((left, right), (right, left)) if _is_name(one, name)), ()
        )
    return ()


def _is_name(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _texts(nodes: list[ast.expr]) -> tuple[str, ...]:
    values = [node.value for node in nodes if isinstance(node, ast.Constant)]
    texts = tuple(value for value in values if isinstance(value, str))
    return texts if len(texts) == len(nodes) else ()


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


def _role_column(pairs: tuple[Relation, ...], words: Sequence[str]) -> int | None:
    """The column that ``g`` reads; without role definitions, the column called ``role`` or else ``sub``."""
    for relation in pairs:
        if relation.how == "role":
            return relation.column
    return next((words.index(name) for name in ("role", "sub") if name in words), None)
