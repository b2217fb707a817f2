"""A matcher as Python: the same meaning that Casbin's evaluator gives it, node by node."""

import ast
import ipaddress
from collections.abc import Callable, Mapping
from typing import Any

import simpleeval

from rbac.engine.matcher import OPERATORS, OWN_FUNCTIONS, Hoist, LinkKind, NotCompiledError
from rbac.engine.matcher_facts import Nodes
from rbac.matching.key_match import VERIFIED, VERIFIED_PREFIX
from rbac.model.functions import FALLIBLE, MATCHING
from rbac.model.parser import alone


class Predicate(Nodes):
    """Translates the nodes of one matcher. Raises :class:`NotCompiledError` for what is left to Casbin."""

    def source(self, node: ast.expr) -> str:
        """The Python of a node."""
        return ast.unparse(ast.fix_missing_locations(self.translate(node)))

    def translate(self, node: ast.expr) -> ast.expr:
        """The node in Python, over ``w0, w1, …`` (the request) and ``c0, c1, …`` (the rule)."""
        match node:
            case ast.Name():
                return self._name(node)
            case ast.Constant():
                return self._constant(node)
            case ast.Attribute():
                return self._attribute(node)
            case ast.Call():
                return self._call(node)
            case _:
                return self._compound(node)

    def _compound(self, node: ast.expr) -> ast.expr:
        match node:
            case ast.BoolOp():
                return ast.BoolOp(node.op, [self.translate(value) for value in node.values])
            case ast.UnaryOp(op=ast.Not()):
                return ast.UnaryOp(node.op, self.translate(node.operand))
            case ast.Compare():
                if not all(isinstance(operator, OPERATORS) for operator in node.ops):
                    raise NotCompiledError("an operator is left to Casbin")
                operands = [self.translate(one) for one in node.comparators]
                return ast.Compare(self.translate(node.left), node.ops, operands)
            case ast.List() | ast.Tuple():
                return type(node)([self.translate(one) for one in node.elts], ast.Load())
            case _:
                raise NotCompiledError(f"{type(node).__name__} is left to Casbin")

    def _name(self, node: ast.Name) -> ast.expr:
        column = self.column(node)
        if column is not None:
            return ast.Name(f"c{column}", ast.Load())
        word = self.word(node)
        if word is None:
            raise NotCompiledError(f"`{node.id}` is no word of the request or the rule")
        self.matcher.string_words.add(word)
        return ast.Name(f"w{word}", ast.Load())

    def _constant(self, node: ast.Constant) -> ast.expr:
        value = node.value
        if not isinstance(value, str | int | float):
            raise NotCompiledError("a constant is left to Casbin")
        if isinstance(value, str) and len(value) > simpleeval.MAX_STRING_LENGTH:
            raise NotCompiledError("a text is longer than Casbin takes")
        return ast.Constant(value)

    def _attribute(self, node: ast.Attribute) -> ast.expr:
        forbidden = node.attr in simpleeval.DISALLOW_METHODS or node.attr.startswith(
            tuple(simpleeval.DISALLOW_PREFIXES)
        )
        if forbidden:
            raise NotCompiledError("Casbin refuses this attribute")
        word = self.word(node.value)
        if word is not None:
            of: ast.expr = ast.Call(_load("allowed"), [_load(f"w{word}")], [])
        else:
            of = self.translate(node.value)
        return ast.Call(_load("attribute"), [of, ast.Constant(node.attr)], [])

    def _call(self, node: ast.Call) -> ast.expr:
        name, args = self.call(node)
        if node.keywords:
            raise NotCompiledError("a call with names is left to Casbin")
        if name not in self.functions.names or name in OWN_FUNCTIONS:
            raise NotCompiledError(f"the function `{name}` is left to Casbin")
        self.matcher.used.add(name)
        return (
            self._role_call(node)
            or self._path_call(node)
            or self._regex_call(node)
            or self._pattern_call(name, args)
            or self._other_call(name, args)
        )

    def _other_call(self, name: str, args: list[ast.expr]) -> ast.expr:
        of_links = name in self.functions.links
        values = map(self.translate if of_links else self._argument, args)
        return ast.Call(_load("call"), [ast.Constant(name), *values], [])

    def _pattern_call(self, name: str, args: list[ast.expr]) -> ast.expr | None:
        """A call whose pattern is the policy's: matched without going back over what the caller sent."""
        if name not in FALLIBLE or name not in self.functions.builtin or len(args) != 2:
            return None
        if isinstance(args[1], ast.Name) and self.column(args[1]) is None:
            return None
        if not self.plain(args[1]):
            return None
        self.matcher.matched.add(name)
        return ast.Call(_load(f"match_{name}"), [self._argument(args[0]), self.translate(args[1])], [])

    def _argument(self, node: ast.expr) -> ast.expr:
        """An argument of a function that takes what it is given: a word need not be a string."""
        word = self.word(node)
        if word is not None:
            return ast.Call(_load("allowed"), [_load(f"w{word}")], [])
        return self.translate(node)

    def _role_call(self, node: ast.Call) -> ast.expr | None:
        links = self.links(node)
        if links not in (LinkKind.NONE, LinkKind.NAMES, LinkKind.DOMAINS) or not all(
            map(self.plain, node.args)
        ):
            return None
        left, right = self.translate(node.args[0]), self.translate(node.args[1])
        same = ast.Compare(left, [ast.Eq()], [right])
        if links is LinkKind.NONE:
            return same
        hoist = self._hoist(node, links)
        if hoist is None:
            return None
        led_to = ast.Compare(
            right, [ast.In()], [ast.Subscript(_load(f"h{hoist}"), ast.Constant(1), ast.Load())]
        )
        return ast.BoolOp(ast.Or(), [same, led_to])

    def _hoist(self, node: ast.Call, links: LinkKind) -> int | None:
        word = self.word(node.args[0])
        if word is None:
            return None
        domain = None
        if links is LinkKind.DOMAINS:
            if len(node.args) == 2:
                domain = repr("")
            elif self.column(node.args[2]) is not None:
                return None
            else:
                domain = ast.unparse(self.translate(node.args[2]))
        hoist = Hoist(self.call(node)[0], word, domain)
        if hoist not in self.matcher.hoists:
            self.matcher.hoists.append(hoist)
        return self.matcher.hoists.index(hoist)

    def _path_call(self, node: ast.Call) -> ast.expr | None:
        found = self.style(node)
        if found is None:
            return None
        style, path, pattern = found
        word, column = self.word(path), self.column(pattern)
        if word is None or column is None:
            return None
        self.matcher.string_words.add(word)
        self.matcher.paths.add((word, style.name))
        self.matcher.path_columns.add((column, style.name))
        names = {part: f"{part}_{style.name}_{word}" for part in ("path", "segments")}
        names |= {part: f"{part}_{style.name}_{column}" for part in ("verify", "forms")}
        verified = VERIFIED_PREFIX if style.variable is None else VERIFIED
        text = verified.format(**names, pattern=f"c{column}")
        return alone(lambda: ast.parse(text, mode="eval")).body

    def _regex_call(self, node: ast.Call) -> ast.expr | None:
        name, args = self.call(node)
        if name not in self.functions.builtin or MATCHING[name].kind != "regex" or len(args) != 2:
            return None
        word, column = self.word(args[0]), self.column(args[1])
        if word is None or column is None:
            return None
        self.matcher.string_words.add(word)
        return ast.Call(_load("regex"), [_load(f"w{word}"), _load(f"c{column}")], [])


def _load(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


# What that Python calls, where Python alone does not treat a value as the evaluator does -------------------------------

_evaluator = simpleeval.EvalWithCompoundTypes()


def allowed(value: Any) -> Any:
    """The value, unless it is one that the evaluator lets nobody have (a module, ``eval``)."""
    _evaluator._check_disallowed_items(value)  # noqa: SLF001 - the evaluator's own rule, not a copy of it
    return value


def attribute(value: Any, name: str) -> Any:
    """``value.name``, or ``value["name"]`` where there is no such attribute. Raises as the evaluator does."""
    try:
        item = getattr(value, name)
    except (AttributeError, TypeError):
        try:
            item = value[name]
        except (KeyError, TypeError):
            raise simpleeval.AttributeDoesNotExist(name, "matcher") from None
    return allowed(item)


def is_address(text: Any) -> bool:
    """Whether ``ipMatch`` takes this as an address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_true(result: Any) -> bool:
    """What Casbin makes of a matcher's result."""
    if isinstance(result, bool):
        return result
    if isinstance(result, float):
        return result != 0
    raise RuntimeError("matcher result should be bool, int or float")


def caller(
    functions: Mapping[str, Callable[..., Any]], links: Mapping[str, Callable[..., Any]]
) -> Callable[..., Any]:
    """What calls by name, links before functions, and raises as the evaluator does."""

    def call(name: str, *args: Any) -> Any:
        linked = links.get(name)
        if linked is not None:
            return linked(*args)
        function = functions.get(name)
        if function is None:
            raise simpleeval.FunctionNotDefined(name, "matcher")
        if function in simpleeval.DISALLOW_FUNCTIONS:
            raise simpleeval.FeatureNotAvailable("This function is forbidden")
        return allowed(function(*args))

    return call
