"""Warnings about single rules: patterns that meet more than they seem to, and wildcards for the wrong role."""

import ast
import ipaddress
import re
from collections.abc import Iterator

from rbac.errors import Problem
from rbac.expression import calls
from rbac.functions import FALLIBLE, PATH_FUNCTIONS
from rbac.lints.reading import Reading, compared_texts
from rbac.pacing import paced
from rbac.patterns import literal_patterns, pattern_columns

_DOTTED = tuple(name for name in FALLIBLE if name in PATH_FUNCTIONS)
_LOOSE_DOT = re.compile(r"(?<!\\)(?:\\\\)*\.(?![*+?])")
_CLASS = re.compile(r"\[[^\]]*\]")
_EVERY_PATH = frozenset(("/*", "*", ".*", "/.*", "^.*$", "^/.*$", "/**"))
_EVERY_METHOD = frozenset(("*", ".*", "^.*$"))
_POWERFUL = re.compile(r"admin|root|super|owner|system|master|operator", re.IGNORECASE)


def check_patterns(reading: Reading) -> Iterator[Problem]:
    yield from _loose_dots(reading)
    yield from _open_ends(reading)
    yield from _addresses(reading)
    yield from _wildcards(reading)


def _loose_dots(reading: Reading) -> Iterator[Problem]:
    if "." not in reading.policy_text:
        return
    for name in pattern_columns(reading.tree, _DOTTED):
        column = reading.column(name.removeprefix("p_"))
        if column is None:
            continue
        for line, row in reading.rules():
            pattern = row[column]
            if "." in pattern and _LOOSE_DOT.search(_CLASS.sub("", pattern)):
                message = f"the `.` in `{pattern}` stands for any character"
                fixed = _LOOSE_DOT.sub(lambda match: match.group()[:-1] + "\\.", pattern)
                yield reading.in_rule(
                    line, column, "unescaped-dot", message, f"write `{fixed}` to mean a dot"
                )


def _open_ends(reading: Reading) -> Iterator[Problem]:
    for function, pattern in literal_patterns(reading.tree):
        if function == "regexMatch" and not ends(pattern):
            message, hint = _open_end(pattern)
            yield reading.in_model("m", pattern, "open-ended-regex", message, hint)
    for name in pattern_columns(reading.tree, ("regexMatch",)):
        column = reading.column(name.removeprefix("p_"))
        if column is None:
            continue
        ended: dict[str, bool] = {}
        for line, row in reading.rules():
            pattern = row[column]
            if pattern not in ended:
                ended[pattern] = ends(pattern)
            if not ended[pattern]:
                message, hint = _open_end(pattern)
                yield reading.in_rule(line, column, "open-ended-regex", message, hint)


def _addresses(reading: Reading) -> Iterator[Problem]:
    """Casbin compares what is no address as plain text, which no address equals: a mistyped deny denies nobody."""
    texts = compared_texts(reading.tree)
    for name in pattern_columns(reading.tree, ("ipMatch",)):
        column, meant = reading.column(name.removeprefix("p_")), texts.get(name, ())
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


def _wildcards(reading: Reading) -> Iterator[Problem]:
    """A rule for every path is meant for someone at the top: not for everybody, and not for a role others build on."""
    role, path, method = reading.relations.role_column, reading.path_column, reading.method_column
    if role is None or path is None:
        return
    inherited = _held_by_roles(reading)
    effect = reading.column("eft")
    for line, row in reading.rules():
        if row[path] not in _EVERY_PATH or (effect is not None and row[effect] == "deny"):
            continue
        everything = method is None or row[method] in _EVERY_METHOD
        who = _not_meant(row[role], reading, inherited, everything=everything)
        if who:
            message = f"`{row[path]}` opens every path to {who}"
            hint = "name the paths that are meant, or give the rule to an administrator's role"
            yield reading.in_rule(line, path, "wildcard-for-role", message, hint)


def _held_by_roles(reading: Reading) -> set[str]:
    """The roles that another role, not just a person, inherits."""
    column = reading.relations.role_column
    ruled = {row[column] for row in paced(reading.document.rows["p"])} if column is not None else set()
    granted = {role for roles in reading.links.values() for role in roles}
    return {
        role for name, roles in reading.links.items() if name in granted or name in ruled for role in roles
    }


def _not_meant(name: str, reading: Reading, inherited: set[str], *, everything: bool) -> str:
    if name in reading.relations.constants:
        return f"`{name}`, which is not one role but a whole class of callers"
    if name in inherited and not _POWERFUL.search(name):
        return f"`{name}`, which other roles inherit"
    if everything and not _POWERFUL.search(name):
        return f"`{name}` with every method, as if it were an administrator's role"
    return ""
