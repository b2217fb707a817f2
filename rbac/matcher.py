"""A Casbin matcher expression, read once: the Python it means, and the columns by which it lets one look rules up.

Only what Casbin's own evaluator takes, with the same meaning, is read. Everything else raises :class:`NotCompiled`, and
Casbin evaluates it.
"""

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import ClassVar, Final

import simpleeval

from rbac.errors import RbacError
from rbac.keymatch import STYLES, Style

_NOT: Final = re.compile(r"!(?!=)")
OWN_FUNCTIONS: Final = frozenset(
    {"list", "tuple", "dict", "set"}
)  # the evaluator puts its own in their place
_OPERATORS: Final = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn)


class NotCompiled(RbacError):
    """The matcher says something that is left to Casbin's own evaluator."""

    code: ClassVar[str] = "matcher_not_compiled"


class Links(Enum):
    """What is known of the role manager behind ``g``."""

    NONE = "no role manager: names are compared"
    NAMES = "links between names, a domain is ignored"
    DOMAINS = "links between names in a domain"
    CERTAIN = "answers true or false and never raises, but only it knows the answer"
    OPAQUE = "someone else's: anything may happen"


@dataclass(frozen=True, slots=True)
class Functions:
    """What the names of functions stand for when a matcher is compiled."""

    names: frozenset[str]
    builtin: frozenset[str]  # those of ``names`` that are Casbin's own
    links: Mapping[str, Links]


@dataclass(frozen=True, slots=True)
class Hoist:
    """A value worked out once a request: where role links lead from ``word``, perhaps in a domain."""

    function: str
    word: int
    domain: str | None  # Python source of the domain


@dataclass(frozen=True, slots=True)
class Source:
    """One place that keys for a look-up come from: a constant, a word of the request, or the reach of a hoist."""

    kind: str  # "constant", "word" or "hoist"
    value: str | int


@dataclass(frozen=True, slots=True)
class Lookup:
    """Rules whose ``column`` has none of these keys (or a pattern that no path of ``style`` meets) cannot match."""

    kind: str  # "keys", "path" or "words"
    column: int
    sources: tuple[Source, ...]
    style: str = ""
    word: int = -1


@dataclass(frozen=True, slots=True)
class Branch:
    """One alternative of the matcher. It matches no rule unless ``guard`` holds and every look-up finds the rule."""

    guard: str | None
    lookups: tuple[Lookup, ...]


@dataclass
class Matcher:
    """The matcher as Python over ``w0, w1, …`` (the request) and ``c0, c1, …`` (the rule)."""

    source: str = ""
    boolean: bool = False
    string_words: set[int] = field(default_factory=set)
    hoists: list[Hoist] = field(default_factory=list)
    paths: set[tuple[int, str]] = field(default_factory=set)  # (word, style) whose segments the source uses
    path_columns: set[tuple[int, str]] = field(default_factory=set)  # (column, style) the source verifies
    regex_columns: set[int] = field(default_factory=set)
    used: set[str] = field(default_factory=set)  # functions that must stay what they are
    branches: tuple[Branch, ...] = ()
    valid_patterns: set[tuple[int, str]] = field(
        default_factory=set
    )  # the look-ups hold if these columns are valid
    addresses: set[int] = field(default_factory=set)  # and if these words are IP addresses


def parse(expression: str) -> ast.expr:
    """The syntax tree of a matcher, after Casbin's own textual rewriting."""
    text = _NOT.sub("not ", expression.replace("&&", "and").replace("||", "or"))
    try:
        body = ast.parse(text.strip()).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise NotCompiled(f"the matcher is no expression: {error}") from error
    if len(body) != 1 or not isinstance(body[0], ast.Expr):
        raise NotCompiled("the matcher is not one expression")
    return body[0].value


def read_matcher(
    expression: str, request: Sequence[str], rule: Sequence[str], functions: Functions
) -> Matcher:
    """Read a matcher. ``request`` and ``rule`` are the model's words with their prefix (``r_sub``, ``p_obj``)."""
    tree = parse(expression)
    words = {name: place for place, name in enumerate(request)}
    columns = {name: place for place, name in enumerate(rule)}
    reading = _Reading(words, columns, functions)
    matcher = reading.matcher
    try:
        matcher.source = ast.unparse(ast.fix_missing_locations(reading.translate(tree)))
        matcher.boolean = reading.boolean(tree)
        matcher.branches = tuple(reading.branches(tree))
    except RecursionError as error:
        raise NotCompiled("the matcher is nested too deeply") from error
    return matcher


class _Reading:
    def __init__(self, words: dict[str, int], columns: dict[str, int], functions: Functions) -> None:
        # A word that both sides have is the rule's: Casbin lets the rule's value win.
        self.words = {name: place for name, place in words.items() if name not in columns}
        self.columns = columns
        self.functions = functions
        self.matcher = Matcher()

    # What a node is ------------------------------------------------------------------------------------------------

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

    def style(self, node: ast.expr) -> tuple[Style, ast.expr, ast.expr] | None:
        """A call of one of the ``keyMatch`` family with a path and a pattern."""
        name, args = self.call(node)
        if name in STYLES and name in self.functions.builtin and len(args) == 2:
            return STYLES[name], args[0], args[1]
        return None

    def links(self, node: ast.expr) -> Links | None:
        name, args = self.call(node)
        return self.functions.links.get(name) if len(args) in (2, 3) else None

    # Python of a node ----------------------------------------------------------------------------------------------

    def translate(self, node: ast.expr) -> ast.expr:
        match node:
            case ast.Name():
                return self._name(node)
            case ast.Constant():
                return self._constant(node)
            case ast.BoolOp():
                return ast.BoolOp(node.op, [self.translate(value) for value in node.values])
            case ast.UnaryOp(op=ast.Not()):
                return ast.UnaryOp(node.op, self.translate(node.operand))
            case ast.Compare():
                if not all(isinstance(operator, _OPERATORS) for operator in node.ops):
                    raise NotCompiled("an operator is left to Casbin")
                operands = [self.translate(one) for one in node.comparators]
                return ast.Compare(self.translate(node.left), node.ops, operands)
            case ast.List() | ast.Tuple():
                return type(node)([self.translate(one) for one in node.elts], ast.Load())
            case ast.Attribute():
                return self._attribute(node)
            case ast.Call():
                return self._call(node)
            case _:
                raise NotCompiled(f"{type(node).__name__} is left to Casbin")

    def _name(self, node: ast.Name) -> ast.expr:
        column = self.column(node)
        if column is not None:
            return ast.Name(f"c{column}", ast.Load())
        word = self.word(node)
        if word is None:
            raise NotCompiled(f"`{node.id}` is no word of the request or the rule")
        self.matcher.string_words.add(word)
        return ast.Name(f"w{word}", ast.Load())

    def _constant(self, node: ast.Constant) -> ast.expr:
        value = node.value
        if not isinstance(value, str | int | float):
            raise NotCompiled("a constant is left to Casbin")
        if isinstance(value, str) and len(value) > simpleeval.MAX_STRING_LENGTH:
            raise NotCompiled("a text is longer than Casbin takes")
        return ast.Constant(value)

    def _attribute(self, node: ast.Attribute) -> ast.expr:
        forbidden = node.attr in simpleeval.DISALLOW_METHODS or node.attr.startswith(
            tuple(simpleeval.DISALLOW_PREFIXES)
        )
        if forbidden:
            raise NotCompiled("Casbin refuses this attribute")
        word = self.word(node.value)
        if word is not None:
            of: ast.expr = ast.Call(_load("allowed"), [_load(f"w{word}")], [])
        else:
            of = self.translate(node.value)
        return ast.Call(_load("attribute"), [of, ast.Constant(node.attr)], [])

    def _call(self, node: ast.Call) -> ast.expr:
        name, args = self.call(node)
        if not name or node.keywords or any(isinstance(one, ast.Starred) for one in node.args):
            raise NotCompiled("a call is left to Casbin")
        if name not in self.functions.names or name in OWN_FUNCTIONS:
            raise NotCompiled(f"the function `{name}` is left to Casbin")
        self.matcher.used.add(name)
        return (
            self._role_call(node)
            or self._path_call(node)
            or self._regex_call(node)
            or self._other_call(name, args)
        )

    def _other_call(self, name: str, args: list[ast.expr]) -> ast.expr:
        of_links = name in self.functions.links
        values = map(self.translate if of_links else self._argument, args)
        return ast.Call(_load("call"), [ast.Constant(name), *values], [])

    def _argument(self, node: ast.expr) -> ast.expr:
        """An argument of a function that takes what it is given: a word need not be a string."""
        word = self.word(node)
        if word is not None:
            return ast.Call(_load("allowed"), [_load(f"w{word}")], [])
        return self.translate(node)

    def _role_call(self, node: ast.Call) -> ast.expr | None:
        links = self.links(node)
        if links not in (Links.NONE, Links.NAMES, Links.DOMAINS) or not all(map(self.plain, node.args)):
            return None
        left, right = self.translate(node.args[0]), self.translate(node.args[1])
        same = ast.Compare(left, [ast.Eq()], [right])
        if links is Links.NONE:
            return same
        hoist = self._hoist(node, links)
        if hoist is None:
            return None
        led_to = ast.Compare(
            right, [ast.In()], [ast.Subscript(_load(f"h{hoist}"), ast.Constant(1), ast.Load())]
        )
        return ast.BoolOp(ast.Or(), [same, led_to])

    def _hoist(self, node: ast.Call, links: Links) -> int | None:
        word = self.word(node.args[0])
        if word is None:
            return None
        domain = None
        if links is Links.DOMAINS:
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
        args: list[ast.expr] = [_load(f"{part}_{style.name}_{word}") for part in ("path", "segments")]
        return ast.Call(_load(f"verify_{style.name}_{column}"), [*args, _load(f"c{column}")], [])

    def _regex_call(self, node: ast.Call) -> ast.expr | None:
        name, args = self.call(node)
        if name != "regexMatch" or name not in self.functions.builtin or len(args) != 2:
            return None
        word, column = self.word(args[0]), self.column(args[1])
        if word is None or column is None:
            return None
        self.matcher.string_words.add(word)
        self.matcher.regex_columns.add(column)
        return ast.Call(_load("regex"), [_load(f"w{word}"), _load(f"c{column}")], [])

    # What is certain of a node -------------------------------------------------------------------------------------

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
                if name in self.functions.links:
                    return self.links(node) not in (None, Links.OPAQUE)
                return name in self.functions.builtin
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
        return all(isinstance(operator, _OPERATORS) for operator in node.ops)

    def certain(self, node: ast.expr) -> bool:
        """Whether the node cannot raise, given strings, valid patterns and valid addresses; notes what it took for given."""
        match node:
            case ast.BoolOp():
                return all(map(self.certain, node.values)) and self.boolean(node)
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
            return self.links(node) not in (None, Links.OPAQUE)
        if name not in self.functions.builtin or len(args) != 2:
            return False
        if name == "keyMatch":
            return True
        word, column = self.word(args[0]), self.column(args[1])
        if name == "ipMatch" and word is not None:
            self.matcher.addresses.add(word)
            return True
        if (name == "regexMatch" or name in STYLES) and column is not None:
            self.matcher.valid_patterns.add((column, name))
            return True
        return False

    def of_request(self, node: ast.expr) -> bool:
        """Whether the node can be decided from the request's words alone."""
        names = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
        return names <= self.words.keys() and self.boolean(node) and not _has_call(node)

    # What can be looked up -----------------------------------------------------------------------------------------

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
        return " and ".join(
            f"({ast.unparse(ast.fix_missing_locations(self.translate(one)))})" for one in guards
        )

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
                return Lookup("keys", column, (Source("word", word),))
            if isinstance(other, ast.Constant):
                return Lookup("keys", column, (Source("constant", str(other.value)),))
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
                return Lookup("keys", column, tuple(Source("constant", text) for text in texts))
            case _:
                return None

    def _reach(self, node: ast.expr) -> Lookup | None:
        links = self.links(node)
        if not isinstance(node, ast.Call) or links not in (Links.NONE, Links.NAMES, Links.DOMAINS):
            return None
        column, word = self.column(node.args[1]), self.word(node.args[0])
        if column is None or word is None:
            return None
        if links is Links.NONE:
            return Lookup("keys", column, (Source("word", word),))
        hoist = self._hoist(node, links)
        return None if hoist is None else Lookup("keys", column, (Source("hoist", hoist),))

    def _pattern(self, node: ast.expr) -> Lookup | None:
        name, args = self.call(node)
        if name not in self.functions.builtin or len(args) != 2:
            return None
        word, column = self.word(args[0]), self.column(args[1])
        if word is None or column is None:
            return None
        if name in STYLES:
            return Lookup("path", column, (), name, word)
        if name == "regexMatch":
            return Lookup("words", column, (Source("word", word),), name, word)
        return None


def _load(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def _flatten(node: ast.expr, operator: type[ast.boolop]) -> list[ast.expr]:
    if isinstance(node, ast.BoolOp) and isinstance(node.op, operator):
        return [part for value in node.values for part in _flatten(value, operator)]
    return [node]


def _has_call(node: ast.expr) -> bool:
    return any(isinstance(one, ast.Call | ast.Attribute) for one in ast.walk(node))


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
    kept = tuple(source for source in other.sources if source != Source("word", one.word))
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
