"""A pattern covers another only where stock Casbin's own functions agree on every path."""

import itertools
import re
from collections.abc import Callable

import pytest
from casbin.util import builtin_operators as casbin_functions

from rbac.linting.rules.covering import Cover

FUNCTIONS: dict[str, Callable[[str, str], bool]] = {
    "keyMatch": casbin_functions.key_match,
    "keyMatch2": casbin_functions.key_match2,
    "keyMatch3": casbin_functions.key_match3,
    "keyMatch4": casbin_functions.key_match4,
    "keyMatch5": casbin_functions.key_match5,
    "regexMatch": casbin_functions.regex_match,
}
SEGMENTS = ["a", "b", "", "{id}", "{x}", ":id", "*", "a.b", "a\\\\.b", "a{id}", "a*"]
PATTERNS = ["/" + "/".join(pieces) for n in (1, 2, 3) for pieces in itertools.product(SEGMENTS, repeat=n)]
VALUES = [
    "/" + "/".join(pieces)
    for n in (1, 2, 3)
    for pieces in itertools.product(["a", "b", "", "q", "a.b", "axb"], repeat=n)
]


def covers(function: str, wide: str, narrow: str) -> bool:
    cover = Cover(function)
    cover.add(wide, 1)
    return any(True for _ in cover.find(narrow))


@pytest.mark.parametrize(
    ("function", "wide", "narrow", "expected"),
    [
        ("keyMatch3", "/a/*", "/a/{id}", True),
        ("keyMatch3", "/a/*", "/a", False),
        ("keyMatch3", "/a/{id}", "/a/b", True),
        ("keyMatch3", "/a/{id}", "/a/{name}", True),
        ("keyMatch3", "/a/{id}", "/a/b/c", False),
        ("keyMatch3", "/a/{id}", "/a/", False),
        ("keyMatch3", "/a/{id}", "/a/b.c", False),
        ("keyMatch3", "/a/{id}", "/a/b\\.c", True),
        ("keyMatch3", "/a/:id", "/a/b", False),
        ("keyMatch2", "/a/:id", "/a/b", True),
        ("keyMatch4", "/{x}/{x}", "/a/b", False),
        ("keyMatch", "/a*", "/a/b", True),
        ("keyMatch", "/a/*", "/a*", False),
        ("regexMatch", "a.*", "ab", True),
        ("regexMatch", "ab", "a.*", False),
        ("keyMatch3", "/a/b*", "/a/b", True),
        ("keyMatch3", "/a/b", "/a/b*", False),
    ],
)
def test_what_covers_what(function: str, wide: str, narrow: str, expected: bool) -> None:
    assert covers(function, wide, narrow) is expected


@pytest.mark.parametrize("function", ["keyMatch", "keyMatch2", "keyMatch3", "keyMatch4", "keyMatch5"])
def test_what_a_covered_pattern_meets_the_covering_one_meets_too(function: str) -> None:
    match = FUNCTIONS[function]
    valid = []
    for pattern in PATTERNS[::29]:
        try:
            valid.append((pattern, {value for value in VALUES if match(value, pattern)}))
        except re.error:
            continue
    pairs = [(a, b) for a in valid for b in valid if a is not b and covers(function, a[0], b[0])]
    assert pairs
    for (wide, wide_met), (narrow, narrow_met) in pairs:
        assert narrow_met <= wide_met, (wide, narrow)
