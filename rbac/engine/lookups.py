"""What a matcher lets one look up, and the whole of a matcher read: :func:`read_matcher`."""

import ast
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from rbac.engine.matcher import Branch, Functions, KeySource, LinkKind, Lookup, Matcher, NotCompiledError
from rbac.engine.matcher_code import Predicate
from rbac.model.expression import ExpressionError, parse
from rbac.model.functions import MATCHING, PATH_FUNCTIONS

# A service reads the same few matchers at every reload, and once more for each caller that its policy tests ask about.
_REMEMBERED: Final = 32


def read_matcher(
    expression: str, request: Sequence[str], rule: Sequence[str], functions: Functions
) -> Matcher:
    """Read a matcher. ``request`` and ``rule`` are the model's words with their prefix (``r_sub``, ``p_obj``).

    The last few are remembered: what was read is shared, and nobody may change it.
    """
    links = tuple(functions.links.items())
    return _read(expression, tuple(request), tuple(rule), functions.names, functions.builtin, links)


@lru_cache(maxsize=_REMEMBERED)
def _read(
    expression: str,
    request: tuple[str, ...],
    rule: tuple[str, ...],
    names: frozenset[str],
    builtin: frozenset[str],
    links: tuple[tuple[str, LinkKind], ...],
) -> Matcher:
    functions = Functions(names, builtin, dict(links))
    try:
        tree = parse(expression)
    except ExpressionError as error:
        raise NotCompiledError(error.message) from error
    words = {name: place for place, name in enumerate(request)}
    columns = {name: place for place, name in enumerate(rule)}
    reading = Lookups(words, columns, functions)
    matcher = reading.matcher
    try:
        matcher.source = reading.source(tree)
        matcher.boolean = reading.boolean(tree)
        matcher.branches = tuple(reading.branches(tree))
        matcher.quick_source = reading.cheapest_first(tree)
    except RecursionError as error:
        raise NotCompiledError("the matcher is nested too deeply") from error
    return matcher


class Lookups(Predicate):
    """Finds, in the conjunctions and disjunctions of one matcher, what a rule must hold to match."""

    def cheapest_first(self, tree: ast.expr) -> str:
        """The matcher with its conjuncts in another order, or "" if their order can be told from outside."""
        conjuncts = _flatten(tree, ast.And)
        if not self.certain(tree) or self.matcher.addresses or len(conjuncts) == 1:
            return ""
        return " and ".join(f"({self.source(one)})" for one in sorted(conjuncts, key=self._cost))

    def _cost(self, node: ast.expr) -> int:
        calls = [one for one in ast.walk(node) if isinstance(one, ast.Call)]
        return sum(1 if self.call(one)[0] in self.functions.links else 10 for one in calls)

    def branches(self, node: ast.expr) -> list[Branch]:
        """The alternatives of the matcher; none if one of them would have to look at every rule anyway."""
        branches = []
        for alternative in _flatten(node, ast.Or):
            guards: list[ast.expr] = []
            lookups: list[Lookup] = []
            for conjunct in _flatten(alternative, ast.And):
                if not self.certain(conjunct):
                    break  # what stands behind it is reached only if it does not raise
                if self.of_request(conjunct):
                    guards.append(conjunct)
                lookups.extend(self._lookups(conjunct))
            if not lookups and not guards:
                return []
            branches.append(Branch(self._guard(guards), _one_a_column(lookups)))
        return branches

    def _guard(self, guards: list[ast.expr]) -> str | None:
        if not guards:
            return None
        return " and ".join(f"({self.source(one)})" for one in guards)

    def _lookups(self, node: ast.expr) -> list[Lookup]:
        """The look-ups that all rules the node is true of pass; each is enough to rule a rule out."""
        if isinstance(node, ast.BoolOp):
            each = [self._lookups(value) for value in node.values]
            if isinstance(node.op, ast.And):
                return [lookup for lookups in each for lookup in lookups]
            found = each[0]
            for lookups in each[1:]:
                found = [both for one in found for other in lookups if (both := _either(one, other))]
            return found
        lookup = self._equality(node) or self._listed(node) or self._reach(node) or self._pattern(node)
        return [lookup] if lookup else []

    def _equality(self, node: ast.expr) -> Lookup | None:
        if not isinstance(node, ast.Compare) or len(node.ops) != 1 or not isinstance(node.ops[0], ast.Eq):
            return None
        for one, other in ((node.left, node.comparators[0]), (node.comparators[0], node.left)):
            column, word = self.column(one), self.word(other)
            if column is None:
                continue
            if word is not None:
                return Lookup("keys", column, (KeySource("word", word),))
            if isinstance(other, ast.Constant):
                return Lookup("keys", column, (KeySource("constant", str(other.value)),))
        return None

    def _listed(self, node: ast.expr) -> Lookup | None:
        match node:
            case ast.Compare(
                left=left, ops=[ast.In()], comparators=[ast.List(elts=elts) | ast.Tuple(elts=elts)]
            ):
                column = self.column(left)
                if column is None or not all(isinstance(one, ast.Constant) for one in elts):
                    return None
                texts = (str(one.value) for one in elts if isinstance(one, ast.Constant))
                return Lookup("keys", column, tuple(KeySource("constant", text) for text in texts))
            case _:
                return None

    def _reach(self, node: ast.expr) -> Lookup | None:
        links = self.links(node)
        if not isinstance(node, ast.Call) or links not in (LinkKind.NONE, LinkKind.NAMES, LinkKind.DOMAINS):
            return None
        column, word = self.column(node.args[1]), self.word(node.args[0])
        if column is None or word is None:
            return None
        if links is LinkKind.NONE:
            return Lookup("keys", column, (KeySource("word", word),))
        hoist = self._hoist(node, links)
        return None if hoist is None else Lookup("keys", column, (KeySource("hoist", hoist),))

    def _pattern(self, node: ast.expr) -> Lookup | None:
        name, args = self.call(node)
        if name not in self.functions.builtin or len(args) != 2:
            return None
        word, column = self.word(args[0]), self.column(args[1])
        if word is None or column is None:
            return None
        if name in PATH_FUNCTIONS:
            return Lookup("path", column, (), name, word)
        if MATCHING[name].kind == "regex":
            return Lookup("words", column, (KeySource("word", word),), name, word)
        return None


def _flatten(node: ast.expr, operator: type[ast.boolop]) -> list[ast.expr]:
    if isinstance(node, ast.BoolOp) and isinstance(node.op, operator):
        return [part for value in node.values for part in _flatten(value, operator)]
    return [node]


def _either(one: Lookup, other: Lookup) -> Lookup | None:
    """The look-up of an alternative between two, if one structure can hold both."""
    if one.column != other.column:
        return None
    if one.kind == other.kind == "keys":
        return Lookup("keys", one.column, tuple(dict.fromkeys((*one.sources, *other.sources))))
    if one.kind == "keys":
        one, other = other, one
    if one.kind != "path" or other.kind != "keys":
        return None
    # What equals a pattern's own text is found where the pattern is; a constant's rules are always looked at.
    kept = tuple(source for source in other.sources if source != KeySource("word", one.word))
    if any(source.kind != "constant" for source in kept):
        return None
    return Lookup("path", one.column, (*one.sources, *kept), one.style, one.word)


def _one_a_column(lookups: list[Lookup]) -> tuple[Lookup, ...]:
    """At most one look-up a column: keys before patterns."""
    order = {"keys": 0, "path": 1, "words": 2}
    best: dict[int, Lookup] = {}
    for lookup in sorted(lookups, key=lambda one: order[one.kind]):
        best.setdefault(lookup.column, lookup)
    return tuple(best.values())
