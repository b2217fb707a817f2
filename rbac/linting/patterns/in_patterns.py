"""Warnings about patterns that meet more than they seem to: one a pattern, however often it is written."""

import ast
import ipaddress
import re
from array import array
from collections.abc import Collection, Iterator

from rbac.errors import Problem
from rbac.linting.patterns.path_meaning import findings
from rbac.linting.reading.subject import Reading
from rbac.model.expression import calls
from rbac.model.functions import FALLIBLE, PATH_FUNCTIONS
from rbac.model.patterns import literal_patterns, may_be_tried, pattern_columns
from rbac.text.wording import also_on

_DOTTED = tuple(name for name in FALLIBLE if name in PATH_FUNCTIONS)
_LOOSE_DOT = re.compile(r"(?<!\\)(?:\\\\)*\.(?![*+?])")
_CLASS = re.compile(r"\[[^\]]*\]")


def check_patterns(reading: Reading) -> Iterator[Problem]:
    yield from _loose_dots(reading)
    yield from _open_ends(reading)
    yield from _addresses(reading)
    yield from _paths(reading)


def _loose_dots(reading: Reading) -> Iterator[Problem]:
    if "." not in reading.policy_text:
        return
    for _, column, pattern, lines in _patterns_of(reading, _DOTTED):
        if "." in pattern and _LOOSE_DOT.search(_CLASS.sub("", pattern)):
            message = f"the `.` in `{pattern}` stands for any character{also_on(lines)}"
            fixed = _LOOSE_DOT.sub(lambda match: match.group()[:-1] + "\\.", pattern)
            yield reading.in_rule(
                lines[0], column, "unescaped-dot", message, f"write `{fixed}` to mean a dot"
            )


def _open_ends(reading: Reading) -> Iterator[Problem]:
    for function, pattern in literal_patterns(reading.tree):
        if function == "regexMatch" and not ends(pattern):
            message, hint = _open_end(pattern)
            yield reading.in_model("m", pattern, "open-ended-regex", message, hint)
    for name, column, pattern, lines in _patterns_of(reading, ("regexMatch",)):
        if not ends(pattern) and may_be_tried(reading.tree, "regexMatch", name, {name: pattern}):
            message, hint = _open_end(pattern)
            yield reading.in_rule(lines[0], column, "open-ended-regex", message + also_on(lines), hint)


def _patterns_of(
    reading: Reading, functions: Collection[str]
) -> Iterator[tuple[str, int, str, "array[int]"]]:
    """The patterns of these functions in the rules: the column's name and place, the pattern and its lines."""
    for name in pattern_columns(reading.tree, functions):
        column = reading.column(name.removeprefix("p_"))
        if column is not None:
            for pattern, lines in _lines_by_pattern(reading, column).items():
                yield name, column, pattern, lines


def _lines_by_pattern(reading: Reading, column: int) -> dict[str, "array[int]"]:
    """The lines of each pattern in a column."""
    found: dict[str, array[int]] = {}
    for line, row in reading.rules():
        lines = found.get(row[column])
        if lines is None:
            lines = found[row[column]] = array("L")
        lines.append(line)
    return found


def _paths(reading: Reading) -> Iterator[Problem]:
    for column, functions in reading.functions.items():
        for pattern, lines in _lines_by_pattern(reading, column).items():
            found = [finding for function in functions for finding in findings(function, pattern)]
            for code, message, hint in dict.fromkeys((one.code, one.message, one.hint) for one in found):
                yield reading.in_rule(lines[0], column, code, message + also_on(lines), hint)


def _addresses(reading: Reading) -> Iterator[Problem]:
    """Casbin compares what is no address as plain text, which no address equals: a mistyped deny denies nobody."""
    for name in pattern_columns(reading.tree, ("ipMatch",)):
        column, meant = reading.column(name.removeprefix("p_")), reading.relations.texts.get(name, ())
        if column is None or not _only_networks(reading.tree, name, len(meant)):
            continue
        for line, row in reading.rules():
            if row[column] not in meant and not _is_network(row[column]):
                message = (
                    f"`{row[column]}` is neither an address nor a network: `ipMatch` is never true of it"
                )
                hint = "write an address such as `10.1.2.3`, or a network such as `10.0.0.0/8`"
                yield reading.in_rule(line, column, "invalid-address", message, hint)


def _only_networks(tree: ast.expr, name: str, compared: int) -> bool:
    """Whether the matcher has no other use for a column than `ipMatch` and ``compared`` texts that it spells out."""
    asked = sum(
        function == "ipMatch" and [ast.unparse(pattern) for pattern in arguments[1:2]] == [name]
        for function, arguments in calls(tree)
    )
    return asked + compared == sum(isinstance(node, ast.Name) and node.id == name for node in ast.walk(tree))


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _open_end(pattern: str) -> tuple[str, str]:
    closed = pattern.removeprefix("^")
    if closed.endswith("$") and not closed.endswith("\\$"):
        closed = closed[:-1]
    message = f"`{pattern}` also meets longer words that begin like this, as `GET` meets `GETX`"
    return message, f"write `^({closed})$`" if "|" in closed else f"write `^{closed}$`"


def ends(pattern: str) -> bool:
    """Whether every alternative of a regular expression says where the word ends (``$``, ``\\Z``, or ``.*``)."""
    return all(_branch_ends(branch) for branch in _branches(pattern))


def _branch_ends(branch: str) -> bool:
    if branch.endswith(("\\Z", ".*", ".+")):
        return True
    if branch.endswith("$"):
        return (len(branch) - len(branch[:-1].rstrip("\\"))) % 2 == 1
    inner = branch.removeprefix("^").removeprefix("(").removeprefix("?:")
    whole = branch.removeprefix("^")
    return whole.startswith("(") and whole.endswith(")") and _closes_last(whole) and ends(inner[:-1])


def _closes_last(whole: str) -> bool:
    """Whether the first parenthesis is closed by the last character."""
    depth = 0
    for position, character in _structure(whole):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth == 0:
            return position == len(whole) - 1
    return False


def _branches(pattern: str) -> list[str]:
    branches, depth, start = [], 0, 0
    for position, character in _structure(pattern):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "|" and depth == 0:
            branches.append(pattern[start:position])
            start = position + 1
    return [*branches, pattern[start:]]


def _structure(pattern: str) -> Iterator[tuple[int, str]]:
    """The parentheses and bars of a regular expression that are not escaped and not in a set of characters."""
    for match in re.finditer(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|[()|]", pattern):
        if match.group() in "()|":
            yield match.start(), match.group()
