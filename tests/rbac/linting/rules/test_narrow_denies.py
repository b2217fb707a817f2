"""A lock-out that names one path alone is told with the pattern that locks out; what is meant as it stands is left alone."""

import pytest

from rbac.document.document import Document
from rbac.errors import Problem
from rbac.linting.lint import lint
from rbac.policy import Policy
from rbac.routes import Route
from tests.support.documents import MODEL

SUB = "7f3c1e52-1111-4222-8333-444455556666"
RULES = (
    "p, everyone, /, GET, allow\np, clerk, /api/orders, GET, allow\np, clerk, /api/orders/{id}, *, allow\n"
)
FUNCTIONS = ("keyMatch", "keyMatch2", "keyMatch3", "keyMatch4", "keyMatch5", "globMatch")


def told(
    line: str, function: str = "keyMatch3", routes: tuple[Route, ...] = (), rules: str = RULES
) -> list[Problem]:
    document = Document.parse(MODEL.replace(b"keyMatch3", function.encode()), f"{rules}{line}\n".encode())
    return [problem for problem in lint(document, routes or None) if problem.code == "narrow-deny"]


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(("name", "path"), [(SUB, "/"), ("suspended", "/"), (SUB, "/api/")])
def test_the_pattern_of_the_hint_takes_what_the_path_alone_does_not(
    function: str, name: str, path: str
) -> None:
    line = f"p, {name}, {path}, *, deny"
    (problem,) = told(line, function)
    meant = problem.hint.split("`")[1]
    everything = RULES + "p, everyone, /api/*, *, allow\n"
    model = MODEL.replace(b"keyMatch3", function.encode())
    for rule, allowed in ((line, True), (line.replace(f"{path},", f"{meant},"), False)):
        policy = Policy.parse(model, f"{everything}{rule}\n".encode())
        for obj in ("/api/orders", "/api/qz"):
            role = name if name != SUB else "user"
            assert policy.decide(sub=SUB, role=role, obj=obj, act="GET").allowed is allowed, (rule, obj)
    assert told(line.replace(f"{path},", f"{meant},"), function) == []


@pytest.mark.parametrize(
    "line",
    [
        f"p, {SUB}, /*, *, deny",
        f"p, {SUB}, /api/*, *, deny",
        f"p, {SUB}, /, GET, deny",
        f"p, {SUB}, /api/orders, *, deny",
        f"p, {SUB}, /nothing/, *, deny",
        "p, everyone, /, *, deny",
        "p, clerk, /api/, *, deny",
        f"p, {SUB}, /, *, allow",
        f"p, {SUB}, /, *, deny\np, {SUB}, /*, *, deny",
    ],
)
def test_what_may_be_meant_as_it_stands_is_left_alone(line: str) -> None:
    assert told(line) == []


def test_an_expression_that_meets_all_that_begins_with_a_slash_is_wide_enough() -> None:
    assert told(f"p, {SUB}, /, *, deny", "regexMatch") == []


def test_an_endpoint_that_ends_with_a_slash_is_one_to_lock_somebody_out_of() -> None:
    line = f"p, {SUB}, /wiki/, *, deny"
    assert told(line, routes=(Route("GET", "/wiki/"), Route("GET", "/wiki/a"))) == []
    assert len(told(line, routes=(Route("GET", "/wiki/a"),))) == 1
