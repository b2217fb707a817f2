"""Endpoints that no rule names and a wildcard opens: a new one comes under an old wildcard unseen."""

from collections.abc import Iterator, Sequence

from rbac.errors import Problem
from rbac.linting.reading.subject import Reading
from rbac.linting.routes.in_routes import KnownPaths, asks
from rbac.routes import Route
from rbac.text.wording import listed

_SHOWN = 5  # endpoints that a message names

Opened = dict[Route, tuple[int, str] | None]
"""Each endpoint that a rule opens, with line and pattern of the first wildcard; none if a rule names it."""


def check_new_routes(reading: Reading, routes: Sequence[Route]) -> Iterator[Problem]:
    """A warning at each wildcard through which alone some of ``routes`` are open."""
    path = reading.path_column
    if path is None:
        return
    by_wildcard: dict[tuple[int, str], list[str]] = {}
    for route, place in _opened(reading, path, routes).items():
        if place is not None:
            by_wildcard.setdefault(place, []).append(f"{route.act} {route.obj}")
    for (line, pattern), endpoints in by_wildcard.items():
        more = len(endpoints) - _SHOWN
        some = listed(endpoints[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
        message = f"only the wildcard `{pattern}` opens {some}"
        hint = "if that is meant, name them in a rule or a policy test; `rbac who-can` says who reaches them"
        yield reading.in_rule(line, path, "only-by-wildcard", message, hint)


def _opened(reading: Reading, path: int, routes: Sequence[Route]) -> Opened:
    method, effect = reading.method_column, reading.column("eft")
    known = KnownPaths(routes, reading.functions.get(path, ()))
    methods = reading.functions.get(method, ()) if method is not None else ()
    met: dict[str, list[Route]] = {}
    found: Opened = {}
    for line, row in reading.rules():
        if effect is not None and row[effect] == "deny":
            continue
        pattern = row[path]
        if pattern not in met:
            met[pattern] = known.met(pattern)
        for route in met[pattern]:
            if method is not None and not asks(row[method], frozenset([route.act]), methods):
                continue
            if "*" not in pattern:
                found[route] = None
            else:
                found.setdefault(route, (line, pattern))
    return found
