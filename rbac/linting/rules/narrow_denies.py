"""Warnings about a deny that is to lock somebody out, and that names one path alone: `p, <sub>, /, *, deny`."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cached_property

from rbac.background import in_order, paced
from rbac.errors import Problem
from rbac.linting.reading.subject import Reading
from rbac.linting.reading.wider_columns import read_columns
from rbac.model.functions import MATCHING
from rbac.routes import Route

_BELOW = ("qzxvkj", "qzxvkj/wjqvxz")  # what nobody has a path for
_EVERY = ("*", "**", ".*")


def check_narrow_denies(reading: Reading, routes: Sequence[Route] = ()) -> Iterator[Problem]:
    """A deny of every method on `/`, for a role or a person; and for a person on another path that ends with a slash,
    where rules or endpoints lie below it and none is it."""
    role, path, effect = reading.relations.role_column, reading.path_column, reading.column("eft")
    if role is None or path is None or effect is None or not reading.functions.get(path):
        return
    looks = re.compile(reading.subjects, re.DOTALL).fullmatch
    rules = _Rules(reading, path, routes)
    for line, row in reading.rules():
        name, text = row[role], row[path]
        if row[effect] != "deny" or not text.endswith("/") or name in reading.relations.constants:
            continue
        if not rules.every_method(row) or (text != "/" and not (looks(name) and rules.only_below(text))):
            continue
        whole = rules.pattern_of_all(text)
        if not whole or any(rules.meets_below(text, other) for other in rules.denied.get(name, ())):
            continue
        one = "the path `/` is the root alone" if text == "/" else f"`{text}` is that one path alone"
        message = f"{one}: this denies `{name}` nothing that lies below it"
        yield reading.in_rule(
            line, path, "narrow-deny", message, f"write `{whole}` to lock them out of it all"
        )


class _Rules:
    """What the rules and the endpoints beside a deny are about; each looked for once it is asked for."""

    def __init__(self, reading: Reading, path: int, routes: Sequence[Route]) -> None:
        self._reading, self._path, self._routes = reading, path, routes
        self._functions = reading.functions[path]
        self._patterns: dict[str, str] = {}

    def every_method(self, row: Sequence[str]) -> bool:
        """Whether a rule is about every method there is."""
        column = self._reading.method_column
        return column is None or row[column] in self._any_method

    @cached_property
    def _any_method(self) -> frozenset[str]:
        column = self._reading.method_column or 0
        wild = [MATCHING[function].everything for function in self._reading.functions.get(column, ())]
        return frozenset(read_columns(self._reading)[column].always).union(*wild)

    @cached_property
    def denied(self) -> dict[str, set[str]]:
        """What is denied to each name, the patterns alone."""
        role, effect = self._reading.relations.role_column or 0, self._reading.column("eft") or 0
        found: dict[str, set[str]] = {}
        for _, row in self._reading.rules():
            if row[effect] == "deny" and not row[self._path].endswith("/"):
                found.setdefault(row[role], set()).add(row[self._path])
        return found

    @cached_property
    def _paths(self) -> list[str]:
        effect = self._reading.column("eft") or 0
        named = {row[self._path] for _, row in self._reading.rules() if row[effect] != "deny"}
        return in_order(named.union(paced(route.obj for route in self._routes)))

    def only_below(self, text: str) -> bool:
        """Whether rules that allow, or endpoints, lie below a path, and none is that path."""
        at = bisect_left(self._paths, text)
        return at < len(self._paths) and self._paths[at] != text and self._paths[at].startswith(text)

    def pattern_of_all(self, text: str) -> str:
        """How all that lies below a path is written; "" where the path itself says so, or nothing does."""
        if text not in self._patterns:
            wider = (text + end for end in _EVERY if self.meets_below(text, text + end))
            self._patterns[text] = "" if self.meets_below(text, text) else next(wider, "")
        return self._patterns[text]

    def meets_below(self, text: str, pattern: str) -> bool:
        """Whether a pattern meets what lies below a path, at any depth."""
        return any(
            all(_meets(function, text + below, pattern) for below in _BELOW) for function in self._functions
        )


def _meets(function: str, value: str, pattern: str) -> bool:
    try:
        return bool(MATCHING[function].call(value, pattern))
    except (re.error, ValueError):
        return False
