"""What a matcher says is read once, and told alike to all who ask."""

import ast

import pytest

from rbac import Policy
from rbac.decision_log.needed_links import LinkUse
from rbac.document.document import parse_definition
from rbac.linting.lint import lint
from rbac.model import expression
from rbac.model.comparisons import required_texts
from rbac.model.definition import Definition
from rbac.space.alike import told_apart
from rbac.space.rule_masks import RuleMasks

MODEL = """[request_definition]
r = sub, role, obj, act

[policy_definition]
p = role, obj, act, eft

[role_definition]
g = _, _

[policy_effect]
e = some(where (p.eft == allow))

[matchers]
m = {matcher}
"""
PLAIN = "(g(r.role, p.role) || p.role == 'everyone') && keyMatch3(r.obj, p.obj) && r.act == p.act"


def definition(matcher: str) -> Definition:
    return parse_definition(MODEL.format(matcher=matcher).encode())


@pytest.mark.parametrize(
    ("matcher", "constants", "spelled"),
    [
        (PLAIN, ("everyone",), ()),
        ("r.role == p.role && 'everyone' == p.role", ("everyone",), ()),
        ("r.sub == 'root' || r.role == p.role", (), ((0, "root"),)),
        ("r.sub in ('root', 'boss') || r.role == p.role", (), ((0, "root"), (0, "boss"))),
        ("r.sub in {'root'} || r.role == p.role", (), ((0, "root"),)),
        ("r.sub != '' && r.role == p.role", (), ()),
        ("r.role == p.role && eval(p.obj)", (), ()),
    ],
)
def test_what_a_matcher_spells_is_found_however_it_does(
    matcher: str, constants: tuple[str, ...], spelled: tuple[tuple[int, str], ...]
) -> None:
    relations = definition(matcher).relations
    assert (relations.constants, relations.spelled) == (constants, spelled)


@pytest.mark.parametrize(
    ("comparison", "texts"),
    [
        ("p_role == 'a'", ("a",)),
        ("'a' == p_role", ("a",)),
        ("p_role in ('a', 'b')", ("a", "b")),
        ("p_role in {'a'}", ("a",)),
        ("p_role != 'a'", ()),
        ("p_role == 1", ()),
        ("p_role == r_role", ()),
        ("p_role in ('a', r_role)", ()),
        ("p_act == 'a'", ()),
        ("p_role == 'a' == p_act", ()),
    ],
)
def test_a_word_has_to_be_one_of_the_texts_that_it_is_compared_with(
    comparison: str, texts: tuple[str, ...]
) -> None:
    assert required_texts(expression.parse(comparison), "p_role") == texts


def test_a_matcher_is_parsed_once_whoever_asks_about_it(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = b"p, user, /user, GET, allow\np, admin, /a/{id}, GET, allow\ng, admin, user\n"
    policy = Policy.parse(MODEL.format(matcher=PLAIN).encode(), rules)
    parsed: list[str] = []

    def parse_python(text: str) -> object:
        parsed.append(text)
        raise AssertionError(text)

    assert isinstance(policy.document.definition.tree, ast.BoolOp)
    monkeypatch.setattr(expression, "parse_python", parse_python)
    assert policy.relations.pairs
    assert RuleMasks(policy).formula == policy.document.definition.formula
    assert LinkUse(policy).judged
    assert told_apart(policy) == {"user", "admin", "everyone"}
    assert not lint(policy.document)
    assert not parsed
