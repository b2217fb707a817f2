"""What must never decide although every line can be read, to the letter; and what may, although it looks alike."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from rbac.document.document import Document, check_bytes, parse_definition
from rbac.errors import PolicyError, Problem
from tests.support.documents import MODEL, POLICY

CONDITIONS = b"""[request_definition]
r = sub, obj
r2 = sub, dom
[policy_definition]
p = priority, sub, obj, cond, eft
p2 = sub, pattern
[role_definition]
g = _, _
g2 = _, _
[policy_effect]
e = priority(p.eft) || deny
[matchers]
m = r.sub == p.sub && regexMatch(r.obj, p.obj) && eval(p.cond)
"""
HEADS = CONDITIONS.split(b"m = ", maxsplit=1)[0]
FUNCTIONS = "`globMatch`, `ipMatch`, `keyMatch`, `keyMatch2`, `keyMatch3`, `keyMatch4`, `keyMatch5`, `regexMatch`, `timeMatch`"
EVAL_HINT = "name the column of a rule that holds its condition, as in `eval(p.condition)`"
CONDITION_HINT = "write a condition as the matcher would have it, such as `r.sub.age > 18`"
PRIORITY_HINT = "write every priority as a whole number"
PATH_HINT = "write a path such as `/users/*`, and `\\` before a character that is to mean itself"
REGEX_HINT = "write a regular expression such as `^(GET|POST)$`, or `.*` for everything"
CYCLE_HINT = "delete one of these links, so that it is clear which role holds more"

Told = tuple[int, int, str, str, str, str]
"""Line, column, code, severity, sentence and hint."""


def told(problems: Sequence[Problem]) -> list[Told]:
    return [(each.line, each.column, each.code, each.severity, each.message, each.hint) for each in problems]


def in_policy(policy: str, model: bytes = CONDITIONS) -> list[Told]:
    return told([each for each in check_bytes(model, policy.encode())[1] if each.file == "policy.csv"])


def in_model(matcher: str, model: bytes = HEADS) -> list[Told]:
    return told(
        [each for each in check_bytes(model + matcher.encode() + b"\n", b"")[1] if each.file == "model.conf"]
    )


# --- the model


@pytest.mark.parametrize(
    ("matcher", "column", "code", "message", "hint"),
    [
        (
            "m = r.sub == p.sub && eval(r.sub)",
            23,
            "unknown-word",
            "`eval(r_sub)` must name a word of the rule",
            EVAL_HINT,
        ),
        ("m = eval(p.nosuch)", 5, "unknown-word", "`eval(p_nosuch)` must name a word of the rule", EVAL_HINT),
        ("m = eval(p2.sub)", 5, "unknown-word", "`eval(p2_sub)` must name a word of the rule", EVAL_HINT),
        (
            "m = r2.dom == p.sub",
            5,
            "unknown-word",
            "`r2.dom` is no word of the request or the rule",
            "the words are `r.obj`, `r.sub`, `p.cond`, `p.eft`, `p.obj`, `p.priority`, `p.sub`",
        ),
        (
            "m = r.sub == ",
            1,
            "matcher-syntax",
            "`r.sub ==` is no expression: invalid syntax",
            "write comparisons such as `r.sub == p.sub` and Casbin's functions, joined by `&&`, `||` and `!`",
        ),
        (
            'm = r.sub == p.sub && regexMatch(r.obj, "[")',
            42,
            "invalid-pattern",
            "`[` is no valid pattern for `regexMatch`: a `[` is not closed",
            REGEX_HINT,
        ),
    ],
)
def test_a_matcher_that_cannot_decide_is_an_error_at_its_place(
    matcher: str, column: int, code: str, message: str, hint: str
) -> None:
    assert in_model(matcher) == [(13, column, code, "error", message, hint)]


def test_a_matcher_that_nobody_asks_by_is_warned_of_and_may_use_every_word() -> None:
    unknown = (
        f"the functions are `g`, `g2`, {FUNCTIONS}; one of your own is given with `--functions module:name`, to the service with "
        "`POLICY_FUNCTIONS`, in Python with `functions=`"
    )
    matchers = "m = r.sub == p.sub\nm2 = r2.dom == p2.sub && g2(r2.sub, p2.sub)\nm3 = nosuch(r.sub)"
    assert [each[:4] for each in in_model(matchers)] == [(15, 6, "unknown-function", "warning")]
    ((*_, message, hint),) = in_model(matchers)
    assert message == "`nosuch` is not known: Casbin has no such function, and none of this name was given"
    assert sorted(hint.replace(";", ",").split(", ")) == sorted(unknown.replace(";", ",").split(", "))


@pytest.mark.parametrize("roles", [b"[role_definition]\ng = _, _\n", b""])
@pytest.mark.parametrize("effect", [b"subjectPriority(p.eft) || deny", b"priority(p.eft) || deny"])
def test_priority_by_subject_needs_roles(roles: bytes, effect: bytes) -> None:
    model = HEADS.replace(b"[role_definition]\ng = _, _\ng2 = _, _\n", roles).replace(
        b"priority(p.eft) || deny", effect
    )
    found = in_model("m = r.sub == p.sub", model)
    missing = (
        "missing-definition",
        "error",
        "the effect `subjectPriority` needs the role definition `g`",
        "add the section `[role_definition]` with a line `g = _, _`",
    )
    expected = effect.startswith(b"subject") and b"g = " not in roles
    assert [each[2:] for each in found] == [missing] * expected
    assert [each[:2] for each in found] == [(8 + roles.count(b"\n"), 5)] * expected


# --- rules


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("r.sub == p.sub", ""),
        ("r.sub == 'x'", ""),
        ("regexMatch(r.obj, p.obj) && !g2(r.sub, p.sub)", ""),
        ("1 == 1", ""),
        ("1", ""),
        ("r.sub ==", "`r.sub ==` is no expression: invalid syntax"),
        ("r.nosuch", "`r.nosuch` is no word of the request or the rule"),
        ("p2.sub == r.sub", "`p2.sub` is no word of the request or the rule"),
        ("true", "`true` is no word of the request or the rule"),
        ("'text'", "the quotes make a text of the condition, which is neither true nor false"),
        (
            "nosuch(r.sub)",
            "`nosuch` is not known: Casbin has no such function, and none of this name was given",
        ),
    ],
)
def test_a_condition_that_cannot_be_evaluated_is_warned_of_where_it_stands(
    condition: str, message: str
) -> None:
    good = "p, 1, a, .*, r.sub == 'a', allow\n"
    found = in_policy(f"{good}p, 2, b, .*,  {condition}, allow\np, 3, c, .*, {condition}, deny\n")
    expected = [
        (line, column, "invalid-condition", "warning", message, CONDITION_HINT)
        for line, column in ((2, 15), (3, 14))
    ]
    assert found == (expected if message else [])


@pytest.mark.parametrize(
    ("priorities", "wrong"),
    [
        (["1", "2", "10"], []),
        (["b", "a", "c"], []),
        (["1", "b", "2"], [(2, "b", "1")]),
        (["a", "1", "b", "2"], [(2, "1", "a"), (4, "2", "a")]),
        (["1", "²"], [(2, "²", "1")]),
        (["²", "1"], [(1, "²", "²")]),
        (["1", "-1", ""], [(2, "-1", "1"), (3, "", "1")]),
        (["1", "٣"], []),
    ],
)
def test_priorities_that_cannot_be_compared_are_refused(
    priorities: list[str], wrong: list[tuple[int, str, str]]
) -> None:
    rows = "".join(f"p,   {priority}, a, .*, r.sub == 'a', allow\n" for priority in priorities)
    assert in_policy(rows) == [
        (
            line,
            6,
            "mixed-priority",
            "error",
            f"the priority `{priority}` cannot be compared with `{first}`",
            PRIORITY_HINT,
        )
        for line, priority, first in wrong
    ]


def test_a_comment_in_a_condition_would_take_along_what_the_matcher_says_behind_it() -> None:
    (found,) = in_policy("p, 1, a, .*, r.sub == 'a' # why, allow\n")
    assert found[:4] == (1, 14, "invalid-condition", "warning")
    assert "is no expression" in found[4]


def test_a_condition_that_the_matcher_does_not_evaluate_may_be_anything_that_it_can_be_read_with() -> None:
    matcher = b'(p.cond == "none" || p.cond == "==" || p.cond == "" || eval(p.cond))'
    model = CONDITIONS.replace(b"eval(p.cond)", matcher)
    rows = "".join(f"p, {n}, a, .*, {text}, allow\n" for n, text in enumerate(["none", "", "==", "nobody"]))
    assert [each[0] for each in in_policy(rows, model)] == [3, 4]


def test_columns_are_those_of_their_own_type_also_where_another_has_one_of_that_name() -> None:
    model = HEADS.replace(b"p2 = sub, pattern", b"p2 = sub, my_obj, my_cond, cond, obj")
    matchers = b"""m = r.sub == p.sub && keyMatch(r.obj, p.obj)
m2 = r2.sub == p2.sub && regexMatch(r2.dom, p2.my_obj) && regexMatch(r2.dom, p2.obj) && eval(p2.my_cond) && eval(p2.cond)
"""
    rows = "p, 1, a, +, nobody, allow\np2, a, x, 1 == 1, 1 == 1, x\np2, a, +, nobody, nobody, +\n"
    assert [each[:3] for each in in_policy(rows, model + matchers)] == [
        (3, 8, "invalid-pattern"),
        (3, 11, "invalid-condition"),
        (3, 19, "invalid-condition"),
        (3, 27, "invalid-pattern"),
    ]


@pytest.mark.parametrize(
    "column", [b"regexMatch(r.obj, p.nosuch)", b"regexMatch(r.obj, p2.sub)", b"eval(p.nosuch)"]
)
def test_a_column_that_no_rule_has_is_told_of_the_model_alone(column: bytes) -> None:
    rows = "p, 1, a, +, r.sub == 'a', allow\np2, +, x\n"
    _, problems = check_bytes(HEADS + b"m = r.sub == p.sub && " + column + b"\n", rows.encode())
    assert [(each.file, each.code) for each in problems] == [("model.conf", "unknown-word")]


def test_a_pattern_of_the_matchers_own_that_is_valid_is_not_told_of() -> None:
    assert in_model('m = r.sub == p.sub && regexMatch(r.obj, "^a") && keyMatch(r.obj, "/x/*")') == []


def test_a_matcher_that_reads_its_condition_from_rules_needs_one() -> None:
    no_rules = (
        0,
        0,
        "no-rules",
        "error",
        "there is no rule, and the matcher reads its condition from one",
        "add a rule: Casbin answers nothing without one",
    )
    assert in_policy("") == in_policy("p2, a, b\n") == [no_rules]
    assert in_policy("", MODEL) == []
    assert in_policy("p, 1, a, .*, r.sub == 'a', allow\n") == []


PATTERNS = b"""[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
p2 = obj
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.sub == p.sub && (keyMatch3(r.obj, p.obj) || regexMatch(r.obj, p.obj)) && (p.act == "*" || regexMatch(r.act, p.act))
m2 = keyMatch(r.obj, p2.obj) || regexMatch(r.obj, p2.obj)
"""


@pytest.mark.parametrize(
    ("policy", "wrong"),
    [
        ("p, a, /x, GET\np, a, /{id}, ^GET$\n", []),
        ("p, a, /x, *\n", []),  # never tried as a pattern
        (
            "p, a, /x, GET\np, a, /x, [\np, b, /y,  +\n".replace("[\n", "+\n"),
            [(2, 11, "regexMatch", "+"), (3, 12, "regexMatch", "+")],
        ),
        ("p, a,  /**, GET\n", [(1, 8, "keyMatch3", "/**")]),
        ("p2, /x\np2, +\n", [(2, 5, "regexMatch", "+")]),
    ],
)
def test_a_pattern_over_which_casbin_would_fail_is_refused_where_it_is_tried(
    policy: str, wrong: list[tuple[int, int, str, str]]
) -> None:
    found = in_policy(policy, PATTERNS)
    assert [(line, column) for line, column, *_ in found] == [(line, column) for line, column, *_ in wrong]
    for (_, _, code, severity, message, hint), (_, _, function, pattern) in zip(found, wrong, strict=True):
        assert (code, severity) == ("invalid-pattern", "error")
        assert message.startswith(f"`{pattern}` is no valid pattern for `{function}`: ")
        assert hint == {"regexMatch": REGEX_HINT, "keyMatch3": PATH_HINT}.get(function, hint)
        assert hint


# --- links


def chain(length: int, name: str = "r") -> str:
    return "".join(f"g, {name}{number}, {name}{number + 1}\n" for number in range(length))


def arrows(*names: str) -> str:
    return " → ".join(names)


@pytest.mark.parametrize(
    ("policy", "line", "column", "names"),
    [
        ("g, a, b\ng, b, a\n", 2, 4, ["a", "b", "a"]),
        ("g, a, b\ng, b, c\np, c, /, GET, allow\n  g , c, a\n", 4, 7, ["a", "b", "c", "a"]),
        (
            f"{chain(10)}g, r10, r0\n",
            11,
            4,
            [*(f"r{number}" for number in range(11)), "r0"],
        ),
        (
            f"{chain(11)}g, r11, r0\n",
            12,
            4,
            [*(f"r{number}" for number in range(6)), "…", *(f"r{number}" for number in range(8, 12)), "r0"],
        ),
    ],
)
def test_a_circle_of_roles_is_refused(policy: str, line: int, column: int, names: list[str]) -> None:
    message = f"the roles inherit from each other in a circle: `{arrows(*names)}`"
    assert (line, column, "role-cycle", "error", message, CYCLE_HINT) in in_policy(policy, MODEL)


def test_a_chain_that_casbin_does_not_follow_to_its_end_is_refused() -> None:
    names = [f"r{number}" for number in range(11)]
    assert in_policy(f"# nine\n{chain(9)}", MODEL) == []
    assert in_policy(f"# ten\n{chain(10)}", MODEL) == [
        (
            11,
            4,
            "role-chain-too-long",
            "error",
            f"Casbin follows 9 role links and not the last of these 10: `{arrows(*names)}`",
            "link `r0` or a role between them to `r10` directly",
        )
    ]


def test_links_are_checked_in_every_kind_and_each_domain_by_itself() -> None:
    model = MODEL.replace(b"g = _, _", b"g = _, _\ng2 = _, _, _")
    assert in_policy("g2, a, b, north\ng2, b, a, south\n", model) == []
    found = in_policy("g2, a, b, north\ng2, b, a, north\n", model)
    assert [each[:3] for each in found] == [(2, 5, "role-cycle")]


# --- both files


def test_a_type_that_the_models_fault_may_define_is_not_told_of() -> None:
    _, problems = check_bytes(MODEL.replace(b"keyMatch3", b"nowhere"), b"g2, a, b\nx, y\np, user, /user\n")
    codes = [(each.file, each.code) for each in problems]
    assert ("policy.csv", "wrong-width") in codes
    assert ("policy.csv", "unknown-type") not in codes
    assert [each.code for each in check_bytes(MODEL, b"x, y\np, user, /user\n")[1]] == [
        "unknown-type",
        "wrong-width",
    ]


def test_names_and_functions_go_with_a_document() -> None:
    def mine(value: str) -> bool:
        return value == "7f3c"

    model = MODEL.replace(b"m = (", b"m = mine(r.sub) && (")
    document = Document.parse(
        model, POLICY, model_name="ours.conf", policy_name="ours.csv", functions={"mine": mine}
    )
    assert (document.model_name, document.policy_name) == ("ours.conf", "ours.csv")
    assert document.functions.keys() == {"mine"}
    assert (document.model_bytes, document.policy_bytes) == (model, POLICY)
    with pytest.raises(PolicyError, match="unknown-function"):
        Document.parse(model, POLICY)


def test_a_document_in_files_is_read_as_one_in_bytes(tmp_path: Path) -> None:
    model, policy = tmp_path / "ours.conf", tmp_path / "ours.csv"
    model.write_bytes(MODEL.replace(b"m = (", b"m = mine(r.sub) && ("))
    policy.write_bytes(b"p, user, /user, GET, allow\n" * 600)
    pauses: list[int] = []
    functions = {"mine": lambda value: value == "7f3c"}
    read = Document.read(model, str(policy), functions=functions, pause=lambda: pauses.append(1))
    assert (read.model_name, read.policy_name) == (str(model), str(policy))
    assert read.functions.keys() == functions.keys()
    assert pauses == [1]  # once in 512 lines


def test_a_warning_of_the_model_alone_refuses_no_model() -> None:
    warned = MODEL + b"m2 = nosuch(r.sub)\n"
    assert parse_definition(warned).request_words == ("sub", "role", "obj", "act")
    document, problems = check_bytes(warned, POLICY)
    assert document is not None
    assert (
        [each.code for each in problems] == [each.code for each in document.warnings] == ["unknown-function"]
    )


def test_links_are_read_by_kind_and_domain() -> None:
    model = MODEL.replace(b"g = _, _", b"g = _, _\ng2 = _, _, _")
    document = Document.parse(model, b"g, a, b\ng2, c, d, north\ng2, e, f, south\n")
    assert list(document.links()) == [""]
    assert set(document.links("g2")) == {"north", "south"}
    assert document.links("g3") == {}
    assert list(document.links("g2", domains=False)) == [""]
