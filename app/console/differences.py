"""Whose access differs between two documents, and what of a document is to be told, as JSON."""

from collections.abc import Iterable
from typing import Any

from app.console.answers import MOST_TOLD
from rbac.diff import sentences, views
from rbac.diff.diff import diff
from rbac.diff.overview import overview
from rbac.diff.shown import shown
from rbac.errors import Problem, RequestError
from rbac.policy import Policy
from rbac.routes import KnownRoutes


def told_problems(problems: Iterable[Problem]) -> dict[str, Any]:
    """Problems as ``rbac check --format json`` shows each, and how many of each kind there are."""
    found = sorted(problems)
    errors = sum(problem.severity == "error" for problem in found)
    told = [problem.to_json() for problem in found[:MOST_TOLD]]
    return {"problems": told, "errors": errors, "warnings": len(found) - errors}


def difference(before: Policy, after: Policy, routes: KnownRoutes) -> dict[str, Any]:
    """The difference as ``rbac diff --format json`` shows it, and ``entries``, the dangerous ones first, in words and in the
    ``parts`` of these.

    Long lists are cut short; ``totals`` has their length.
    """
    people = after.subjects_look_like
    try:
        exact = diff(before, after, routes, subjects=people)
    except RequestError as error:
        return {"summary": "", "complete": False, "notes": [str(error)], "entries": [], "totals": {}}
    found = shown(exact, before, after, routes)
    seen = overview(before, after, found, routes, subjects=people)
    whole = views.to_json(found, seen)
    entries = views.entries((*found.cells, *found.people))
    told = [
        {
            "granted": one.granted,
            "danger": one.danger,
            "callers": list(one.callers[:MOST_TOLD]),
            "endpoints": [
                {"label": change.endpoint.label, "example": sentences.example(change)}
                for change in one.endpoints[:MOST_TOLD]
            ],
            "why": list(one.why[:MOST_TOLD]),
            "parts": one.parts(MOST_TOLD),
        }
        for one in entries[:MOST_TOLD]
    ]
    lists = {name: value for name, value in whole.items() if isinstance(value, list)}
    return {
        **whole,
        **{name: value[:MOST_TOLD] for name, value in lists.items()},
        "entries": told,
        "totals": {**{name: len(value) for name, value in lists.items()}, "entries": len(entries)},
    }
