"""A question about rules for one value of a path where an endpoint takes any: `/orders/42` under `/orders/{id}`."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from rbac.errors import Problem
from rbac.linting.reading.subject import Reading
from rbac.linting.words.http_columns import HttpColumns
from rbac.routes import Route

# Plain letters, and those that mean nothing to a function that compares paths; a `:` means something to some.
_LETTER: Final = r"[^/\\.*+?()\[\]{{}}|^$<>\s{more}]|\\?\."
_ONE_PATH: Final = re.compile(rf"(?:/(?:{_LETTER.format(more='')})+)+")
_WITHOUT_COLON: Final = re.compile(rf"(?:/(?:{_LETTER.format(more=':')})+)+")
# An expression of one character, as a whole segment: `[0-9]` meets `/orders/7` and not `/orders/42`.
_ONE_CHARACTER: Final = re.compile(r"\[\^?(?:\\.|[^\]\\])+\]|\\[dw]")
_SAMPLES: Final = "7a_A-"
_OF_ANY_LENGTH: Final = re.compile(r":path\}|\*$")


def check_single_values(reading: Reading, routes: Sequence[Route]) -> Iterator[Problem]:
    """A problem for each rule whose path is one that an endpoint has only by its placeholder."""
    column = HttpColumns(reading).path
    if column is None:
        return
    colons = any(function.dialect == ":id" for function in column.functions)
    known = _Templates(routes, _WITHOUT_COLON if colons else _ONE_PATH)
    told: dict[str, Route | None] = {}
    for line, row in reading.rules():
        path = row[column.column]
        if path not in told:
            told[path] = known.template(path)
        route = told[path]
        if route is not None:
            yield reading.in_rule(line, column.column, "single-value", *_question(path, route))


def _question(path: str, route: Route) -> tuple[str, str]:
    """What to say of a path that has less than the endpoint takes, and of what to write."""
    pairs = [*zip(path.split("/"), route.obj.split("/"), strict=True)]
    short = next((one for one, other in pairs if "{" in other and _ONE_CHARACTER.fullmatch(one)), "")
    if short:
        message = (
            f"`{short}` is one character alone, where the endpoint `{route.obj}` takes a value of any length"
        )
        return message, f"write `{path.replace(short, short + '+')}`, or `{route.obj}` for any value"
    value = next(one for one, other in pairs if one != other)
    message = f"this is about one value alone, `{value}`, where the endpoint `{route.obj}` takes any"
    return message, f"only this one? Else write `{route.obj}`"


class _Templates:
    """The known endpoints that have placeholders, by how many segments they have and how they begin."""

    def __init__(self, routes: Sequence[Route], one_path: re.Pattern[str]) -> None:
        self._one_path = one_path
        self._spelled = {route.obj for route in routes if route.literal}
        self._by_start: dict[tuple[int, str], list[Route]] = {}
        for route in routes:
            if not route.literal and not _OF_ANY_LENGTH.search(route.obj):
                parts = route.obj.split("/")
                start = "" if "{" in parts[1] else parts[1]
                self._by_start.setdefault((len(parts), start), []).append(route)

    def template(self, pattern: str) -> Route | None:
        """The endpoint that the one path of ``pattern`` is for, if only by a placeholder."""
        path = "/".join(map(_sample, pattern.split("/")))
        if not self._one_path.fullmatch(path):
            return None
        path = path.replace("\\.", ".")
        if path in self._spelled:
            return None
        parts = path.split("/")
        near = (*self._by_start.get((len(parts), parts[1]), ()), *self._by_start.get((len(parts), ""), ()))
        return next((route for route in near if route.matches(path)), None)


def _sample(segment: str) -> str:
    """A value that an expression of one character meets; another segment as it is."""
    if not _ONE_CHARACTER.fullmatch(segment):
        return segment
    return next((one for one in _SAMPLES if re.fullmatch(segment, one)), segment)
