"""A matcher is read as Casbin means it, and says what rules can be looked up by."""

from copy import deepcopy

import pytest

from rbac.engine.enforcer import IndexedEnforcer
from rbac.engine.lookups import read_matcher
from rbac.engine.matcher import (
    Branch,
    Functions,
    KeySource,
    LinkKind,
    Lookup,
    Matcher,
    NotCompiledError,
)

KNOWN = frozenset({"keyMatch", "keyMatch2", "keyMatch3", "keyMatch4", "keyMatch5", "regexMatch", "ipMatch"})
FUNCTIONS = Functions(
    KNOWN | {"globMatch", "own", "g", "g2", "g3", "g4"},
    KNOWN,
    {"g": LinkKind.NAMES, "g2": LinkKind.DOMAINS, "g3": LinkKind.OPAQUE, "g4": LinkKind.CERTAIN},
)


def read(expression: str) -> Matcher:
    words = ("r_sub", "r_dom", "r_obj", "r_act")
    return read_matcher(expression, words, ("p_sub", "p_dom", "p_obj", "p_act"), FUNCTIONS)


def found_by(expression: str) -> list[list[tuple[str, int]]]:
    """The kind and column of each look-up, branch by branch."""
    return [
        sorted((lookup.kind, lookup.column) for lookup in branch.lookups)
        for branch in read(expression).branches
    ]


@pytest.mark.parametrize(
    ("expression", "branches"),
    [
        ("r_sub == p_sub", [[("keys", 0)]]),
        ("p_sub == r_sub && p_act == 'x'", [[("keys", 0), ("keys", 3)]]),
        ("p_act in ('x', 'y')", [[("keys", 3)]]),
        ("p_act == '*' || p_act == r_act", [[("keys", 3)], [("keys", 3)]]),
        ("r_sub == p_sub && (p_act == '*' || p_act == r_act)", [[("keys", 0), ("keys", 3)]]),
        ("g(r_sub, p_sub) && keyMatch3(r_obj, p_obj)", [[("keys", 0), ("path", 2)]]),
        ("g2(r_sub, p_sub, r_dom) && r_dom == p_dom", [[("keys", 0), ("keys", 1)]]),
        (
            "(g2(r_sub, p_sub, '*') || g2(r_sub, p_sub, r_dom)) && r_obj == p_obj",
            [[("keys", 0), ("keys", 2)]],
        ),
        ("g2(r_sub, p_sub, p_dom) && r_obj == p_obj", [[("keys", 2)]]),
        ("regexMatch(r_act, p_act)", [[("words", 3)]]),
        ("(keyMatch(r_obj, p_obj) || p_obj == '*') && r_sub == p_sub", [[("keys", 0), ("path", 2)]]),
        ("r_sub == p_sub || r_sub == 'root'", [[("keys", 0)], []]),
        ("g4(r_sub, p_sub) && r_obj == p_obj", [[("keys", 2)]]),
    ],
)
def test_what_a_rule_must_hold_is_looked_up(expression: str, branches: list[list[tuple[str, int]]]) -> None:
    assert found_by(expression) == branches


@pytest.mark.parametrize(
    ("expression", "branches"),
    [
        ("own(r_obj, p_obj) && r_sub == p_sub", []),
        ("globMatch(r_obj, p_obj) && r_sub == p_sub", []),
        ("g3(r_sub, p_sub) && r_obj == p_obj", []),
        ("r_sub == p_sub && own(r_obj, p_obj) && r_act == p_act", [[("keys", 0)]]),
        ("r_sub == p_sub && r_obj.name == p_obj && r_act == p_act", [[("keys", 0)]]),
        ("r_sub == p_sub || own(r_obj, p_obj)", []),
        ("regexMatch(p_obj, r_obj) && r_sub == p_sub", []),
        ("r_obj && r_sub == p_sub", []),
        ("r_sub != p_sub && r_obj < p_obj", []),
        ("!(r_sub == p_sub)", []),
        ("r_sub == p_sub || r_obj != p_obj", []),
    ],
)
def test_nothing_behind_what_may_raise_or_is_no_truth_value_is_looked_up(
    expression: str, branches: list[list[tuple[str, int]]]
) -> None:
    assert found_by(expression) == branches


def test_what_looking_up_takes_for_given_is_noted() -> None:
    matcher = read(
        "ipMatch(r_dom, p_dom) && keyMatch2(r_obj, p_obj) && regexMatch(r_act, p_act) && r_sub == p_sub"
    )
    assert matcher.addresses == {1}
    assert matcher.valid_patterns == {(2, "keyMatch2"), (3, "regexMatch")}
    assert matcher.string_words == {0, 2, 3}


def test_the_cheapest_conjunct_comes_first_only_where_no_order_can_be_told() -> None:
    assert read("keyMatch2(r_obj, p_obj) && r_sub == p_sub").quick_source.startswith("(w0 == c0)")
    assert not read("keyMatch2(r_obj, p_obj) && own(r_sub) && r_sub == p_sub").quick_source
    assert not read("ipMatch(r_obj, p_obj) && r_sub == p_sub").quick_source


@pytest.mark.parametrize(
    "expression",
    [
        "r_sub == ",
        "",
        "r_sub == p_sub; r_obj",
        "x = r_sub == p_sub",
        "r_nobody == p_sub",
        "nobody(r_sub)",
        "list(r_sub)",
        "r_sub is p_sub",
        "r_sub + p_sub == ''",
        "r_sub[0] == p_sub",
        "[one for one in r_sub]",
        "r_sub if r_obj else p_sub",
        "f'{r_sub}' == p_sub",
        "r_sub.__class__ == p_sub",
        "r_sub.format == p_sub",
        "r_sub.upper() == p_sub",
        "own(*r_sub)",
        "own(x=r_sub)",
        "own == r_sub",
        "b'a' == r_sub",
        "(lambda: r_sub)()",
        "-r_sub == p_sub",
        "r_sub == '" + "x" * 100_001 + "'",
        "(" * 3000 + "r_sub" + ")" * 3000,
    ],
)
def test_what_casbins_evaluator_treats_in_its_own_way_is_left_to_it(expression: str) -> None:
    with pytest.raises(NotCompiledError):
        read(expression)


def test_a_matcher_is_read_once_and_shared_by_whoever_asks_the_same() -> None:
    expression = "g(r_sub, p_sub) && keyMatch3(r_obj, p_obj)"
    words, columns = ("r_sub", "r_obj"), ("p_sub", "p_obj")
    first = read_matcher(expression, words, columns, FUNCTIONS)
    assert read_matcher(expression, list(words), list(columns), FUNCTIONS) is first
    others = [
        read_matcher(f"{expression} && r_obj == p_obj", words, columns, FUNCTIONS),
        read_matcher(expression, (*words, "r_act"), columns, FUNCTIONS),
        read_matcher(expression, words, (*columns, "p_act"), FUNCTIONS),
        read_matcher(
            expression, words, columns, Functions(FUNCTIONS.names - {"own"}, KNOWN, FUNCTIONS.links)
        ),
        read_matcher(expression, words, columns, Functions(FUNCTIONS.names, frozenset(), FUNCTIONS.links)),
        read_matcher(expression, words, columns, Functions(FUNCTIONS.names, KNOWN, {"g": LinkKind.CERTAIN})),
    ]
    assert all(other is not first for other in others)


MODEL = """
[request_definition]
r = sub, obj
[policy_definition]
p = sub, obj
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub) && keyMatch3(r.obj, p.obj)
"""


def test_enforcers_that_share_a_matcher_leave_it_as_it_was_read() -> None:
    """Each has rules and links of its own, and answers by those alone."""
    one, other = (
        IndexedEnforcer(IndexedEnforcer.new_model(text=MODEL)),
        IndexedEnforcer(IndexedEnforcer.new_model(text=MODEL)),
    )
    one.add_policy("admin", "/a/{id}")
    one.add_grouping_policy("ann", "admin")
    other.add_policy("user", "/b")
    assert (one.enforce("ann", "/a/1"), one.enforce("ann", "/b")) == (True, False)
    basis = one._compiled.basis
    assert basis is not None
    shared = basis.matcher
    before = deepcopy(shared)
    assert (other.enforce("user", "/b"), other.enforce("ann", "/a/1")) == (True, False)
    assert other._compiled.basis is not None
    assert other._compiled.basis.matcher is shared
    other.add_policy("(", "/[")
    other.add_grouping_policy("ann", "user")
    assert (other.enforce("ann", "/b"), one.enforce("ann", "/b")) == (True, False)
    assert shared == before


def keys(column: int, *sources: tuple[str, str | int]) -> Lookup:
    return Lookup("keys", column, tuple(KeySource(*source) for source in sources))


SUB = keys(0, ("word", 0))


@pytest.mark.parametrize(
    ("expression", "guard", "lookups"),
    [
        ("r_sub == p_sub", None, [SUB]),
        ("p_sub == 'a'", None, [keys(0, ("constant", "a"))]),
        ("p_act in ('x', 'y')", None, [keys(3, ("constant", "x"), ("constant", "y"))]),
        ("p_act in ('x', r_act) && r_sub == p_sub", None, [SUB]),
        ("r_sub == p_sub == r_obj && r_act == p_act", None, [keys(3, ("word", 3))]),
        ("r_sub == 'root' && r_act == 'x'", "(w0 == 'root') and (w3 == 'x')", []),
        ("r_sub == 'root' && r_obj == p_obj", "(w0 == 'root')", [keys(2, ("word", 2))]),
        # Links, from a word to a column and no other way.
        ("g(r_sub, p_sub)", None, [keys(0, ("hoist", 0))]),
        ("g(p_sub, r_sub) && r_obj == p_obj", None, [keys(2, ("word", 2))]),
        ("g(r_sub, r_obj) && r_obj == p_obj", None, [keys(2, ("word", 2))]),
        # One of two, where one structure can hold both.
        ("(r_sub == p_sub || r_obj == p_obj) && r_act == p_act", None, [keys(3, ("word", 3))]),
        (
            "(keyMatch(r_obj, p_obj) || p_obj == '*') && r_sub == p_sub",
            None,
            [SUB, Lookup("path", 2, (KeySource("constant", "*"),), "keyMatch", 2)],
        ),
        (
            "(p_obj == '*' || keyMatch(r_obj, p_obj)) && r_sub == p_sub",
            None,
            [SUB, Lookup("path", 2, (KeySource("constant", "*"),), "keyMatch", 2)],
        ),
        (
            "(keyMatch(r_obj, p_obj) || p_obj == r_obj) && r_sub == p_sub",
            None,
            [SUB, Lookup("path", 2, (), "keyMatch", 2)],
        ),
        ("(keyMatch(r_obj, p_obj) || p_obj == r_sub) && r_sub == p_sub", None, [SUB]),
        ("(regexMatch(r_act, p_act) || p_act == '*') && r_sub == p_sub", None, [SUB]),
        # Of one column keys, else a path, else words.
        ("regexMatch(r_act, p_act)", None, [Lookup("words", 3, (KeySource("word", 3),), "regexMatch", 3)]),
        (
            "keyMatch(r_obj, p_obj) && r_obj == p_obj && regexMatch(r_obj, p_obj)",
            None,
            [keys(2, ("word", 2))],
        ),
        ("regexMatch(r_obj, p_obj) && keyMatch(r_obj, p_obj)", None, [Lookup("path", 2, (), "keyMatch", 2)]),
    ],
)
def test_a_branch_says_by_what_its_rules_are_found(
    expression: str, guard: str | None, lookups: list[Lookup]
) -> None:
    matcher = read(expression)
    assert matcher.branches == (Branch(guard, tuple(lookups)),)
    assert matcher.boolean


def test_without_a_role_manager_names_are_compared() -> None:
    functions = Functions(KNOWN | {"g"}, KNOWN, {"g": LinkKind.NONE})
    assert read_matcher("g(r_sub, p_sub)", ("r_sub",), ("p_sub",), functions).branches == (
        Branch(None, (SUB,)),
    )


def test_the_cheapest_conjunct_is_the_one_with_the_fewest_calls_links_before_others() -> None:
    quick = read("keyMatch(r_obj, p_obj) && g(r_sub, p_sub) && r_act == p_act").quick_source
    assert [quick.index(part) for part in ("w3 == c3", "c0 in h0", "verify_keyMatch_2")] == sorted(
        quick.index(part) for part in ("w3 == c3", "c0 in h0", "verify_keyMatch_2")
    )
    assert not read("r_sub == p_sub").quick_source
    assert not read("1.0").boolean
