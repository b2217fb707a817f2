"""A matcher as a Boolean formula over tests of single words, in the kinds of test whose classes are known.

``docs/space.md`` says which kinds those are. A matcher with any other test (an attribute, ``eval()``,
arithmetic) has no formula.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from rbac.errors import RbacError
from rbac.model.functions import TEXT_FUNCTIONS


class NoFormulaError(RbacError):
    """A matcher that tests something of which nobody can say in advance what it tells apart."""

    code: ClassVar[str] = "matcher_not_finite"


@dataclass(frozen=True, slots=True)
class Operand:
    """What a test looks at: a word of the request, a column of the rule, or a literal of the matcher."""

    kind: Literal["request", "rule", "literal"]
    name: str


@dataclass(frozen=True, slots=True)
class Condition:
    """``r.act == p.act``, ``keyMatch3(r.obj, p.obj)``, ``g(r.role, p.role)``.

    ``function`` is ``==``, a pattern function, or the name of a role definition.
    """

    function: str
    operands: tuple[Operand, ...]
    words: tuple[str, ...] = field(init=False, compare=False, repr=False)
    """The words of the request that the test looks at, in the order it does."""
    _hash: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        words = tuple(operand.name for operand in self.operands if operand.kind == "request")
        object.__setattr__(self, "words", words)
        object.__setattr__(self, "_hash", hash((self.function, self.operands)))

    def __hash__(self) -> int:
        # A condition is looked up for every caller of a document: its parts are hashed once.
        return self._hash


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds; without parts it is true."""

    parts: tuple["Formula", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Some part holds; without parts it is false."""

    parts: tuple["Formula", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: "Formula"


Formula = Condition | AllOf | AnyOf | Not


def conditions_of(formula: Formula) -> Iterator[Condition]:
    """Every test in the formula."""
    match formula:
        case Condition():
            yield formula
        case Not(part):
            yield from conditions_of(part)
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from conditions_of(part)


def literals_of(formula: Formula) -> frozenset[str]:
    """The texts that the matcher itself spells in the tests of the formula."""
    operands = (operand for condition in conditions_of(formula) for operand in condition.operands)
    return frozenset(operand.name for operand in operands if operand.kind == "literal")


def words_of(formula: Formula) -> frozenset[str]:
    """The words of the request that the formula looks at."""
    return frozenset(word for condition in conditions_of(formula) for word in condition.words)


def conjuncts(formula: Formula) -> Iterator[Formula]:
    """What all has to hold, taken apart as far as it goes."""
    if isinstance(formula, AllOf):
        for part in formula.parts:
            yield from conjuncts(part)
    else:
        yield formula


def formula_of(
    tree: ast.expr, request: Iterable[str], rule: Iterable[str], roles: Mapping[str, int]
) -> Formula:
    """The formula of a matcher over these words, and these role definitions with their width. Raises NoFormulaError,
    which says what stands in the way."""
    return _Reader(request, rule, roles).formula(tree)


class _Reader:
    def __init__(self, request: Iterable[str], rule: Iterable[str], roles: Mapping[str, int]) -> None:
        self._operands = {
            **{f"r_{word}": Operand("request", word) for word in request},
            **{f"p_{word}": Operand("rule", word) for word in rule},
        }
        self._roles = roles

    def formula(self, node: ast.expr) -> Formula:
        match node:
            case ast.BoolOp(ast.And(), values):
                return AllOf(tuple(map(self.formula, values)))
            case ast.BoolOp(ast.Or(), values):
                return AnyOf(tuple(map(self.formula, values)))
            case ast.UnaryOp(ast.Not(), operand):
                return Not(self.formula(operand))
            case ast.Constant(bool(value)):
                return AllOf(()) if value else AnyOf(())
            case ast.Compare(left, [operator], [right]):
                return self._comparison(left, operator, right)
            case ast.Call(ast.Name(function), arguments, []):
                return self._call(function, arguments)
        raise NoFormulaError(f"`{ast.unparse(node)}` is no test of single words")

    def _comparison(self, left: ast.expr, operator: ast.cmpop, right: ast.expr) -> Formula:
        match operator:
            case ast.Eq():
                return self._equal(left, right)
            case ast.NotEq():
                return Not(self._equal(left, right))
            case ast.In() if isinstance(right, ast.Tuple | ast.List | ast.Set):
                return AnyOf(tuple(self._equal(left, element) for element in right.elts))
        raise NoFormulaError(f"`{ast.unparse(left)}` is compared by order or containment")

    def _equal(self, left: ast.expr, right: ast.expr) -> Formula:
        operands = (self._operand(left), self._operand(right))
        if all(operand.kind == "literal" for operand in operands):
            return AllOf(()) if operands[0] == operands[1] else AnyOf(())
        return Condition("==", operands)

    def _call(self, function: str, arguments: list[ast.expr]) -> Formula:
        if function not in self._roles and function not in TEXT_FUNCTIONS:
            raise NoFormulaError(f"nothing is known of `{function}`")
        operands = tuple(map(self._operand, arguments))
        if function in self._roles and len(operands) == self._roles[function]:
            return Condition(function, operands)
        if function in TEXT_FUNCTIONS and len(operands) == 2 and operands[1].kind != "request":
            return Condition(function, operands)
        raise NoFormulaError(f"nothing is known of `{function}`")

    def _operand(self, node: ast.expr) -> Operand:
        match node:
            case ast.Name(name) if name in self._operands:
                return self._operands[name]
            case ast.Constant(str(value)):
                return Operand("literal", value)
        raise NoFormulaError(f"`{ast.unparse(node)}` is no word of the request or the rule")
