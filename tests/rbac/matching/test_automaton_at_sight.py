"""What is called a regular language at sight is one, and what policies are written with is."""

import re
from random import Random

import pytest

from rbac.matching.automaton import regular_at_sight
from rbac.matching.linear import backtracks
from rbac.matching.scanner import Scanner
from rbac.model.functions import FALLIBLE

PIECES = (
    "a", "b", "é", "/", ".", "*", "+", "?", "(", ")", "|", "[ab]", "[^/]", r"[^\/]+", r"\.", r"\d", r"[\w-]", r"\w", "(?:",
    "(?=", "(?!", "(?i)", "^", "$", r"\1", r"\b", "{2}", "{201}", "{id}", "[^]]", "?+", "*+", r"\A", "\n", "[", "]", "-",
    "{", "(?P<n>", " ", "#",
)  # fmt: skip


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_is_regular_at_sight_is_scanned_or_does_not_compile() -> None:
    pick, seen, told = Random(9), 0, 0
    for _ in range(10_000):
        expression = "".join(pick.choices(PIECES, k=pick.randrange(1, 9)))
        try:
            re.compile(expression)
        except re.error:
            continue
        seen += 1
        if regular_at_sight(expression):
            told += 1
            Scanner(expression)
            assert not backtracks(expression)
    assert seen > 1_500
    assert told > 300


@pytest.mark.parametrize(
    ("function", "pattern"),
    [
        ("keyMatch2", "/tenants/:tenant/orders/:id"),
        ("keyMatch3", "/tenants/{tenant}/orders/{id}"),
        ("keyMatch3", "/shops/*/products/*/thumb"),
        ("keyMatch4", "/tenants/{tenant}/orders/{id}"),
        ("keyMatch5", "/tenants/{tenant}/orders/{id}"),
        ("regexMatch", r"^/a/[a-z0-9_-]+/(x|y)*/\d+$"),
        ("regexMatch", r"^\/a\/[^\/]+\/(?:b|c)+$"),
    ],
)
def test_everyday_patterns_are_regular_at_sight(function: str, pattern: str) -> None:
    assert regular_at_sight(FALLIBLE[function].expression(pattern))
