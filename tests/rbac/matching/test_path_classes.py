"""Segment by segment, plain templates are told apart exactly as character by character."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rbac.matching.automaton import Automaton, NotRegularError
from rbac.matching.key_match import SegmentReader, Steps
from rbac.matching.path_classes import MixedClasses, PathClasses, plain_steps
from rbac.matching.value_classes import ValueClasses
from rbac.routes import Route, plain_segments
from tests.rbac.space.test_value_classes import FUNCTIONS

SEGMENTS = ["", "a", "b", "x", "{id}", "{b}", ":id", "*", "a*", "a.b", "{a}b", "é", "?"]
patterns = st.lists(
    st.tuples(
        st.sampled_from(sorted(FUNCTIONS)),
        st.lists(st.sampled_from(SEGMENTS), min_size=1, max_size=5).map("/".join),
    ),
    min_size=1,
    max_size=6,
)
values = st.lists(st.sampled_from(["", "a", "b", "x", "ab", "{id}", "*", "?", "a.b"]), max_size=6).map(
    "/".join
)


def plain(wanted: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [one for one in wanted if plain_steps(*one, {}) is not None]


def classes_of(wanted: list[tuple[str, str]]) -> PathClasses:
    readers: dict[str, SegmentReader] = {}
    return PathClasses([steps for one in wanted if (steps := plain_steps(*one, readers)) is not None])


@given(patterns, values)
@settings(max_examples=500, deadline=None)
@example([("keyMatch3", "/a/*"), ("keyMatch3", "/a/{id}")], "/a/")
@example([("keyMatch", "*"), ("keyMatch", "/a/*")], "/a")
def test_a_value_meets_what_casbin_says_it_meets(wanted: list[tuple[str, str]], value: str) -> None:
    listed = plain(wanted)
    met = sum(1 << n for n, (function, pattern) in enumerate(listed) if FUNCTIONS[function](value, pattern))
    assert classes_of(listed).matching(value) == met


@given(patterns)
@settings(max_examples=500, deadline=None)
@example([("keyMatch3", "/a/{id}"), ("keyMatch3", "/a/*"), ("==", "/a/")])
def test_the_classes_are_those_that_reading_character_by_character_finds(
    wanted: list[tuple[str, str]],
) -> None:
    listed = plain(wanted)
    automaton = Automaton()
    for function, pattern in listed:
        automaton.add(function, pattern)
    by_character = {matched for matched, _ in ValueClasses(automaton).examples(10_000)}
    for first in ("", "/"):
        classes = classes_of(listed)
        found = dict(classes.examples(10_000, first))
        assert found.keys() == by_character
        assert all(classes.matching(value) == matched for matched, value in found.items())
        assert not classes.exhausted(10_000)


@given(patterns)
@settings(max_examples=200, deadline=None)
def test_of_a_class_that_has_a_path_an_example_is_a_path(wanted: list[tuple[str, str]]) -> None:
    listed = plain(wanted)
    automaton = Automaton()
    for function, pattern in listed:
        automaton.add(function, pattern)
    paths = {
        matched for matched, value in ValueClasses(automaton).examples(10_000, "/") if value.startswith("/")
    }
    found = dict(classes_of(listed).examples(10_000, "/"))
    assert {matched for matched, value in found.items() if value.startswith("/")} == paths


def test_more_states_than_wanted_are_not_looked_at() -> None:
    classes = classes_of([("keyMatch3", f"/{n}/a") for n in range(20)])
    assert len(list(classes.examples(5, "/"))) < 21
    assert classes.exhausted(5)


@pytest.mark.parametrize("template", ["/a", "/a/{x}", "/a/*", "/{a-b}/b", "/a/{x:slug}", "/a/", "*", "/*"])
@pytest.mark.parametrize("path", ["/a", "/a/", "/a/b", "/a/b/c", "/b", "", "*", "/", "/a/*", "//", "/x/b"])
def test_a_plain_route_answers_what_its_segments_say(template: str, path: str) -> None:
    segments = plain_segments(template)
    assert segments is not None
    classes = PathClasses([(*segments, True, False)])
    assert bool(classes.matching(path)) == Route("GET", template).matches(path)


@pytest.mark.parametrize("template", ["/a/{x:int}", "/a/{x:path}", "/a/{x}.json", "/a/x{y}"])
def test_a_route_that_asks_more_of_a_segment_is_read_by_character(template: str) -> None:
    assert plain_segments(template) is None


mixed_segments = st.sampled_from(
    [*SEGMENTS, "ab", "a+", "[ab]", "a|b", "\\d", "^a$", "(?i)a", ".*", "x{1,2}"]
)
mixed_patterns = st.lists(
    st.tuples(
        st.sampled_from(sorted(FUNCTIONS)), st.lists(mixed_segments, min_size=1, max_size=4).map("/".join)
    ),
    min_size=1,
    max_size=6,
)


def mixed_classes_of(wanted: list[tuple[str, str]]) -> tuple[list[tuple[str, str]], MixedClasses]:
    """The patterns that are regular, with what they tell apart: templates by segment, others by character."""
    readers: dict[str, SegmentReader] = {}
    regular: list[tuple[str, str]] = []
    templates: dict[int, Steps] = {}
    automaton, numbers = Automaton(), []
    for one in wanted:
        steps = plain_steps(*one, readers)
        if steps is None:
            try:
                automaton.add(*one)
            except NotRegularError:
                continue
            numbers.append(len(regular))
        else:
            templates[len(regular)] = steps
        regular.append(one)
    return regular, MixedClasses(templates, automaton, numbers)


@given(mixed_patterns, values)
@settings(max_examples=500, deadline=None)
@example([("keyMatch3", "/a/{id}"), ("regexMatch", "(?i)/A/b")], "/a/B")
@example([("keyMatch3", "/a/*"), ("keyMatch3", "/a.b"), ("keyMatch3", "/a/b")], "/a/b")
@example([("keyMatch3", "/{id}/b"), ("keyMatch3", "/*/b"), ("==", "/a")], "/a/x/b")
def test_templates_and_other_patterns_tell_apart_what_reading_all_by_character_does(
    wanted: list[tuple[str, str]], value: str
) -> None:
    listed, classes = mixed_classes_of(wanted)
    automaton = Automaton()
    for function, pattern in listed:
        automaton.add(function, pattern)
    whole = ValueClasses(automaton)
    assert classes.matching(value) == whole.matching(value)
    by_character = dict(whole.examples(10_000, "/"))
    found = dict(classes.examples(10_000, "/"))
    assert found.keys() == by_character.keys()
    for matched, example_value in found.items():
        assert whole.matching(example_value) == matched == classes.matching(example_value)
        assert example_value.startswith("/") or not by_character[matched].startswith("/")


def test_one_pattern_that_is_no_template_costs_little_among_thousands() -> None:
    templates = [("keyMatch3", f"/area{n}/items/{{id}}") for n in range(3000)]
    _, classes = mixed_classes_of(
        [*templates, ("keyMatch3", r"/openapi\.json"), ("regexMatch", "(?i)^/health")]
    )
    found = dict(classes.examples(60_000, "/"))
    assert len(found) == 3000 + 2 + 1
    assert not classes.exhausted(60_000)
