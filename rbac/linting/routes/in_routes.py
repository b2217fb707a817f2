"""Warnings about rules that meet no known endpoint: a path or a method that was mistyped, or has gone."""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

from rbac.errors import Problem
from rbac.linting.reading.subject import Reading
from rbac.linting.rules.covering import Cover, segments
from rbac.model.functions import MATCHING
from rbac.routes import Route
from rbac.text.likeness import FAR, path_distance
from rbac.text.wording import quoted

_BRACES = re.compile(r"\{[^{}/]*\}")
_MOST_GUESSES = 50_000  # routes that are looked at, for all rules together, for the one that was meant


def check_routes(reading: Reading, routes: Sequence[Route]) -> Iterator[Problem]:
    """A warning for each rule whose path, or whose method on that path, none of ``routes`` has.

    A route that no rule reaches is no problem: what no rule opens is closed, and is meant to be.
    """
    path, method = reading.path_column, reading.method_column
    if path is None:
        return
    known = KnownPaths(routes, reading.functions.get(path, ()))
    methods = reading.functions.get(method, ()) if method is not None else ()
    met: dict[str, frozenset[str]] = {}
    for line, row in reading.rules():
        pattern = row[path]
        if pattern not in met:
            met[pattern] = known.acts(pattern)
        if not met[pattern]:
            message = f"no known endpoint has a path like `{pattern}`"
            meant = known.nearest(pattern)
            hint = f"did you mean `{meant}`? `rbac routes` lists what is known" if meant else _CORRECT
            yield reading.in_rule(line, path, "rule-without-route", message, hint)
        elif method is not None and not asks(row[method], met[pattern], methods):
            answered = quoted(sorted(met[pattern]))
            message = f"no known endpoint under `{pattern}` answers `{row[method]}`"
            hint = f"the methods known there are {answered}"
            yield reading.in_rule(line, method, "rule-without-route", message, hint)


_CORRECT = "correct the path, or delete the rule; `rbac routes` lists what is known"


class KnownPaths:
    """The known routes, asked which of them a pattern meets."""

    def __init__(self, routes: Sequence[Route], functions: Sequence[str]) -> None:
        self._functions = functions
        self._guesses = _MOST_GUESSES
        self._routes = [(route, route.sample()) for route in routes]
        self._by_path: dict[str, set[str]] = {}
        for route, sample in self._routes:
            for path in (route.obj, sample):
                self._by_path.setdefault(path, set()).add(route.act)
        self._by_start: dict[str, list[tuple[Route, str]]] = {}
        for route, sample in self._routes:
            self._by_start.setdefault(_start(route.obj), []).append((route, sample))

    def met(self, pattern: str) -> list[Route]:
        """The routes that ``pattern`` meets."""
        meets = [_matcher(function, pattern) for function in self._functions]
        return [
            route
            for route, sample in self._near(pattern)
            if pattern in ("*", route.obj) or any(meet(sample) or meet(route.obj) for meet in meets)
        ]

    def acts(self, pattern: str) -> frozenset[str]:
        """The methods of the routes that ``pattern`` meets."""
        found = set(self._by_path.get(pattern, ()))
        if pattern == "*":
            found.update(route.act for route, _ in self._routes)
        meets = [_matcher(function, pattern) for function in self._functions]
        for route, sample in self._near(pattern):
            if route.act not in found and (
                any(meet(sample) or meet(route.obj) for meet in meets) or route.matches(pattern)
            ):
                found.add(route.act)
        return frozenset(found)

    def nearest(self, pattern: str) -> str:
        """The path of a known route that ``pattern`` was meant to be, if any is: the same but for case and slashes, or
        behind a prefix, else the one that is most like it."""
        same = self._by_letters.get(_letters(pattern)) or self._behind_a_prefix(pattern)
        if same:
            return same
        self._guesses -= len(self._routes)
        if self._guesses < 0:
            return ""
        far = {route.obj: path_distance(pattern, route.obj) for route, _ in self._routes}
        best = min(far, key=lambda path: far[path], default="")
        return best if far and far[best] < FAR else ""

    @cached_property
    def _by_letters(self) -> dict[str, str]:
        """The paths by their letters, without case and slashes."""
        return {_letters(route.obj): route.obj for route, _ in reversed(self._routes) if _letters(route.obj)}

    def _behind_a_prefix(self, pattern: str) -> str:
        """The longest path of several letters that a pattern ends with: `/api/orders` where `/orders` is known."""
        starts = (at for at, letter in enumerate(pattern) if letter == "/" and at)
        return next(
            (pattern[at:] for at in starts if len(pattern) > at + 1 and pattern[at:] in self._by_path), ""
        )

    def _near(self, pattern: str) -> Sequence[tuple[Route, str]]:
        """The routes worth a closer look: where the first segments are words, only those with the same one."""
        if not all(segments(function, pattern) for function in self._functions):
            return self._routes
        start = _start(pattern)
        return self._routes if not start else [*self._by_start.get(start, ()), *self._by_start.get("", ())]


def _letters(path: str) -> str:
    return _BRACES.sub("{}", path).replace("/", "").casefold()


def _start(path: str) -> str:
    """The first segment of a path if it is a plain word, else ``""``."""
    start = path.lstrip("/").partition("/")[0]
    return start if re.fullmatch(r"[\w.~%@=&;-]+", start) else ""


def _matcher(function: str, pattern: str) -> Callable[[str], bool]:
    """The question whether a word meets ``pattern``, by its segments where these tell its meaning."""
    if "." not in pattern and segments(function, pattern) is not None:
        cover = Cover(function)
        cover.add(pattern, 0)
        return lambda value: any(True for _ in cover.find(value))
    return lambda value: _asked(function, value, pattern)


def _asked(function: str, value: str, pattern: str) -> bool:
    try:
        return bool(MATCHING[function].call(value, pattern))
    except ValueError:  # an address where the route has a path: it meets nothing
        return False


def asks(word: str, acts: frozenset[str], functions: Sequence[str]) -> bool:
    return (
        word in acts
        or word == "*"
        or any(_matcher(function, word)(act) for function in functions for act in acts)
    )
