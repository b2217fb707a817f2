"""Patterns in the rules: which columns hold them, by the matcher's functions, and whether they are valid."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from rbac.background import paced
from rbac.model.expression import calls
from rbac.model.functions import FALLIBLE

_SLICE = 1024  # patterns; one look at a hundred thousand would hold up every other thread
_NO_GROUP = "it refers to a group that is not there"
_NO_NAME = "the name of a group is no word"
_NO_FLAGS = "the letters behind a `(?` are no flags that may stand there"
# The beginnings of what Python says of an expression; what is not among them nobody writes by mistake.
_IN_OTHER_WORDS = {
    "multiple repeat": "a `*`, `+` or `?` follows another",
    "nothing to repeat": "there is nothing in front of the `*`, `+` or `?`",
    "unterminated character set": "a `[` is not closed",
    "missing ), unterminated": "a `(` is not closed",
    "missing >, unterminated": "a `<` is not closed",
    "unbalanced parenthesis": "a `)` closes nothing",
    "global flags not at the start": "flags such as `(?i)` stand at the very beginning or not at all, and Casbin puts a `^` "
    "before a path; `(?i:…)`, around what it is about, may stand anywhere",
    "bad character range": "a range in `[ ]` runs backwards",
    "bad escape (end of pattern)": "a `\\` is the last character",
    "bad escape": "a `\\` stands before a letter or a digit that means nothing there",
    "incomplete escape": "a `\\` and a letter lack the digits that belong to them",
    "min repeat greater": "the first number in `{ }` is larger than the second",
    "unknown extension": "what stands behind a `(?` means nothing",
    "unexpected end of pattern": "it ends behind a `(?`",
    "invalid group reference": _NO_GROUP,
    "cannot refer to": _NO_GROUP,
    "unknown group name": _NO_GROUP,
    "bad group number": _NO_GROUP,
    "bad character in group name": _NO_NAME,
    "missing group name": _NO_NAME,
    "redefinition of group name": "two groups have the same name",
    "look-behind requires": "what is looked back at has no fixed length",
    "bad inline flags": _NO_FLAGS,
    "missing flag": _NO_FLAGS,
    "unknown flag": _NO_FLAGS,
    "missing :": _NO_FLAGS,
    "missing -": _NO_FLAGS,
}
_NO_EXPRESSION = "it is no regular expression"
# A path in which nothing but `/*` and `{name}` means more than itself is valid for all of them.
_PLAIN = re.compile(r"(?:[\w.~%@:=&;, \n-]++|/\*?+|\{[A-Za-z_]\w*+\})*+")


def pattern_columns(
    tree: ast.expr, function_names: Iterable[str] = tuple(FALLIBLE)
) -> Mapping[str, frozenset[str]]:
    """The names (``p_obj``) that stand as the pattern of one of the functions, each with those functions."""
    wanted = frozenset(function_names)
    columns: dict[str, frozenset[str]] = {}
    for function, arguments in calls(tree):
        if function in wanted and len(arguments) > 1 and isinstance(arguments[1], ast.Name):
            name = arguments[1].id
            columns[name] = columns.get(name, frozenset()) | {function}
    return columns


def may_be_tried(tree: ast.expr, function: str, column: str, row: Mapping[str, str]) -> bool:
    """Whether some request leads Casbin to a call of ``function`` with ``column`` as the pattern, for this rule.

    ``row`` maps the rule's names (``p_act``) to its values. ``||`` and ``&&`` stop as soon as they can: behind
    ``p.act == "*" ||`` nothing is tried for a rule whose `act` is `*`. What depends on the request may be anything.
    """
    trial = _Trial(function, column, row)
    trial.value(tree)
    return trial.tried


@dataclass(slots=True)
class _Trial:
    """What a matcher comes to for one rule, and whether a call is made on the way."""

    function: str
    column: str
    row: Mapping[str, str]
    tried: bool = False

    def value(self, node: ast.expr) -> bool | None:
        """What the node is for every request; ``None`` where that depends."""
        match node:
            case ast.BoolOp(operator, parts):
                stop = isinstance(operator, ast.Or)
                known: list[bool | None] = []
                for part in parts:
                    known.append(self.value(part))
                    if (
                        known[-1] is stop
                    ):  # whatever came before, the whole is decided, and the rest not looked at
                        return stop
                return None if None in known else not stop
            case ast.UnaryOp(ast.Not(), operand):
                inner = self.value(operand)
                return None if inner is None else not inner
            case ast.Compare(left, [comparison], [right]):
                return _compared(left, comparison, right, self.row)
        for called, arguments in calls(node):
            self.tried |= called == self.function and any(
                _names(argument, self.column) for argument in arguments[1:2]
            )
        return None


def _names(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _compared(left: ast.expr, comparison: ast.cmpop, right: ast.expr, row: Mapping[str, str]) -> bool | None:
    """The answer of a comparison between the rule's values and texts; ``None`` where it depends on more."""
    if isinstance(right, ast.Tuple | ast.List) and isinstance(comparison, ast.In | ast.NotIn):
        one, listed = _text(left, row), [_text(element, row) for element in right.elts]
        if one is None or None in listed:
            return None
        return (one in listed) is isinstance(comparison, ast.In)
    one, other = _text(left, row), _text(right, row)
    if one is None or other is None or not isinstance(comparison, ast.Eq | ast.NotEq):
        return None
    return (one == other) is isinstance(comparison, ast.Eq)


def _text(node: ast.expr, row: Mapping[str, str]) -> str | None:
    if isinstance(node, ast.Name):
        return row.get(node.id)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def literal_patterns(tree: ast.expr) -> Iterator[tuple[str, str]]:
    """The patterns that the matcher itself spells out: function and pattern."""
    for function, arguments in calls(tree):
        if function not in FALLIBLE or len(arguments) < 2:
            continue
        pattern = arguments[1]
        if isinstance(pattern, ast.Constant) and isinstance(pattern.value, str):
            yield function, pattern.value


def all_plain(patterns: Iterable[str]) -> bool:
    """Whether no pattern needs a closer look: one regular expression over many of them at once."""
    rest = iter(patterns)
    slices = iter(lambda: list(islice(rest, _SLICE)), [])
    return all(_PLAIN.fullmatch("\n".join(some)) for some in paced(slices, every=1))


def invalid_pattern(function: str, pattern: str) -> str | None:
    """Why Casbin would fail over ``pattern`` in a call of ``function``; ``None`` if it would not."""
    if _PLAIN.fullmatch(pattern):
        return None
    try:
        if FALLIBLE[function].has_own_groups(pattern):
            return "such a pattern cannot have `( )` in it"
        FALLIBLE[function].call("", pattern)
    except re.error as error:
        said = (words for start, words in _IN_OTHER_WORDS.items() if error.msg.startswith(start))
        return next(said, _NO_EXPRESSION)
    except (OverflowError, RecursionError):
        return "it is too large"
    return None


def pattern_hint(function: str) -> str:
    """What to write instead of a pattern that :func:`invalid_pattern` refused."""
    if FALLIBLE[function].kind == "regex":
        return "write a regular expression such as `^(GET|POST)$`, or `.*` for everything"
    return "write a path such as `/users/*`, and `\\` before a character that is to mean itself"
