"""The one table of Casbin's functions says what Casbin itself does."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from casbin.model.function import FunctionMap
from casbin.util import builtin_operators
from hypothesis import given, settings
from hypothesis import strategies as st

from rbac.model.functions import (
    BY_ANY_NAME,
    FALLIBLE,
    FUNCTIONS,
    MATCHING,
    PATH_FUNCTIONS,
    PLACEHOLDERS,
    CasbinFunction,
)

patterns = st.text("ab/:{}*.\n(", max_size=8)
values = st.text("ab/:{}.?\n", max_size=6)
lines = st.text(st.characters(exclude_characters="\n"), max_size=8)


def answer(name: str, value: str, pattern: str) -> Any:
    try:
        return FUNCTIONS[name].call(value, pattern)
    except Exception as error:  # noqa: BLE001 - keyMatch4 raises a bare Exception
        return type(error)


def test_every_function_that_a_matcher_may_call_is_in_the_table() -> None:
    """What Casbin registers is there under the same name and is the very same function."""
    registered = FunctionMap.load_function_map().get_functions()
    assert {name: row.call for name, row in FUNCTIONS.items() if row.registered} == registered


def test_every_function_of_the_families_is_in_the_table_under_both_of_its_names() -> None:
    """Casbin's module has no other `key_…` or `…_match` function than the table's."""
    written = {
        name
        for name in vars(builtin_operators)
        if re.fullmatch(r"key_(?:match|get)\d?|(?:regex|glob|ip)_match", name)
    }
    assert written == {row.snake_name for row in FUNCTIONS.values() if row.kind != "time"}
    assert all(BY_ANY_NAME[row.snake_name] is BY_ANY_NAME[row.name] is row for row in FUNCTIONS.values())


@pytest.mark.parametrize("name", [name for name, row in MATCHING.items() if row.has_expression])
@settings(max_examples=300, deadline=None)
@given(pattern=patterns, value=values)
def test_the_expression_is_the_one_that_casbin_tries(name: str, pattern: str, value: str) -> None:
    """Matching the table's expression is what Casbin's function answers, `keyMatch4` by its names' values besides."""
    given_value = value.split("?", 1)[0] if name == "keyMatch5" else value
    try:
        met: Any = re.match(FUNCTIONS[name].expression(pattern), given_value) is not None
    except re.error as error:
        met = type(error)
    said = answer(name, value, pattern)
    assert said == met or (name == "keyMatch4" and met is True)


@pytest.mark.parametrize("name", [name for name, row in FUNCTIONS.items() if not row.has_expression])
def test_a_function_without_an_expression_says_so(name: str) -> None:
    """Where Casbin makes no regular expression, none is made up."""
    with pytest.raises(ValueError, match=name):
        FUNCTIONS[name].expression("/a")


@pytest.mark.parametrize("name", MATCHING)
@settings(max_examples=100, deadline=None)
@given(pattern=patterns, value=values)
def test_only_the_fallible_functions_raise(name: str, pattern: str, value: str) -> None:
    """A pattern that raises is one of a function that the table calls fallible."""
    if name != "ipMatch":  # which raises over the value, whatever the pattern
        assert isinstance(answer(name, value, pattern), bool) or name in FALLIBLE


@pytest.mark.parametrize("name", MATCHING)
@settings(max_examples=100, deadline=None)
@given(value=lines)
def test_what_stands_for_everything_meets_everything(name: str, value: str) -> None:
    """`everything` meets every value in one line, `every_path` every one that begins with a slash."""
    row = MATCHING[name]
    asked = value.replace("?", "x")
    assert all(row.call(asked, pattern) for pattern in row.everything)
    assert all(row.call(f"/{asked}", pattern) for pattern in row.every_path)


@pytest.mark.parametrize("name", PATH_FUNCTIONS)
def test_a_placeholder_is_any_one_segment_and_the_other_dialect_is_not(name: str) -> None:
    """What the table writes as a placeholder is one to Casbin, and no other spelling is."""
    row = PATH_FUNCTIONS[name]
    for dialect, variable in PLACEHOLDERS.items():
        segment = dialect.replace("id", "x")
        assert variable.fullmatch(segment)
        assert (answer(name, "/any", f"/{segment}") is True) == (dialect == row.dialect)
    assert row.placeholder("x") == row.dialect.replace("id", "x")


@pytest.mark.parametrize("name", PATH_FUNCTIONS)
@settings(max_examples=200, deadline=None)
@given(pattern=patterns, value=values)
def test_a_plain_pattern_meets_nothing_but_itself(name: str, pattern: str, value: str) -> None:
    """`plain` patterns are met by their own text alone, but for a line break at its end."""
    if PATH_FUNCTIONS[name].plain.fullmatch(pattern):
        asked = value.replace("?", "x")
        assert answer(name, asked, pattern) == (
            asked in {pattern, f"{pattern}\n"} and _same(name, asked, pattern)
        )
        assert answer(name, pattern, pattern) is True


def _same(name: str, value: str, pattern: str) -> bool:
    return name != "keyMatch" or value == pattern


@settings(max_examples=500, deadline=None)
@given(pattern=patterns, value=values)
def test_what_the_table_says_of_stars_queries_and_groups_is_what_casbin_does(
    pattern: str, value: str
) -> None:
    """A pattern that ends at its star is a beginning, a query is cut off, and groups of its own raise where they meet."""
    for name, row in PATH_FUNCTIONS.items():
        said = answer(name, value, pattern)
        assert said == answer(name, row.compared(value), pattern)
        if row.ends_at_star:
            text, goes_on = row.start(pattern)
            assert said == (value.startswith(text) if goes_on else value == text)
        elif said is Exception:
            assert row.has_own_groups(pattern)
            assert re.match(row.expression(pattern), value)
        elif said is not re.error and row.has_own_groups(pattern):
            assert said is False


def test_only_the_functions_that_the_table_names_have_these_ways() -> None:
    """Each way is told by one question that Casbin answers otherwise for every other function of the family."""
    ways: dict[str, Callable[[CasbinFunction], object]] = {
        "ends_at_star": lambda row: row.call("/a/b", "/a*c"),
        "cuts_query": lambda row: row.call("/a?b", "/a"),
        "same_names": lambda row: row.dialect == "{id}" and not row.call("/a/b", "/{x}/{x}"),
    }
    for way, asked in ways.items():
        assert {name for name, row in PATH_FUNCTIONS.items() if getattr(row, way)} == {
            name for name, row in PATH_FUNCTIONS.items() if asked(row)
        }
