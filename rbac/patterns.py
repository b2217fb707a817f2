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
