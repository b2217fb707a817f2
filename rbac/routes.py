"""The endpoints that are known: of a FastAPI application, of a ``routes.json``, or none.

A route is shown as its template (``/users/{id}``) and asked about as a concrete path (``/users/1``).
"""

import json
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Final

from rbac.errors import RbacError
from rbac.model.imported import REFERENCE, NotImportedError, imported

BESIDE: Final = "routes.json"

# Starlette's path parameters: `{name}` or `{name:converter}`.
_PARAMETER: Final = re.compile(r"\{([a-zA-Z_][a-zA-Z0-9_]*)(?::([a-zA-Z_][a-zA-Z0-9_]*))?\}")
# OpenAPI's may hold other characters: `{comment-id}`, and `{+path}` in RFC 6570.
_LOOSE_PARAMETER: Final = re.compile(r"\{[^{}/]+\}")
_SEGMENT: Final = r"[^/]+"
_CONVERTERS: Final = {
    "str": _SEGMENT,
    "path": r".*",
    "int": r"[0-9]+",
    "float": r"[0-9]+(?:\.[0-9]+)?",
    "uuid": r"[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}",
}
_REST: Final = "*"
_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


class RoutesError(RbacError):
    """The known routes could not be read: no such application, or a file of another shape."""

    code: ClassVar[str] = "routes_unreadable"


@dataclass(frozen=True, order=True)
class Route:
    """One endpoint: the action a request for it asks with, its path template, and its name.

    In ``obj``, ``{id}`` stands for one segment, ``{rest:path}`` and a ``*`` at the end for anything.
    """

    act: str
    obj: str
    name: str = ""

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """What a path must look like for this route to answer it; use with :meth:`re.Pattern.fullmatch`."""
        pieces = [
            re.escape(piece) if literal else _CONVERTERS.get(kind, _SEGMENT)
            for literal, piece, kind in _pieces(self.obj)
        ]
        return re.compile("".join(pieces), re.DOTALL)

    @property
    def literal(self) -> bool:
        """Whether the route answers one path only."""
        return all(literal for literal, _, _ in _pieces(self.obj))

    def matches(self, path: str) -> bool:
        """Whether a request for ``path`` is one for this route (the method aside)."""
        return self.pattern.fullmatch(path) is not None

    def sample(self, avoid: Collection[str] = ()) -> str:
        """A concrete path for this route, with no segment in ``avoid``.

        ``avoid`` holds the literal segments that a policy names, so that the sample stands for the route as a
        whole and not for the one path a rule singles out.
        """
        taken = frozenset(avoid)
        path = ""
        number = 0
        for literal, piece, kind in _pieces(self.obj):
            if literal:
                path += piece
                continue
            number += 1
            value = _value(kind, number)
            while value in taken:
                number += 1
                value = _value(kind, number)
            path += value
        return path


def _value(kind: str, number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}" if kind == "uuid" else str(number)


def _pieces(template: str) -> Iterable[tuple[bool, str, str]]:
    """The template cut into (literal?, text, converter)."""
    rest = template.endswith("/*") and len(template) > 1
    body = template[:-1] if rest else template
    end = 0
    for match in _LOOSE_PARAMETER.finditer(body):
        if match.start() > end:
            yield True, body[end : match.start()], ""
        exact = _PARAMETER.fullmatch(match.group())
        yield False, match.group(), (exact.group(2) if exact else None) or "str"
        end = match.end()
    if end < len(body):
        yield True, body[end:], ""
    if rest:
        yield False, _REST, "path"


def plain_segments(template: str) -> tuple[list[str | None], str | None] | None:
    """The segments of a route's template, ``None`` for any that is not empty, and ``""`` where anything may follow them;
    ``None`` for a template that asks for something else."""
    *texts, last = template.split("/")
    rest = last == _REST and len(texts) > 0
    segments: list[str | None] = []
    for text in texts if rest else (*texts, last):
        exact = _PARAMETER.fullmatch(text)
        kind = (exact.group(2) if exact else None) or "str"
        if not _LOOSE_PARAMETER.search(text):
            segments.append(text)
        elif _LOOSE_PARAMETER.fullmatch(text) and _CONVERTERS.get(kind, _SEGMENT) == _SEGMENT:
            segments.append(None)
        else:
            return None
    return segments, "" if rest else None


@dataclass(frozen=True)
class KnownRoutes(Sequence[Route]):
    """The routes in order of path and method, each once. Empty: nothing is known, so nothing is checked."""

    routes: tuple[Route, ...] = ()
    source: str = "none"
    _literal: frozenset[str] = field(init=False, repr=False, compare=False, default=frozenset())

    def __post_init__(self) -> None:
        ordered = sorted({(route.obj, route.act): route for route in reversed(self.routes)}.items())
        object.__setattr__(self, "routes", tuple(route for _, route in ordered))
        object.__setattr__(self, "_literal", frozenset(route.obj for route in self.routes if route.literal))

    def __len__(self) -> int:
        return len(self.routes)

    def __getitem__(self, index: Any) -> Any:
        return self.routes[index]

    @property
    def served(self) -> bool:
        """Whether they are those of an application that was named."""
        return REFERENCE.fullmatch(self.source) is not None

    def has_path(self, path: str) -> bool:
        """Whether some route answers ``path``, with whatever method. A template is its own path."""
        return path in self._literal or any(route.obj == path or route.matches(path) for route in self.routes)

    def matching(self, act: str, path: str) -> tuple[Route, ...]:
        """The routes that a request with this method and path could be for."""
        return tuple(
            route for route in self.routes if route.act == act and (route.obj == path or route.matches(path))
        )


NO_ROUTES: Final = KnownRoutes()


def load_routes(reference: str) -> KnownRoutes:
    """The routes that ``reference`` names: ``module:attribute``, a JSON file, `none`. Raises RoutesError."""
    if reference == "none":
        return NO_ROUTES
    if reference.endswith(".json") or Path(reference).is_file():
        return routes_of_file(Path(reference))
    return routes_of_app(import_application(reference), source=reference)


def routes_beside(policy: Path) -> KnownRoutes:
    """The routes of a ``routes.json`` beside the policy, else none. Nothing is imported that nobody named.

    Raises RoutesError for a file that cannot be read.
    """
    file = policy.parent / BESIDE
    return routes_of_file(file) if file.is_file() else NO_ROUTES


def routes_of_file(path: Path) -> KnownRoutes:
    """The routes of a JSON list of ``{act, obj}`` or ``{method, path}``, each perhaps with a ``name``."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RoutesError(f"`{path}`: {error.strerror or error}") from error
    return routes_of_json(content, path)


def routes_of_json(content: bytes, path: Path) -> KnownRoutes:
    """The same of what such a file holds; ``path`` is what it is called."""
    try:
        entries = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise RoutesError(f"`{path}` is not JSON: {error}") from error
    if not isinstance(entries, list):
        raise RoutesError(f"`{path}` must be a list of {{act, obj}} or {{method, path}}")
    return KnownRoutes(
        tuple(_entry(path, number, entry) for number, entry in enumerate(entries, 1)), str(path)
    )


def _entry(path: Path, number: int, entry: object) -> Route:
    where = f"`{path}`, entry {number}"
    if not isinstance(entry, dict):
        raise RoutesError(f"{where}: must be an object with act and obj, or method and path")
    for act, obj in (("act", "obj"), ("method", "path")):
        if act in entry and obj in entry:
            break
    else:
        raise RoutesError(f"{where}: needs act and obj, or method and path")
    name = entry.get("name") or entry.get("operationId") or ""
    values = (entry[act], entry[obj], name)
    if not all(isinstance(value, str) for value in values) or not entry[act] or not entry[obj]:
        raise RoutesError(f"{where}: {act} and {obj} must be strings that are not empty")
    return Route(*values)


def import_application(reference: str) -> object:
    """The application that ``module:attribute`` names, imported from the working directory as uvicorn would.

    What it prints meanwhile goes to stderr. Raises RoutesError, also for one that exits while it is imported.
    """
    if not REFERENCE.fullmatch(reference):
        raise RoutesError(f"`{reference}` is neither a file nor an application like `app.main:app`")
    try:
        return imported(reference)
    except NotImportedError as error:
        raise RoutesError(str(error)) from error


def routes_of_app(application: object, *, source: str = "application") -> KnownRoutes:
    """The routes of a FastAPI or Starlette application, mounted ones included. Raises RoutesError."""
    routes = getattr(application, "routes", None)
    if not isinstance(routes, Iterable):
        raise RoutesError(f"`{source}` is not a FastAPI application: it has no routes")
    return KnownRoutes(tuple(_walk(routes, "")), source)


def _walk(routes: Iterable[Any], prefix: str) -> Iterable[Route]:
    """Routes by shape, not by class: Starlette's Route, WebSocketRoute, Mount and Host, of any version."""
    for route in routes:
        included = getattr(route, "effective_route_contexts", None)
        if callable(included):  # a router that FastAPI includes as one route, with its prefix worked in
            yield from _walk((context.starlette_route or context for context in included()), prefix)
            continue
        path = prefix + (getattr(route, "path", "") or "")
        name = str(getattr(route, "name", "") or "")
        inner = getattr(route, "routes", None)
        if getattr(route, "endpoint", None) is not None:
            yield from (Route(act, path or "/", name) for act in _acts(route))
        elif inner:
            yield from _walk(inner, path)
        elif hasattr(route, "app"):
            yield Route("GET", path.rstrip("/") + "/*", name)


def _acts(route: Any) -> list[str]:
    """What requests for this route ask with. HEAD is decided as GET, and a WebSocket handshake is a GET."""
    methods = getattr(route, "methods", None)
    if not methods and isinstance(route.endpoint, type):
        methods = {method for method in _METHODS if hasattr(route.endpoint, method.lower())}
    return sorted({"GET" if method == "HEAD" else method for method in methods or ("GET",)})
