"""Patterns are matched in time that is in proportion to the path, with exactly the answer of Casbin's own functions."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from casbin.util import builtin_operators
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rbac.matching import charset
from rbac.matching.backtracking import backtracking_of
from rbac.matching.byte_classes import ByteClasses
from rbac.matching.charset import taken_by
from rbac.matching.flat import Flat, is_whole
from rbac.matching.key_match import Expressions
from rbac.matching.linear import LinearMatches, backtracks
from rbac.matching.repeated_names import longest_runs
from rbac.matching.scanner import MOST_STATES, Scanner
from rbac.model.functions import FALLIBLE, FUNCTIONS
from tests.support.growth import takes_at_most

LONGEST = 8192

tokens = st.sampled_from(
    [
        "/",
        "/",
        "a",
        "b",
        "ab",
        ".",
        "-",
        "/*",
        "/*",
        "*",
        "{x}",
        "{x}",
        "{y}",
        ":x",
        "{",
        "}",
        ":",
        "+",
        "?",
        "ж",
        "\n",
    ]
)
patterns = st.lists(tokens, max_size=8).map(lambda found: "/" + "".join(found))
paths = st.lists(
    st.sampled_from(["/", "a", "b", "ab", ".", "-", "x", "\n", "{x}", ":x", "?", "é", "ж"]), max_size=12
).map(lambda found: "/" + "".join(found))
expressions = st.recursive(
    st.sampled_from(["a", "b", ".", "[^/]", "[ab]", "/", "-", r"\w", r"\d", "$", "^", "ж", "[^ж]", r"\?"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "*?", "+?"])).map(
            lambda pair: f"(?:{pair[0]}){pair[1]}"
        ),
        st.tuples(inner, st.sampled_from(["*", "+", "?"])).map(lambda pair: f"({pair[0]}){pair[1]}"),
        st.lists(inner, min_size=1, max_size=4).map("".join),
        st.lists(inner, min_size=2, max_size=3).map(lambda found: f"({'|'.join(found)})"),
    ),
    max_leaves=8,
)
texts = st.text("abAB/-1?éжЖ\n", max_size=10)


def answer(ask: Callable[[str, str], Any], value: str, pattern: str) -> Any:
    try:
        return ask(value, pattern)
    except Exception as error:  # noqa: BLE001 - keyMatch4 raises a bare Exception
        return type(error), str(error)


@pytest.mark.parametrize("name", FALLIBLE)
@settings(max_examples=250, deadline=None)
@given(pattern=patterns, path=paths)
@example(pattern="/{x}-{x}", path="/a-a-a")
@example(pattern="/*/{x}/{x}", path="/a/b/b")
@example(pattern="/*\n*", path="/\n\n")
def test_every_pattern_is_matched_as_casbin_matches_it(name: str, pattern: str, path: str) -> None:
    """Whatever stands in for `re`, the answer (or the error) is the one of Casbin's function."""
    asked = path.split("?", 1)[0] if name == "keyMatch5" else path
    expected = answer(FUNCTIONS[name].call, path, pattern)
    assert answer(Expressions(FUNCTIONS[name]).matches, asked, pattern) == expected


@settings(max_examples=250, deadline=None)
@given(expression=st.tuples(st.sampled_from(["", "(?i)", "(?s)"]), expressions).map("".join), text=texts)
def test_a_scanner_answers_as_re_does(expression: str, text: str) -> None:
    """Reading each character once gives the answer of `re.match`, for any expression without look-around."""
    assert Scanner(expression).matches(text) == (re.match(expression, text) is not None)


@settings(max_examples=250, deadline=None)
@given(
    expression=st.tuples(
        st.sampled_from(["", "(?i)", "(?s)", "(?is)"]),
        st.one_of(expressions, patterns.map(FUNCTIONS["keyMatch3"].expression)),
    ).map("".join),
    text=texts,
)
def test_an_expression_whose_runs_are_settled_answers_as_the_first_one(expression: str, text: str) -> None:
    """What is written so that every run needs one try matches exactly what the expression matches."""
    try:
        compiled = re.compile(expression)
    except re.error:
        return
    settled = backtracking_of(expression).settled
    if settled is not None:
        assert (re.match(settled, text) is None) == (compiled.match(text) is None)


pieces = st.lists(
    st.sampled_from(["a", "b", "/", "-", "ж", ".", ".*", "([^/]+)", "([^/]+)", "a*"]), min_size=1, max_size=7
)
flat_pieces = st.lists(
    st.one_of(
        st.sampled_from(["a", "b", "/", r"\?", "ж", ".", "[^/]", r"\w", "[^?]", "[^ж]"]),
        st.tuples(
            st.sampled_from(["a", ".", "[^/]", r"\w", "[^ж]", "(?:[ab?])"]),
            st.sampled_from(["*", "+", "?", "*?", "{2}", "{1,3}", "{2,}", "{,2}"]),
        ).map("".join),
    ),
    max_size=7,
)


@settings(max_examples=400, deadline=None)
@given(
    prefix=st.sampled_from(["", "(?i)", "(?s)"]), pieces=flat_pieces, text=st.text("abA/?éжЖ\n", max_size=9)
)
def test_a_flat_expression_answers_as_re_does(prefix: str, pieces: list[str], text: str) -> None:
    """Found from the end of the text, there is a match exactly where `re` finds one."""
    expression = f"{prefix}^{''.join(pieces)}$"
    known = backtracking_of(expression).pieces
    assert known is not None
    assert is_whole(known)
    assert Flat(known[1:-1]).matches(text) == (re.match(expression, text) is not None)


@settings(max_examples=250, deadline=None)
@given(
    sets=st.lists(
        st.sampled_from(
            [".", "[^/]", "/", r"\?", "[^?]", "ж", r"\w", "[a-я]", "[\x00-\xff]", "[^\x00-\xff]"]
        ),
        min_size=1,
        max_size=4,
    ),
    text=st.text("ab/?éÿĀжя\n\U0001f600", max_size=9),
)
def test_a_text_is_read_as_the_classes_of_its_characters(sets: list[str], text: str) -> None:
    classes = ByteClasses([taken_by(one) for one in sets])
    assert list(classes.read(text)) == list(map(classes.of.class_of, text))


def test_more_classes_than_a_byte_has_values_are_told_apart() -> None:
    letters = "".join(map(chr, range(0x400, 0x400 + 300)))
    classes = ByteClasses([charset.single(ord(letter)) for letter in letters])
    assert len(set(classes.read(letters))) == len(letters)


@settings(max_examples=250, deadline=None)
@given(pieces=pieces, text=st.text("ab/-\n", max_size=9))
def test_the_longest_runs_are_the_groups_that_re_finds(pieces: list[str], text: str) -> None:
    """Found from the end of the path, the runs are those of the first match of `re`."""
    expression = f"^{''.join(pieces)}$"
    try:
        found = re.match(expression, text)
    except re.error:
        return
    known = backtracking_of(expression).pieces
    assert known is not None
    runs = longest_runs(text, Flat(known[1:-1]))
    assert runs == (None if found is None else list(found.groups()))


# Each with a path that makes `re` go back as far as it can.
HOSTILE: dict[str, tuple[str, str, str]] = {
    "several stars": (
        "keyMatch3",
        "/shops/*/products/*/images/*/thumb",
        "/shops/x" + "/products/x/images" * 455,
    ),
    "stars and a placeholder": ("keyMatch3", "/*/a/*/{id}/x", "/a" * 4095),
    "stars with text around them": ("keyMatch2", "/*a/*b/*c", "/a" * 2000 + "/b" * 2000),
    "placeholders in one segment": ("keyMatch3", "/{a}-{b}-{c}-{d}/x", "/" + "-" * 8191),
    "placeholders side by side": ("keyMatch5", "/{a}{b}", "/a" * 4096),
    "a star and a placeholder with text": ("keyMatch3", "/*/a{x}b", "/" + "/a" * 4095),
    "colons in one segment": ("keyMatch2", "/:a/*x/:b", "/" + "x/" * 4095),
    "a repeated name": ("keyMatch4", "/{a}-{b}-{a}-{c}/x", "/" + "-" * 8191),
    "a repeated name behind a star": ("keyMatch4", "/*/{a}/*/{a}/x", "/a" * 4095),
    "a repeated name that is met": ("keyMatch4", "/*/{a}/*/{a}", "/a" * 4096),
    "a nested repetition": ("keyMatch3", "/(a+)+", "/" + "a" * 8190 + "b"),
    "a nested star": ("keyMatch2", "/(a*)*b", "/" + "a" * 8191),
    "alternatives that overlap": ("regexMatch", "^/(a|aa|b)*$", "/" + "a" * 8190 + "c"),
    "a regular expression of many stars": ("regexMatch", "^.*a.*b.*c.*d$", "abc" * 2730),
    "an alternative of many stars": ("regexMatch", "^(/a/.*/b/.*/c/.*|/x)$", "/a/b" * 2048),
    "states without number": ("regexMatch", "^(a|b)*a(a|b){14}c$", "ab" * 2000 + "aab" * 1300),
    "a run of line breaks": ("keyMatch3", "/*/x/*/y", "/x\n" * 2730),
    "no ASCII": ("keyMatch3", "/*/{a}é{b}/x", "/" + "é" * 4095),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_path_is_matched_in_proportion_to_its_length(case: str) -> None:
    """Eight times the path takes less than 32 times as long, where going back takes 64 times or without end."""
    name, pattern, path = HOSTILE[case]
    matches = Expressions(FUNCTIONS[name]).matches

    short, long = path[: LONGEST // 8], path[:LONGEST]
    assert takes_at_most(4 * 8, lambda: matches(long, pattern), lambda: matches(short, pattern))


def test_a_scanner_remembers_a_bounded_number_of_states() -> None:
    """An expression with states without number is answered right, and forgets."""
    expression = "^(a|b)*a(a|b){12}c$"
    scanner = Scanner(expression)
    for number in range(4 * MOST_STATES):
        text = f"{number:b}".replace("0", "a").replace("1", "b").rjust(13, "a") + "c"
        assert scanner.matches(text) == (re.match(expression, text) is not None)
    assert len(scanner._states) <= MOST_STATES


def test_a_scanner_is_right_about_characters_it_has_never_seen() -> None:
    """Every code point is of some class, also beyond the first 256."""
    scanner = Scanner(r"^[^/]+/\w\d$")
    for text in ["日本/語٣", "日本/語x", "\N{PILE OF POO}/é1", "/a1", "\ud800/a1"]:
        assert scanner.matches(text) == (re.match(r"^[^/]+/\w\d$", text) is not None)


@pytest.mark.parametrize(
    ("expression", "dangerous"),
    [
        (r"^(\w+\s?)*$", False),
        (r"^(?!.*x)(a+)+$", True),
        (r"^(a+)+\b$", True),
        (r"(?i)^(a+)+$", False),
        (r"(?m)^(a+)+$", True),
        (r"(?i)^(?!x)/api/.*/.*$", True),
        (r"(?i)^/api/.*/.*$", False),
        (r"(?m)^/api/.*$", False),
        (r"^(.*)\1$", False),
        (r"^(.*)-(.*)\1$", True),
        (r"^/a/[^/]+$", False),
    ],
)
def test_what_stays_dangerous_is_known(expression: str, dangerous: bool) -> None:
    """An expression that only `re` can match, and that makes it go back far, is told from all others."""
    assert backtracks(expression) is dangerous


def test_ordinary_expressions_are_left_to_re() -> None:
    """Whole segments, one star and alternatives of words cost what they cost before."""
    for expression in ["^/users/[^/]+/orders$", "^/a/.*$", "^/a/.*/b$", "^(GET|POST)$", "^/api(/.*)?$"]:
        match: Any = LinearMatches().of(expression)
        assert match.__self__ == re.compile(expression)


def test_casbin_itself_is_what_is_compared_with() -> None:
    """The functions compared with are Casbin's, not ours."""
    assert FUNCTIONS["keyMatch3"].call is builtin_operators.key_match3_func
