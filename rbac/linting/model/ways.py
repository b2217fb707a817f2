"""The ways through a matcher: its alternatives, each a list of comparisons that must all hold."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from rbac.model.comparisons import required_texts

_MOST_WAYS = 256


@dataclass(frozen=True, slots=True)
class Atom:
    """One comparison of a matcher, or its opposite."""

    node: ast.expr
    negated: bool = False

    @property
    def names(self) -> frozenset[str]:
        """The words of requests and rules that it names, as ``r_obj`` and ``p_obj``."""
        return frozenset(node.id for node in ast.walk(self.node) if isinstance(node, ast.Name))

    @property
    def rules_out(self) -> tuple[str, str] | None:
        """The word, and the text that it is said not to be: `p.role != "everyone"`."""
        node = self.node
        if not isinstance(node, ast.Compare) or len(node.ops) != 1:
            return None
        if not isinstance(node.ops[0], ast.Eq if self.negated else ast.NotEq):
            return None
        sides = {type(side): side for side in (node.left, *node.comparators)}
        name, text = sides.get(ast.Name), sides.get(ast.Constant)
        return (
            (name.id, str(text.value))
            if isinstance(name, ast.Name) and isinstance(text, ast.Constant)
            else None
        )

    def spelled(self, name: str) -> tuple[str, ...]:
        """The texts that a word must be one of; none otherwise."""
        return () if self.negated else required_texts(self.node, name)


Way = tuple[Atom, ...]


def ways_through(tree: ast.expr) -> tuple[Way, ...]:
    """Every way through a matcher; none where there are too many to tell."""
    try:
        return tuple(_ways(tree, negated=False))
    except _TooManyError:
        return ()


class _TooManyError(Exception):
    pass


def _ways(node: ast.expr, *, negated: bool) -> list[Way]:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return _ways(node.operand, negated=not negated)
    answer = _compared_with_an_answer(node)
    if answer is not None:
        return _ways(answer[0], negated=negated is answer[1])
    if not isinstance(node, ast.BoolOp):
        return [(Atom(node, negated),)]
    parts = [_ways(value, negated=negated) for value in node.values]
    if isinstance(node.op, ast.Or) is not negated:
        found = [way for part in parts for way in part]
    else:
        count = 1
        for part in parts:
            count *= len(part)
            if count > _MOST_WAYS:
                raise _TooManyError
        found = [tuple(atom for way in chosen for atom in way) for chosen in product(*parts)]
    if len(found) > _MOST_WAYS:
        raise _TooManyError
    return found


def _compared_with_an_answer(node: ast.expr) -> tuple[ast.expr, bool] | None:
    """`g(r.sub, p.sub) == False` as what it asks, and which answer it asks for."""
    if not isinstance(node, ast.Compare) or len(node.ops) != 1:
        return None
    sides = node.left, node.comparators[0]
    for asked, answer in (sides, sides[::-1]):
        if (
            isinstance(asked, (ast.Call, ast.Compare, ast.BoolOp, ast.UnaryOp))
            and isinstance(answer, ast.Constant)
            and answer.value in (False, True)
            and isinstance(node.ops[0], (ast.Eq, ast.NotEq))
        ):
            return asked, bool(answer.value) is isinstance(node.ops[0], ast.Eq)
    return None


def compared(way: Way, prefix: str) -> frozenset[str]:
    """The words with this prefix (``r_``, ``p_``) that some comparison of a way names."""
    return frozenset(name for atom in way for name in atom.names if name.startswith(prefix))


def constants(way: Way, name: str) -> Iterator[str]:
    """The texts that a way spells for a word."""
    for atom in way:
        yield from atom.spelled(name)


def written(way: Way) -> str:
    """A way as a model spells it: ``p.sub == "public" && r.act == p.act``."""
    text = " && ".join(
        f"!({ast.unparse(atom.node)})" if atom.negated else ast.unparse(atom.node) for atom in way
    )
    return re.sub(r"\b([rp]\d*)_(?=\w)", r"\1.", text.replace("'", '"'))
