"""Patterns in the rules: which columns hold them, by the matcher's functions, and whether they are valid."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from casbin.util import builtin_operators as casbin_functions

from rbac.expression import calls
from rbac.functions import FALLIBLE

_SLICE = 1024  # patterns; one look at a hundred thousand would hold up every other thread
_IN_OTHER_WORDS = {
    "multiple repeat": "a `*`, `+` or `?` follows another",
    "nothing to repeat": "there is nothing in front of the `*`, `+` or `?`",
    "unterminated character set": "a `[` is not closed",
    "missing ), unterminated subpattern": "a `(` is not closed",
    "unbalanced parenthesis": "a `)` closes nothing",
}
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
    tried = False

    def value(node: ast.expr) -> bool | None:
        """What the node is for every request; ``None`` where that depends."""
        nonlocal tried
        match node:
            case ast.BoolOp(operator, parts):
                stop = isinstance(operator, ast.Or)
                known: list[bool | None] = []
                for part in parts:
                    known.append(value(part))
                    if (
                        known[-1] is stop
                    ):  # whatever came before, the whole is decided, and the rest not looked at
                        return stop
                return None if None in known else not stop
            case ast.UnaryOp(ast.Not(), operand):
                inner = value(operand)
                return None if inner is None else not inner
            case ast.Compare(left, [comparison], [right]):
                return _compared(left, comparison, right, row)
        for called, arguments in calls(node):
            tried |= called == function and any(_names(argument, column) for argument in arguments[1:2])
        return None

    value(tree)
    return tried


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
    return all(_PLAIN.fullmatch("\n".join(some)) for some in slices)


def invalid_pattern(function: str, pattern: str) -> str | None:
    """Why Casbin would fail over ``pattern`` in a call of ``function``; ``None`` if it would not."""
    if _PLAIN.fullmatch(pattern):
        return None
    try:
        if function == "keyMatch4":
            return _uneven_groups(pattern)
        FALLIBLE[function].call("", pattern)
    except re.error as error:
        return _IN_OTHER_WORDS.get(error.msg, error.msg)
    except (OverflowError, RecursionError):
        return "it is too large"
    return None


def _uneven_groups(pattern: str) -> str | None:
    """keyMatch4 raises at request time when a pattern has groups of its own besides its ``{names}``."""
    regex, names = casbin_functions.KEY_MATCH4_PATTERN.subn("([^/]+)", pattern.replace("/*", "/.*"))
    return None if re.compile(f"^{regex}$").groups == names else "such a pattern cannot have `( )` in it"


def pattern_hint(function: str) -> str:
    """What to write instead of a pattern that :func:`invalid_pattern` refused."""
    if function == "regexMatch":
        return "write a regular expression such as `^(GET|POST)$`, or `.*` for everything"
    return "write a path such as `/users/*`, and `\\` before a character that is to mean itself"
