"""Warnings about rules that open every path, or most of the known ones, to a role that is no administrator's."""

import re
from collections.abc import Iterator, Sequence

from rbac.background import paced
from rbac.errors import Problem
from rbac.linting.patterns.path_meaning import opens, ordinary
from rbac.linting.reading.subject import Reading
from rbac.linting.reading.wider_columns import read_columns
from rbac.model.functions import MATCHING
from rbac.model.request_shape import HTTP_METHODS
from rbac.routes import Route

_WILD = frozenset(("", "*", "/*", ".*", "^.*$"))
_UNREAD = frozenset(("eft", "priority"))
_POWERFUL = re.compile(r"admin|root|super|owner|system|master|operator", re.IGNORECASE)
_ANY_SEGMENTS = re.compile(r"(?:/(?:\{[^/{}]+\}|:[^/]+))+/?")
_FEW = 4  # endpoints; whoever reaches all of so few may well be meant to


def check_wildcards(reading: Reading, routes: Sequence[Route] = ()) -> Iterator[Problem]:
    """A rule for every path is meant for someone at the top: not for everybody, not for a role others build on."""
    role, path = reading.relations.role_column, reading.path_column
    if role is None or path is None:
        return
    opened = _Opened(reading, path, routes)
    inherited = _held_by_roles(reading, role)
    effect = reading.column("eft")
    others = _other_columns(reading, (role, path, reading.method_column))
    for line, row in reading.rules():
        if (effect is not None and row[effect] == "deny") or _POWERFUL.search(row[role]):
            continue
        what = opened.by(row)
        if not what or any(row[other] not in _WILD for other in others):
            continue
        who = _whom(row[role], reading, inherited)
        message = f"`{row[path]}` opens {what} to {who}"
        hint = "name the paths that are meant, or give the rule to an administrator's role"
        yield reading.in_rule(line, path, "wildcard-for-role", message, hint)


def _other_columns(reading: Reading, told: Sequence[int | None]) -> list[int]:
    """The columns that restrict a rule besides its role, path and method."""
    words = reading.document.definition.policy_words
    return [at for at, word in enumerate(words) if at not in told and word not in _UNREAD]


def _held_by_roles(reading: Reading, column: int) -> set[str]:
    """The roles that another role, not just a person, inherits."""
    ruled = {row[column] for row in paced(reading.document.rows["p"])}
    granted = {role for roles in reading.links.values() for role in roles}
    return {
        role for name, roles in reading.links.items() if name in granted or name in ruled for role in roles
    }


def _whom(name: str, reading: Reading, inherited: set[str]) -> str:
    if name in reading.relations.constants:
        return f"`{name}`, which is not one role but a whole class of callers"
    if name in inherited:
        return f"`{name}`, which other roles inherit"
    return f"`{name}`, as if it were an administrator's role"


class _Opened:
    """What a rule opens that names no path, or most of the known ones; each path and method looked at once."""

    def __init__(self, reading: Reading, path: int, routes: Sequence[Route]) -> None:
        self._path, self._method = path, reading.method_column
        self._functions = reading.functions.get(path, ())
        methods = reading.functions.get(self._method, ()) if self._method is not None else ()
        self._of_method = methods
        self._always = frozenset(read_columns(reading)[path].always)
        self._routes = [(route, route.sample()) for route in routes]
        self._known: dict[tuple[str, str], str] = {}
        self._plain: dict[str, bool] = {}

    def by(self, row: list[str]) -> str:
        pattern = row[self._path]
        if pattern not in self._plain:
            means_one = "*" not in pattern and ordinary(pattern) and not _ANY_SEGMENTS.fullmatch(pattern)
            self._plain[pattern] = means_one and pattern not in self._always
        if self._plain[pattern]:
            return ""
        method = row[self._method] if self._method is not None else "*"
        if (pattern, method) not in self._known:
            self._known[pattern, method] = self._opened(pattern, method)
        return self._known[pattern, method]

    def _opened(self, pattern: str, method: str) -> str:
        if pattern in self._always:
            return "every path"
        most = self._most_of_the_known(pattern, method)
        found = [what for function in self._functions if (what := opens(function, pattern))]
        return most or (found[0] if found and not self._is_the_endpoint(pattern, method) else "")

    def _is_the_endpoint(self, pattern: str, method: str) -> bool:
        """Whether a pattern meets known endpoints, and none but such as name no path either: `/{code}`."""
        met = [
            route.obj
            for route, sample in self._routes
            if self._asks(route.act, method) and self._meets(pattern, sample)
        ]
        return bool(met) and all(_ANY_SEGMENTS.fullmatch(path) for path in met)

    def _most_of_the_known(self, pattern: str, method: str) -> str:
        asked = [(route, sample) for route, sample in self._routes if self._asks(route.act, method)]
        met = sum(self._meets(pattern, sample) for _, sample in asked)
        if met <= _FEW or 2 * met <= len(asked):
            return ""
        of = "" if all(self._asks(one, method) for one in HTTP_METHODS) else f" with `{method}`"
        return f"{met} of the {len(asked)} known endpoints{of}"

    def _asks(self, act: str, method: str) -> bool:
        return method in ("*", act) or any(_meets(function, act, method) for function in self._of_method)

    def _meets(self, pattern: str, path: str) -> bool:
        return any(_meets(function, path, pattern) for function in self._functions)


def _meets(function: str, value: str, pattern: str) -> bool:
    try:
        return bool(MATCHING[function].call(value, pattern))
    except (re.error, ValueError):  # a text that the matcher takes before it comes to the function
        return False
