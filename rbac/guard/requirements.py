"""What endpoints say they need, read off an application's routes by shape: no framework is imported for it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from rbac.model.request_shape import OBJECTS, RequestShape


@dataclass(frozen=True)
class Requirement:
    """What an endpoint needs the policy to allow, in the model's own words.

    An ``obj`` that is "" is not given, unless nothing else fills the model's word for it. What the word is for must be
    plain from its name: "" for an ``owner`` would be nobody's thing, and a caller without a token is nobody.
    """

    act: str
    obj: str = ""
    words: tuple[tuple[str, str], ...] = ()

    def given(self, shape: RequestShape, unfilled: frozenset[str]) -> dict[str, str]:
        """The words as the model calls them, whatever its words for the object and the action are."""
        given = dict(self.words) | {shape.act or "act": self.act}
        obj = shape.obj if shape.obj in OBJECTS else "obj"
        if self.obj or (obj in unfilled and obj not in given):
            given[obj] = self.obj
        return given


class AsksItself:
    """The mark of a dependency by which an endpoint asks for itself."""


@dataclass(frozen=True, slots=True)
class GuardedEndpoint:
    """One route: how people call it, and what it says of itself. ``asks``: it asks in its own code."""

    name: str
    requirements: tuple[Requirement, ...]
    asks: bool = False


def endpoints_of(application: object) -> Iterator[GuardedEndpoint]:
    """The endpoints of a FastAPI application, also those of included routers; a mounted one is one of them.

    The pages that describe the application (``/docs``, ``/openapi.json``) are none: they show no more than its code.
    """
    yield from _endpoints(application, "")


def _endpoints(application: Any, prefix: str) -> Iterator[GuardedEndpoint]:
    pages = {getattr(application, name, None) for name in _PAGES}
    for route in _flat(getattr(application, "routes", ())):
        dependant = getattr(route, "dependant", None)
        path = getattr(route, "path", "")
        inner = getattr(route, "app", None)
        mounted = dependant is None and not hasattr(route, "endpoint")
        if (dependant is None and path in pages) or (mounted and _stands_behind_its_own(inner)):
            continue
        if mounted and getattr(inner, "routes", None):
            yield from _endpoints(inner, prefix + path)
            continue
        calls = list(_calls(dependant))
        method = "*" if mounted else min(getattr(route, "methods", None) or ("GET",))
        yield GuardedEndpoint(
            f"{method} {prefix}{path}",
            tuple(call for call in calls if isinstance(call, Requirement)),
            any(isinstance(call, AsksItself) for call in calls),
        )


def _stands_behind_its_own(application: object) -> bool:
    """Whether a mounted application has a guard of its own, in or around it."""
    if isinstance(application, BehindItsOwn):
        return True
    layers = getattr(application, "user_middleware", ())
    return any(isinstance(getattr(layer.cls, "__self__", None), BehindItsOwn) for layer in layers)


class BehindItsOwn:
    """The mark of a guard, and of what stands behind one."""


_PAGES = ("openapi_url", "docs_url", "redoc_url", "swagger_ui_oauth2_redirect_url")


def _flat(routes: Iterable[Any]) -> Iterator[Any]:
    for route in routes:
        included = getattr(route, "effective_route_contexts", None)
        if callable(included):  # a router that FastAPI includes as one route
            yield from (context.starlette_route or context for context in included())
        else:
            yield route


def _calls(dependant: Any) -> Iterator[object]:
    if dependant is not None:
        yield dependant.call
        for dependency in dependant.dependencies:
            yield from _calls(dependency)
