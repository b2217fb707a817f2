"""What is certain of a part of a matcher before it is evaluated, and what that takes for given."""

import ast

import pytest

from rbac.engine.matcher import Functions, LinkKind
from rbac.engine.matcher_facts import Nodes
from rbac.model.functions import MATCHING, PATH_FUNCTIONS

LINKS = {
    "g": LinkKind.NAMES,
    "g2": LinkKind.DOMAINS,
    "g3": LinkKind.OPAQUE,
    "g4": LinkKind.CERTAIN,
    "g5": LinkKind.NONE,
}


def nodes() -> Nodes:
    """Those of a model with a word that both sides have, and whose `keyMatch5` is the application's own."""
    builtin = frozenset(MATCHING) - {"keyMatch5"}
    functions = Functions(builtin | {"keyMatch5", "mine"} | LINKS.keys(), builtin, LINKS)
    words, columns = ("r_sub", "r_obj", "r_act", "both"), ("p_sub", "p_obj", "both")
    return Nodes(
        {word: place for place, word in enumerate(words)},
        {column: place for place, column in enumerate(columns)},
        functions,
    )


def node(expression: str) -> ast.expr:
    return ast.parse(expression, mode="eval").body


@pytest.mark.parametrize(
    ("expression", "word", "column", "plain"),
    [
        ("r_sub", 0, None, True),
        ("r_act", 2, None, True),
        ("p_sub", None, 0, True),
        ("p_obj", None, 1, True),
        ("both", None, 2, True),  # the rule's value wins
        ("'text'", None, None, True),
        ("''", None, None, True),
        ("7", None, None, False),
        ("True", None, None, False),
        ("None", None, None, False),
        ("unknown", None, None, False),
        ("r_sub.name", None, None, False),
        ("[r_sub]", None, None, False),
    ],
)
def test_what_is_a_word_a_column_and_a_text_for_certain(
    expression: str, word: int | None, column: int | None, plain: bool
) -> None:
    at, asked = nodes(), node(expression)
    assert (at.word(asked), at.column(asked), at.plain(asked)) == (word, column, plain)


@pytest.mark.parametrize(
    ("expression", "boolean"),
    [
        ("True", True),
        ("'a'", False),
        ("1", False),
        ("r_sub", False),
        ("-r_sub", False),
        ("not r_sub", True),
        ("not mine(r_sub)", True),
        ("True and r_sub", False),
        ("True or r_sub == p_sub", True),
        ("r_sub == p_sub", True),
        ("r_sub < p_sub", True),
        ("r_sub is p_sub", False),
        ("r_sub == p_sub is p_obj", False),
        ("r_sub == 7", False),
        ("7 == r_sub", False),
        ("r_sub == 'a' == p_sub", True),
        ("r_sub == 'a' == 7", False),
        ("r_sub in p_sub", True),
        ("r_sub in ('a', p_sub)", True),
        ("r_sub not in ['a', 'b']", True),
        ("r_sub in ['a', 7]", False),
        ("r_sub in [7, 'a']", False),
        ("r_sub in []", True),
        ("r_sub in mine", False),
        ("7 in ['a']", False),
        ("r_sub == ['a']", False),
        ("r_sub < ('a',)", False),
        ("g(r_sub, p_sub)", True),
        ("g(r_sub, p_sub, 'd')", True),
        ("g2(r_sub, p_sub, 'd')", True),
        ("g3(r_sub, p_sub)", False),
        ("g4(r_sub, p_sub)", True),
        ("g5(r_sub, p_sub)", True),
        ("g(r_sub)", False),
        ("g(r_sub, p_sub, 'd', 'e')", False),
        ("keyMatch(r_obj, p_obj)", True),
        ("keyMatch5(r_obj, p_obj)", False),
        ("mine(r_sub)", False),
        ("unknown(r_sub)", False),
        ("r_sub.lower()", False),
        ("keyMatch(r_obj, p_obj)(r_sub)", False),
    ],
)
def test_what_is_true_or_false_and_nothing_else(expression: str, boolean: bool) -> None:
    assert nodes().boolean(node(expression)) is boolean


Expected = tuple[bool, set[tuple[int, str]], set[int]]
"""Whether it is certain, the columns whose patterns then must be valid, and the words that must be addresses."""

CERTAIN: Expected = (True, set(), set())
UNCERTAIN: Expected = (False, set(), set())


def valid(function: str, column: int = 1) -> Expected:
    """Certain, as long as the patterns of a column are valid."""
    return True, {(column, function)}, set()


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("True", CERTAIN),
        ("'a'", UNCERTAIN),
        ("r_sub", UNCERTAIN),
        ("r_sub == p_sub", CERTAIN),
        ("r_sub == 7", UNCERTAIN),
        ("r_sub == p_sub and True", CERTAIN),
        ("mine(r_sub) and r_sub == p_sub", UNCERTAIN),
        ("r_sub == p_sub or mine(r_sub)", UNCERTAIN),
        ("r_sub == p_sub and r_obj", UNCERTAIN),
        ("not r_sub", CERTAIN),
        ("not 'a'", CERTAIN),
        ("not True", CERTAIN),
        ("not g(r_sub, p_sub)", CERTAIN),
        ("not mine(r_sub)", UNCERTAIN),
        ("not 7", UNCERTAIN),
        ("-r_sub", UNCERTAIN),
        ("r_sub.name", UNCERTAIN),
        ("g(r_sub, p_sub)", CERTAIN),
        ("g2(r_sub, p_sub, 'd')", CERTAIN),
        ("g4(r_sub, p_sub)", CERTAIN),
        ("g3(r_sub, p_sub)", UNCERTAIN),
        ("g(r_sub)", UNCERTAIN),
        ("g(r_sub, 7)", UNCERTAIN),
        ("g(7, p_sub)", UNCERTAIN),
        ("keyMatch(r_obj, p_obj)", CERTAIN),
        ("keyMatch(r_obj, '/a*')", CERTAIN),
        ("keyMatch(7, p_obj)", UNCERTAIN),
        ("keyMatch(r_obj, p_obj, r_sub)", UNCERTAIN),
        ("keyMatch(r_obj)", UNCERTAIN),
        ("keyMatch3(r_obj, p_obj)", valid("keyMatch3")),
        ("keyMatch3(p_sub, p_obj)", valid("keyMatch3")),
        ("keyMatch3(r_obj, p_sub)", valid("keyMatch3", 0)),
        ("keyMatch3(r_obj, r_act)", UNCERTAIN),
        ("keyMatch3(r_obj, '/{x')", UNCERTAIN),
        ("keyMatch5(r_obj, p_obj)", UNCERTAIN),
        ("regexMatch(r_obj, p_obj)", valid("regexMatch")),
        ("globMatch(r_obj, p_obj)", UNCERTAIN),
        ("ipMatch(r_obj, p_obj)", (True, set(), {1})),
        ("ipMatch(r_obj, '10.0.0.0/8')", (True, set(), {1})),
        ("ipMatch(p_obj, p_sub)", UNCERTAIN),
        ("mine(r_sub, p_sub)", UNCERTAIN),
        ("r_sub.lower()", UNCERTAIN),
    ],
)
def test_what_cannot_raise_and_what_that_rests_on(expression: str, expected: Expected) -> None:
    at = nodes()
    certain = at.certain(node(expression))
    assert certain is expected[0]
    assert (at.matcher.valid_patterns, at.matcher.addresses) == expected[1:]


@pytest.mark.parametrize(
    ("expression", "decided"),
    [
        ("True", True),
        ("r_sub == 'a'", True),
        ("r_sub == r_obj and r_act == 'a'", True),
        ("not r_sub", True),
        ("r_sub == p_sub", False),
        ("both == 'a'", False),
        ("r_sub", False),
        ("r_sub == 7", False),
        ("g(r_sub, 'admin')", False),
        ("not r_sub.admin", False),
        ("not r_sub.lower()", False),
    ],
)
def test_what_the_request_alone_decides(expression: str, decided: bool) -> None:
    assert nodes().of_request(node(expression)) is decided


@pytest.mark.parametrize("name", [*PATH_FUNCTIONS, "regexMatch", "mine", "g"])
@pytest.mark.parametrize("operands", ["r_obj, p_obj", "r_obj", "r_obj, p_obj, r_sub"])
def test_a_path_is_compared_only_by_casbins_own_functions_for_it(name: str, operands: str) -> None:
    asked = node(f"{name}({operands})")
    assert isinstance(asked, ast.Call)
    known = name in PATH_FUNCTIONS and name != "keyMatch5" and operands == "r_obj, p_obj"
    expected = (PATH_FUNCTIONS[name], *asked.args) if known else None
    assert nodes().style(asked) == expected


def test_links_have_two_names_and_perhaps_a_domain() -> None:
    at = nodes()
    for name, kind in LINKS.items():
        asked = [at.links(node(f"{name}({', '.join(['r_sub'] * count)})")) for count in range(5)]
        assert asked == [None, None, kind, kind, None]
    assert at.links(node("r_sub")) is None
