"""Casbin's expression language: what a matcher, or the text of a rule that ``eval()`` reads, is made of."""

import ast
import re
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import ClassVar

from casbin.model.function import FunctionMap
from casbin.util import util

from rbac.errors import RbacError
from rbac.model.parser import evaluator, parse_python
from rbac.text.wording import quoted

_EVAL = re.compile(r"\beval\(([^)]*)\)")
_NODES: tuple[type[ast.AST], ...] = tuple(evaluator("0", {}).nodes)
_SYNTAX: tuple[type[ast.AST], ...] = (
    ast.expr_context,
    ast.boolop,
    ast.comprehension,
    # simpleeval names a constant by the names it had before Python 3.8, too; newer ones warn of whoever asks for these.
    *(each for each in _NODES if each is ast.Constant or not issubclass(each, ast.Constant)),
    *evaluator("0", {}).operators,
)
_CONTAINERS = frozenset(("list", "tuple", "dict", "set"))
EVALUATED_FUNCTIONS: AbstractSet[str] = frozenset(
    (*FunctionMap.load_function_map().get_functions(), *_CONTAINERS)
)
ROLE_DEFINITION = re.compile(r"g\d*")


_COMPARISONS = (
    "write comparisons such as `r.sub == p.sub` and Casbin's functions, joined by `&&`, `||` and `!`"
)
_ASSIGNS = "write `==`"
_GIVE_ONE = (
    "one of your own is given with `--functions module:name`, to the service with `POLICY_FUNCTIONS`, "
    "in Python with `functions=`"
)


class ExpressionError(RbacError, ValueError):
    """A text that Casbin cannot evaluate; ``needle`` is the part of it to blame, if one can be named, ``problem`` the code
    of the problem that it is in a document, and ``hint`` what to write instead."""

    code: ClassVar[str] = "expression_refused"

    def __init__(
        self, message: str, needle: str = "", problem: str = "matcher-syntax", hint: str = _COMPARISONS
    ) -> None:
        super().__init__(message)
        self.message, self.needle, self.problem, self.hint = message, needle, problem, hint


def rewrite(expression: str) -> str:
    """``expression`` as Python, by the very replacements that Casbin makes, also inside string literals."""
    expression = expression.replace("&&", "and").replace("||", "or")
    return re.sub(r"!(?!=)", "not ", expression).strip()


def evaluated(matcher: str) -> list[str]:
    """The names that ``eval()`` is called with in a matcher, such as ``p_sub_rule``."""
    return _EVAL.findall(matcher)


def spared(matcher: str, name: str) -> frozenset[str]:
    """The texts of a column with which a matcher stops before it evaluates them: `p.cond == "" || eval(p.cond)`."""
    found: set[str] = set()
    nodes = list(ast.walk(parse(matcher)))
    if sum(_evaluates(node, name) for node in nodes) != 1:
        return frozenset()
    for node in nodes:
        if not isinstance(node, ast.BoolOp):
            continue
        stops = ast.Eq if isinstance(node.op, ast.Or) else ast.NotEq
        for at, value in enumerate(node.values):
            if any(_evaluates(inner, name) for inner in ast.walk(value)):
                found.update(text for one in node.values[:at] for text in _compared(one, name, stops))
    return frozenset(found)


def _evaluates(node: ast.AST, name: str) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "eval"
        and [ast.unparse(argument) for argument in node.args] == [name]
    )


def _compared(node: ast.expr, name: str, operator: type[ast.cmpop]) -> Iterator[str]:
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], operator):
        sides = (node.left, node.comparators[0])
        if any(isinstance(side, ast.Name) and side.id == name for side in sides):
            yield from (s.value for s in sides if isinstance(s, ast.Constant) and isinstance(s.value, str))


def parse(expression: str) -> ast.expr:
    """The tree of an expression; raises :class:`ExpressionError` for what Casbin could not evaluate."""
    text = rewrite(expression)
    try:
        body = parse_python(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else "it cannot be read"
        raise ExpressionError(
            f"`{_as_written(expression)}` is no expression: {reason.replace(chr(39), '`')}"
        ) from error
    if any(isinstance(statement, ast.Assign | ast.AugAssign | ast.AnnAssign) for statement in body):
        raise ExpressionError("`=` does not compare", "=", hint=_ASSIGNS)
    if len(body) != 1 or not isinstance(body[0], ast.Expr):
        raise ExpressionError(f"`{_as_written(expression)}` is not exactly one expression")
    for node in ast.walk(body[0].value):
        if not isinstance(node, _SYNTAX):
            raise ExpressionError(
                f"Casbin cannot evaluate a `{type(node).__name__}` in `{_as_written(expression)}`"
            )
    return body[0].value


def parse_matcher(matcher: str) -> ast.expr:
    """The tree of a matcher, with what ``eval()`` reads from a rule taken as true; raises as :func:`parse` does."""
    return parse(util.replace_eval(matcher, ["True"] * len(evaluated(matcher))))


def check_names(
    tree: ast.expr, words: AbstractSet[str], functions: AbstractSet[str]
) -> Iterator[ExpressionError]:
    """What is wrong with the names in ``tree``: an unknown word or function, or too few arguments."""
    called = {id(node.func): node for node in ast.walk(tree) if isinstance(node, ast.Call)}
    bound = {
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Name) or node.id in bound:
            continue
        call = called.get(id(node))
        if call is None:
            if node.id not in words and node.id not in functions:
                yield _unknown_word(node.id, words)
        elif node.id not in functions:
            yield _unknown_function(node.id, functions)
        elif len(call.args) < 2 and _compares(node.id) and not _starred(call):
            word = "sub" if ROLE_DEFINITION.fullmatch(node.id) else "obj"
            hint = f"write what is compared with what, as in `{node.id}(r.{word}, p.{word})`"
            yield ExpressionError(f"`{node.id}` needs two arguments", node.id, hint=hint)


def _as_written(expression: str) -> str:
    """``r_sub`` as people write it in a model: ``r.sub``."""
    return re.sub(r"\b([rp]\d*)_", r"\1.", expression)


def _starred(call: ast.Call) -> bool:
    return any(isinstance(argument, ast.Starred) for argument in call.args)


def _compares(name: str) -> bool:
    """Whether it is a role definition or one of Casbin's functions, all of which take two arguments at least."""
    return (name in EVALUATED_FUNCTIONS and name not in _CONTAINERS) or ROLE_DEFINITION.fullmatch(
        name
    ) is not None


def _unknown_function(name: str, functions: AbstractSet[str]) -> ExpressionError:
    if ROLE_DEFINITION.fullmatch(name):
        message = f"the matcher asks `{name}`, which no line of `[role_definition]` defines"
        hint = f"add the line `{name} = _, _` in the section `[role_definition]`"
        return ExpressionError(message, name, "unknown-function", hint)
    message = f"`{name}` is not known: Casbin has no such function, and none of this name was given"
    known = quoted(sorted(functions - _CONTAINERS))
    return ExpressionError(message, name, "unknown-function", f"the functions are {known}; {_GIVE_ONE}")


def _unknown_word(name: str, words: AbstractSet[str]) -> ExpressionError:
    word = _as_written(name)
    message = f"`{word}` is no word of the request or the rule"
    if name.title() in ("True", "False"):
        return ExpressionError(
            message, word, "unknown-word", f"write `{name.title()}`, with a capital letter"
        )
    known = ", ".join(f"`{_as_written(one)}`" for one in sorted(words, key=lambda one: (one[0] != "r", one)))
    return ExpressionError(message, word, "unknown-word", f"the words are {known}")


def calls(tree: ast.expr) -> Iterator[tuple[str, list[ast.expr]]]:
    """Every call of a plain name in ``tree``: the name, and the arguments."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id, node.args
