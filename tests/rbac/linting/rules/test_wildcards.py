"""A pattern that names no path is told however it is written, and left alone where the endpoint is such a one itself."""

from itertools import product

import pytest

from rbac.document.document import Document
from rbac.linting.lint import lint
from rbac.model.functions import MATCHING
from rbac.routes import Route
from tests.support.documents import MODEL

SEGMENTS = {
    "keyMatch2": (":any", "*", "orders"),
    "keyMatch3": ("{any}", "{other}", "[^/]+", "[^/]*", ".+", "*", ".*", "orders", "x{id}"),
    "keyMatch4": ("{any}", "[^/]+", "orders"),
    "keyMatch5": ("{any}", "[^/]+", "*", "orders"),
    "keyMatch": ("*", "orders"),
    "globMatch": ("*", "orders"),
}
ASKED = ("/gqxv", "/gqxv/kpzt", "/gqxv/kpzt/9")


def told(pattern: str, function: str = "keyMatch3", routes: tuple[Route, ...] = ()) -> bool:
    document = Document.parse(
        MODEL.replace(b"keyMatch3", function.encode()), f"p, user, {pattern}, GET, allow\n".encode()
    )
    return "wildcard-for-role" in {problem.code for problem in lint(document, routes or None)}


@pytest.mark.parametrize("function", SEGMENTS)
def test_a_pattern_is_told_exactly_if_it_meets_paths_that_nobody_named(function: str) -> None:
    """Also of one segment or two, by a placeholder, an expression or a star."""
    seen = set()
    for length in (1, 2, 3):
        for parts in product(SEGMENTS[function], repeat=length):
            pattern = "/" + "/".join(parts)
            met = any(MATCHING[function].call(path, pattern) for path in ASKED)
            seen.add(met)
            assert told(pattern, function) is met, pattern
    assert seen == {True, False}


@pytest.mark.parametrize("pattern", ["/{code}", "/{any}", "/[^/]+"])
def test_an_endpoint_that_answers_any_segment_may_be_opened_as_long_as_no_other_is_met(pattern: str) -> None:
    short = Route("GET", "/{code}")
    assert told(pattern)
    assert not told(pattern, routes=(short, Route("GET", "/admin/users"), Route("POST", "/admin")))
    assert told(pattern, routes=(short, Route("GET", "/admin")))
    assert told(pattern, routes=(Route("GET", "/admin"),))
