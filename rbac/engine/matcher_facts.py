"""What a node of a matcher is (a word, a column, a known call), and what is certain of it before it is evaluated."""

import ast

from rbac.engine.matcher import OPERATORS, Functions, LinkKind, Matcher
from rbac.model.functions import MATCHING, PATH_FUNCTIONS, CasbinFunction


class Nodes:
    """Questions about the nodes of one matcher. Notes in ``matcher`` what an answer takes for given."""

    def __init__(self, words: dict[str, int], columns: dict[str, int], functions: Functions) -> None:
        # A word that both sides have is the rule's: Casbin lets the rule's value win.
        self.words = {name: place for name, place in words.items() if name not in columns}
        self.columns = columns
        self.functions = functions
        self.matcher = Matcher()

    def word(self, node: ast.expr) -> int | None:
        return self.words.get(node.id) if isinstance(node, ast.Name) else None

    def column(self, node: ast.expr) -> int | None:
        return self.columns.get(node.id) if isinstance(node, ast.Name) else None

    def plain(self, node: ast.expr) -> bool:
        """Whether the node is a string for certain (a word that is none sends the request to Casbin)."""
        return (
            self.word(node) is not None
            or self.column(node) is not None
            or (isinstance(node, ast.Constant) and isinstance(node.value, str))
        )

    def call(self, node: ast.expr) -> tuple[str, list[ast.expr]]:
        """The name and arguments of a call by name, ``("", [])`` for any other node."""
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            return node.func.id, node.args
        return "", []

    def style(self, node: ast.expr) -> tuple[CasbinFunction, ast.expr, ast.expr] | None:
        """A call of one of the ``keyMatch`` family with a path and a pattern."""
        name, args = self.call(node)
        if name in PATH_FUNCTIONS and name in self.functions.builtin and len(args) == 2:
            return PATH_FUNCTIONS[name], args[0], args[1]
        return None

    def links(self, node: ast.expr) -> LinkKind | None:
        name, args = self.call(node)
        return self.functions.links.get(name) if len(args) in (2, 3) else None

    def boolean(self, node: ast.expr) -> bool:
        """Whether the node is true or false and nothing else, if it can be evaluated."""
        match node:
            case ast.BoolOp():
                return all(map(self.boolean, node.values))
            case ast.UnaryOp(op=ast.Not()):
                return True
            case ast.Constant():
                return isinstance(node.value, bool)
            case ast.Compare():
                return self._plain_comparison(node)
            case ast.Call():
                name, _ = self.call(node)
                of_links = self.links(node) not in (None, LinkKind.OPAQUE)
                return of_links if name in self.functions.links else name in self.functions.builtin
            case _:
                return False

    def _plain_comparison(self, node: ast.Compare) -> bool:
        """Whether strings are compared with strings, or looked for in strings or lists of them."""
        operands = [node.left, *node.comparators]
        for operator, left, right in zip(node.ops, operands, operands[1:], strict=False):
            listed = isinstance(right, ast.List | ast.Tuple) and all(map(self.plain, right.elts))
            if not self.plain(left) or not (
                self.plain(right) or (listed and isinstance(operator, ast.In | ast.NotIn))
            ):
                return False
        return all(isinstance(operator, OPERATORS) for operator in node.ops)

    def certain(self, node: ast.expr) -> bool:
        """Whether the node cannot raise, given strings, valid patterns and valid addresses; notes what it relies on."""
        match node:
            case ast.BoolOp():
                return all(map(self.certain, node.values))
            case ast.UnaryOp(op=ast.Not()):
                return self.plain(node.operand) or self.certain(node.operand)
            case ast.Constant() | ast.Compare():
                return self.boolean(node)
            case ast.Call():
                return all(map(self.plain, node.args)) and self._certain_call(node)
            case _:
                return False

    def _certain_call(self, node: ast.Call) -> bool:
        name, args = self.call(node)
        if name in self.functions.links:
            return self.links(node) not in (None, LinkKind.OPAQUE)
        if name not in self.functions.builtin or len(args) != 2:
            return False
        called, word, column = MATCHING[name], self.word(args[0]), self.column(args[1])
        if called.kind == "path" and not called.raises:
            return True
        if called.kind == "address" and word is not None:
            self.matcher.addresses.add(word)
            return True
        if called.raises and column is not None:
            self.matcher.valid_patterns.add((column, name))
            return True
        return False

    def of_request(self, node: ast.expr) -> bool:
        """Whether the node can be decided from the request's words alone."""
        names = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
        return names <= self.words.keys() and self.boolean(node) and not _has_call(node)


def _has_call(node: ast.expr) -> bool:
    return any(isinstance(one, ast.Call | ast.Attribute) for one in ast.walk(node))
