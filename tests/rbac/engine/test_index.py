"""The index never misses a rule that matches, and leaves few that do not."""

import re
from collections.abc import Iterator, Sequence

import pytest
from casbin.util import builtin_operators as casbin_operators
from hypothesis import given, settings
from hypothesis import strategies as st

from rbac.engine.enforcer import IndexedEnforcer
from rbac.engine.index import STEP, RuleIndex, alternatives_of
from rbac.engine.lookups import read_matcher
from rbac.engine.matcher import Functions, Recipe
from rbac.engine.written import Basis, seeking
from rbac.matching.key_match import SegmentReader, verifier
from rbac.model.functions import PATH_FUNCTIONS
from tests.support.casbin_cases import Rows, model_of
from tests.support.model_zoo import SEGMENTS, model

CALLS = {name: row.call for name, row in PATH_FUNCTIONS.items()}
pieces = st.one_of(st.sampled_from(SEGMENTS), st.text("ab/.{}:*x-+?\n", max_size=4))
patterns = (
    st.lists(pieces, min_size=1, max_size=4)
    .map("/".join)
    .flatmap(lambda text: st.sampled_from([text, "/" + text]))
)
paths = st.lists(st.text("abcdxy.-?\n", max_size=3), max_size=4).map(lambda parts: "/" + "/".join(parts))


def rules_for(name: str, found: list[str], path: str) -> set[int]:
    """The places of the patterns that are looked at for ``path``."""
    functions = Functions(frozenset({name}), frozenset({name}), {})
    recipe = Recipe(
        f"{name}(r_obj, p_obj)", ("r_obj",), ("p_obj",), functions, "AllowOverrideEffector", effect_column=-1
    )
    matcher = read_matcher(recipe.expression, recipe.request, recipe.rule, functions)
    rows = [[pattern] for pattern in found]
    index = RuleIndex(matcher, rows, 1)
    for _ in index.building():
        pass
    basis = Basis(recipe, matcher, index, rows, {name: CALLS[name]}, {}, {})
    return set(seeking(basis)((path,)) or ())


def index_of(expression: str, rows: Sequence[list[str]]) -> RuleIndex:
    """The index of a matcher that may call Casbin's own functions, not yet built."""
    known = frozenset(PATH_FUNCTIONS) | {"regexMatch"}
    words = ("r_sub", "r_obj", "r_act"), ("p_sub", "p_obj", "p_act")
    return RuleIndex(read_matcher(expression, *words, Functions(known, known, {})), rows, 3)


@pytest.mark.parametrize("name", PATH_FUNCTIONS)
@settings(max_examples=150, deadline=None)
@given(found=st.lists(patterns, min_size=1, max_size=12), path=st.one_of(paths, patterns))
def test_a_tree_finds_every_pattern_that_matches(name: str, found: list[str], path: str) -> None:
    reached = rules_for(name, found, path)
    for place, pattern in enumerate(found):
        try:
            matches = PATH_FUNCTIONS[name].call(path, pattern)
        except Exception:  # noqa: BLE001 - such rules are looked at for every request
            continue
        assert not matches or place in reached, pattern


@pytest.mark.parametrize("name", PATH_FUNCTIONS)
@settings(max_examples=150, deadline=None)
@given(pattern=patterns, path=st.one_of(paths, patterns))
def test_a_simple_pattern_is_verified_without_a_regular_expression(
    name: str, pattern: str, path: str
) -> None:
    style = PATH_FUNCTIONS[name]
    simple = bool(style.plain.fullmatch(pattern)) or SegmentReader(style).steps(pattern)[2]
    asked = path.split("?", 1)[0] if name == "keyMatch5" else path
    segments = None if "\n" in asked else asked.split("/")
    try:
        expected = style.call(path, pattern)
    except re.error:
        assert not simple
        return
    except Exception:  # noqa: BLE001 - keyMatch4, where a pattern brings groups of its own
        assert not simple
        return
    assert verifier(style, () if simple else {pattern})(asked, segments, pattern) == expected


@pytest.mark.parametrize("pattern", ["/{x}", "/{x}/y", "{x}/y", "/y/{x}", "/y/*", "/y.z", "/y", "/a+"])
def test_the_first_rule_is_found_where_it_stands_alone(pattern: str) -> None:
    """Its position is 0, which is easily taken for none."""
    path = pattern.replace("{x}", "1").replace("*", "1/2").replace("+", "")
    assert rules_for("keyMatch3", [pattern], path) == {0}
    assert rules_for("keyMatch3", [pattern, "/other/{x}/z", pattern], path) >= {0, 2}


def test_a_large_policy_leaves_few_rules_to_look_at() -> None:
    matcher = 'g(r.sub, p.sub) && keyMatch3(r.obj, p.obj) && (p.act == "*" || p.act == r.act)'
    rows = [
        [
            f"role{n % 50}",
            f"/api/{n % 7}/thing{n // 8}/{{id}}" + ("/*" if n % 3 else ""),
            ("GET", "PUT", "*")[n % 3],
        ]
        for n in range(4000)
    ]
    ours = IndexedEnforcer(
        model_of(model(matcher, g="g = _, _")), Rows(p=rows, g=[["ann", f"role{n}"] for n in range(5)])
    )
    assert ours.indexed
    for role, pattern, act in rows[::97]:
        request = (role, pattern.replace("{id}", "1").replace("*", "a/b"), "GET" if act == "*" else act)
        assert ours.enforce(*request)
        assert ours.candidates(*request) <= 8
        assert ours.candidates("ann", "/api/1/nothing/1", "GET") == 0


def test_many_rules_of_one_word_are_divided_by_another_column() -> None:
    """In steps of a bounded size, as all others."""
    rows = [["root", f"/{n}"] for n in range(2000)] + [[f"s{n}", "/0"] for n in range(2500)]
    ours = IndexedEnforcer(
        model_of(model("r.sub == p.sub && r.obj == p.obj", r="sub, obj", p="sub, obj")), Rows(p=rows)
    )
    pauses: list[bool] = []
    ours.compile(lambda: pauses.append(True))
    assert len(pauses) > 2 * len(rows) / STEP
    for sub, path in (("root", "/7"), ("s7", "/0")):
        assert ours.candidates(sub, path) == 1
        assert ours.enforce(sub, path)
        assert not ours.enforce(sub, "/none")


SKEWED = [
    *(["s", "few", f"a{n:04}"] for n in range(10)),
    *(["s", "shared", f"a{n:04}"] for n in range(STEP + 100)),
    *(["s", f"o{n:04}", "GET"] for n in range(STEP + 200)),
]


@pytest.mark.parametrize(
    ("matcher", "rows"),
    [
        ("r.sub == p.sub && r.obj == p.obj && r.act == p.act", SKEWED),
        ("r.sub == p.sub && regexMatch(r.obj, p.obj) && regexMatch(r.act, p.act)", SKEWED),
        (
            "keyMatch2(r.sub, p.sub) && keyMatch3(r.obj, p.obj)",
            [["s", f"/{n}/{{id}}", ""] for n in range(50)],
        ),
        (
            "keyMatch3(r.obj, p.obj) && keyMatch2(r.sub, p.sub)",
            [["s", f"/{n}/{{id}}", ""] for n in range(50)],
        ),
        ("keyMatch2(r.obj, p.obj) && r.act == p.act", [["s", "/:id", f"a{n}"] for n in range(50)]),
    ],
)
def test_whichever_column_tells_rules_apart_few_are_left_to_look_at(
    matcher: str, rows: list[list[str]]
) -> None:
    ours = IndexedEnforcer(model_of(model(matcher)), Rows(p=rows))
    for place, row in [*enumerate(rows)][:: len(rows) // 40]:
        assert ours.locate(*row) == (True, place)
        assert ours.candidates(*row) <= 3


def test_a_dot_is_found_as_any_character_though_looked_up() -> None:
    found = ["/v1.0/x", "/v1.0/{id}", "/v2.0/x", "/a/b.c"]
    assert rules_for("keyMatch3", found, "/v1.0/x") == {0, 1}
    assert rules_for("keyMatch3", found, "/v1x0/x") == {0, 1}
    assert rules_for("keyMatch3", found, "/v1/0/x") == {0, 1}
    assert rules_for("keyMatch3", found, "/a/b/c") == {3}
    assert rules_for("keyMatch3", found, "/a/bc") <= {3}


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("GET", ("GET",)),
        ("GET|POST", ("GET", "POST")),
        ("(GET)|(POST)", ("GET", "POST")),
        ("(GET|POST)", ("GET", "POST")),
        ("^(GET|POST)$", ("GET", "POST")),
        ("^GET$|^POST", ("GET", "POST")),
        ("GET|GET", ("GET",)),
        ("", ()),
        (".*", ()),
        ("GET|", ()),
        ("(GET", ()),
        ("GE?T", ()),
        ("(?i)get", ()),
        ("[A-Z]+", ()),
        ("GET\\d", ()),
    ],
)
def test_the_words_of_a_plain_alternation_are_read(pattern: str, words: tuple[str, ...]) -> None:
    assert alternatives_of(pattern) == words


@settings(max_examples=300, deadline=None)
@given(pattern=st.text("GP|()^$.x", max_size=8), text=st.text("GPx", max_size=5))
def test_what_an_alternation_matches_starts_with_one_of_its_words(pattern: str, text: str) -> None:
    words = alternatives_of(pattern)
    if words and casbin_operators.regex_match(text, pattern):
        assert text.startswith(words)


PATH = "keyMatch2(r_obj, p_obj) && r_sub == p_sub"
TWO_PATHS = "keyMatch2(r_obj, p_obj) && keyMatch3(r_act, p_act)"
EITHER = f"{PATH} || keyMatch3(r_act, p_act) && r_sub == p_sub"
EXPRESSION = "regexMatch(r_act, p_act) && r_sub == p_sub"


@pytest.mark.parametrize(
    ("expression", "row", "fails"),
    [
        (PATH, ["a", "/x/:id", "("], False),
        (PATH, ["a", "/x/(y|z)", "GET"], False),
        (PATH, ["a", "/x/(", "GET"], True),
        (PATH, ["a", "/x"], True),
        (PATH, ["a", "/x", "GET", "more"], True),
        ("keyMatch(r_obj, p_obj) && r_sub == p_sub", ["a", "/x/(", "GET"], False),
        ("keyMatch4(r_obj, p_obj) && r_sub == p_sub", ["a", "/{x}/(y)", "GET"], True),
        (TWO_PATHS, ["a", "/x", "/y"], False),
        (TWO_PATHS, ["a", "/x", "("], True),
        (TWO_PATHS, ["a", "(", "/y"], True),
        (EITHER, ["a", "/x", "/y"], False),
        (EITHER, ["a", "/x", "("], True),
        (EITHER, ["a", "(", "/y"], True),
        (EXPRESSION, ["a", "(", "GET|POST"], False),
        (EXPRESSION, ["a", "/x", "G.T"], False),
        (EXPRESSION, ["a", "/x", "*"], True),
        ('keyMatch2("/x", p_obj) && r_sub != p_sub', ["a", "(", "GET"], True),
        ("r_sub == p_sub", ["a", "(", "("], False),
        ("r_sub == p_sub", ["a"], True),
    ],
)
@pytest.mark.parametrize("late", [False, True])
def test_a_rule_that_some_request_fails_over_is_told_from_others(
    expression: str, row: list[str], fails: bool, late: bool
) -> None:
    good = ["a", "/x", "/y"]
    index = index_of(expression, [good, good] if late else [good, row])
    for _ in index.building():
        pass
    if late:
        index.note(row)
        index.note(good)
    assert index.may_raise == fails


class Counted(list[list[str]]):
    """Rows that count how many of them were read, one after the other."""

    so_far = 0

    def __iter__(self) -> Iterator[list[str]]:
        for row in super().__iter__():
            self.so_far += 1
            yield row


@pytest.mark.parametrize("expression", [PATH, TWO_PATHS, EITHER, EXPRESSION, "r_sub == p_sub"])
def test_rules_are_read_in_steps_of_a_few_hundred(expression: str) -> None:
    rows = Counted([f"s{n}", f"/x{n}", "GET"] for n in range(4 * STEP + 1))
    index = index_of(expression, rows)
    rows.so_far = 0
    at = [rows.so_far for _ in index.building()]
    assert len(at) <= 5 * 4
    assert at[:6] == [1, STEP + 1, 2 * STEP + 1, 3 * STEP + 1, 4 * STEP + 1, 4 * STEP + 1]
