"""Patterns as regular languages: what Casbin's functions match, and the classes of values that they tell
apart."""

import sys
from collections.abc import Callable

import pytest
from casbin.util import builtin_operators as casbin_functions
from hypothesis import given, settings
from hypothesis import strategies as st

from rbac.matching import charset
from rbac.matching.automaton import Automaton, NotRegularError
from rbac.matching.value_classes import ValueClasses

FUNCTIONS: dict[str, Callable[[str, str], bool]] = {
    "==": str.__eq__,
    "keyMatch": casbin_functions.key_match,
    "keyMatch2": casbin_functions.key_match2,
    "keyMatch3": casbin_functions.key_match3,
    "keyMatch4": casbin_functions.key_match4,
    "keyMatch5": casbin_functions.key_match5,
    "regexMatch": casbin_functions.regex_match,
}
PIECES = [
    "/",
    "a",
    "b",
    "ab",
    "{x}",
    "{y}",
    "*",
    "/*",
    ":z",
    "?",
    ".",
    "+",
    "$",
    "^",
    "|",
    "[ab]",
    "\\d",
    "(a)",
    "x{1,2}",
    "\n",
]
pattern_texts = st.lists(st.sampled_from(PIECES), max_size=5).map("".join)
patterns = st.lists(st.tuples(st.sampled_from(sorted(FUNCTIONS)), pattern_texts), min_size=1, max_size=4)
values = st.one_of(
    st.text("/abx1?.$9:{}*\n", max_size=7),
    st.lists(st.sampled_from(["/", "a", "b", "é", "٣", "?", "/a", "\n"]), max_size=5).map("".join),
)


def automaton_of(wanted: list[tuple[str, str]]) -> tuple[Automaton, list[tuple[str, str]]]:
    """The patterns that are regular, and an automaton of them."""
    automaton, regular = Automaton(), []
    for function, pattern in wanted:
        try:
            automaton.add(function, pattern)
        except NotRegularError:
            continue
        regular.append((function, pattern))
    return automaton, regular


def matched_by_casbin(value: str, regular: list[tuple[str, str]]) -> int:
    return sum(1 << n for n, (function, pattern) in enumerate(regular) if FUNCTIONS[function](value, pattern))


@settings(max_examples=400, deadline=None)
@given(patterns, st.lists(values, max_size=20), st.booleans())
def test_every_value_is_in_a_class_that_has_an_example(
    wanted: list[tuple[str, str]], asked: list[str], control: bool
) -> None:
    automaton, regular = automaton_of(wanted)
    classes = ValueClasses(automaton, control=control)
    examples = dict(classes.examples(10_000, "/"))
    assert not classes.exhausted(10_000)
    for matched, example in examples.items():
        assert matched_by_casbin(example, regular) == matched
    for value in asked:
        if control or "\n" not in value:
            assert classes.matching(value) == matched_by_casbin(value, regular)
            assert matched_by_casbin(value, regular) in examples


@pytest.mark.parametrize(
    ("function", "pattern"),
    [
        ("keyMatch4", "/a/{x}/b/{x}"),
        ("regexMatch", r"(a)\1"),
        ("regexMatch", "(?=a)b"),
        ("regexMatch", r"\bword"),
        ("regexMatch", "(?m)get"),
        ("regexMatch", "(?>a*)a"),
        ("regexMatch", "a{1000}"),
        ("keyMatch2", "/(unclosed"),
        ("keyMatch3", "*"),
        ("globMatch", "/*"),
    ],
)
def test_what_is_not_regular_or_not_understood_is_refused(function: str, pattern: str) -> None:
    with pytest.raises(NotRegularError):
        Automaton().add(function, pattern)


def test_a_refused_pattern_leaves_the_others_as_they_were() -> None:
    automaton = Automaton()
    automaton.add("keyMatch3", "/a")
    with pytest.raises(NotRegularError):
        automaton.add("regexMatch", r"abc(d)\1")
    automaton.add("keyMatch3", "/b")
    classes = ValueClasses(automaton)
    assert [classes.matching(value) for value in ("/a", "/b", "abcdd", "/c")] == [1, 2, 0, 0]


def test_examples_are_short_paths() -> None:
    automaton = Automaton()
    for pattern in ("/users/{id}", "/users/me", "/files/*"):
        automaton.add("keyMatch3", pattern)
    examples = dict(ValueClasses(automaton).examples(1000, "/"))
    assert examples == {0: "/", 1: "/users/x", 3: "/users/me", 4: "/files/"}


def test_more_states_than_allowed_are_told() -> None:
    automaton = Automaton()
    for number in range(12):
        automaton.add("keyMatch3", f"/*/{number}x/*")
    classes = ValueClasses(automaton)
    assert list(classes.examples(50))
    assert classes.exhausted(50)


@pytest.mark.parametrize(
    ("letter", "member", "stranger"), [("d", "٣", "x"), ("w", "é", "-"), ("s", "\u2003", "_")]
)
def test_categories_are_those_of_the_whole_of_unicode(letter: str, member: str, stranger: str) -> None:
    spans = charset.taken_by(rf"\{letter}")
    assert any(low <= ord(member) <= high for low, high in spans)
    assert not any(low <= ord(stranger) <= high for low, high in spans)
    assert charset.union(spans, charset.complement(spans)) == charset.EVERY == ((0, sys.maxunicode),)


@pytest.mark.parametrize("value", ["/a\x01b", "/a\n", "/files/\x7f", "\x85"])
@pytest.mark.parametrize(
    ("function", "pattern"),
    [("keyMatch", "/*"), ("keyMatch3", "/{x}"), ("regexMatch", ".*"), ("keyMatch2", "/a")],
)
def test_a_control_character_is_matched_as_casbin_does_though_no_example_has_one(
    function: str, pattern: str, value: str
) -> None:
    """Classes that leave control characters out are right about a value that holds one all the same."""
    automaton = Automaton()
    automaton.add(function, pattern)
    assert bool(ValueClasses(automaton).matching(value)) == FUNCTIONS[function](value, pattern)
