"""What a written matcher calls treats a value as Casbin's evaluator does: it gives it, or refuses it with the same error."""

import os
from types import SimpleNamespace
from typing import Any

import pytest
import simpleeval

from rbac.engine.lookups import read_matcher
from rbac.engine.matcher import Functions, LinkKind, NotCompiledError
from rbac.engine.matcher_code import allowed, attribute, caller, is_address, is_true

EVALUATOR = simpleeval.EvalWithCompoundTypes


def of_evaluator(expression: str, **names: Any) -> Any:
    """What the evaluator makes of it: a value, or the class of what it raises."""
    try:
        return EVALUATOR(names=names).eval(expression)
    except Exception as error:  # noqa: BLE001 - whatever it raises is its answer
        return type(error)


def of_ours(value: Any, name: str) -> Any:
    try:
        return attribute(value, name)
    except Exception as error:  # noqa: BLE001 - as above
        return type(error)


class Unwilling(dict[str, str]):
    """Fails over an attribute, but has items."""

    @property
    def name(self) -> str:
        raise TypeError("of its own")


@pytest.mark.parametrize(
    "value",
    [
        SimpleNamespace(name="a"),
        {"name": "a"},
        {"other": "a"},
        SimpleNamespace(other="a"),
        SimpleNamespace(name=os),
        SimpleNamespace(name=eval),
        SimpleNamespace(name=[eval]),
        {"name": exec},
        {"name": os},
        Unwilling(),
        Unwilling(name="a"),
        "text",
        7,
        None,
        ["a"],
    ],
    ids=lambda value: str(value)[:30],
)
def test_an_attribute_is_what_the_evaluator_finds(value: Any) -> None:
    expected = of_evaluator("value.name", value=value)
    found = of_ours(value, "name")
    assert found == expected or (isinstance(found, type) and issubclass(found, simpleeval.InvalidExpression))
    assert isinstance(found, type) is isinstance(expected, type)


@pytest.mark.parametrize("value", ["a", 0, None, {"a": 1}, print, SimpleNamespace()])
def test_what_anybody_may_have_is_given(value: Any) -> None:
    assert allowed(value) is value


@pytest.mark.parametrize("value", [eval, exec, open, os, getattr, compile])
def test_what_the_evaluator_lets_nobody_have_is_refused(value: Any) -> None:
    with pytest.raises(simpleeval.FeatureNotAvailable):
        allowed(value)
    with pytest.raises(simpleeval.FeatureNotAvailable):
        attribute(SimpleNamespace(name=value), "name")


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("10.0.0.1", True),
        ("::1", True),
        ("10.0.0.0/8", False),
        ("", False),
        ("x", False),
        (None, False),
        (7, True),
    ],
)
def test_an_address_is_what_ip_match_takes(text: Any, is_one: bool) -> None:
    assert is_address(text) is is_one


@pytest.mark.parametrize(
    ("result", "true"), [(True, True), (False, False), (0.5, True), (-1.0, True), (0.0, False)]
)
def test_a_result_is_true_as_casbin_has_it(result: Any, true: bool) -> None:
    assert is_true(result) is true


@pytest.mark.parametrize("result", [1, 0, "", "yes", None, ()])
def test_any_other_result_is_an_error(result: Any) -> None:
    with pytest.raises(RuntimeError, match=r"^matcher result should be bool, int or float$"):
        is_true(result)


def test_links_are_called_before_functions_and_what_is_neither_is_an_error() -> None:
    call = caller(
        {
            "both": lambda *given: ("function", *given),
            "own": lambda *given: ("function", *given),
            "bad": eval,
            "gives": lambda: open,
        },
        {"both": lambda *given: ("link", *given)},
    )
    assert call("both", "a", "b") == ("link", "a", "b")
    assert call("own", "a", "b") == ("function", "a", "b")
    with pytest.raises(simpleeval.FunctionNotDefined):
        call("nobody", "a")
    with pytest.raises(simpleeval.FeatureNotAvailable):
        call("bad", "1")
    with pytest.raises(simpleeval.FeatureNotAvailable):
        call("gives")


FUNCTIONS = Functions(
    # `keyMatch3` is known, but is not Casbin's own.
    frozenset({"own", "keyMatch2", "keyMatch3", "regexMatch", "globMatch", "g", "h", "list"}),
    frozenset({"keyMatch2", "regexMatch", "globMatch"}),
    {"g": LinkKind.NAMES, "h": LinkKind.NONE},
)


def source(expression: str) -> str:
    return read_matcher(expression, ("r_sub", "r_obj"), ("p_sub", "p_obj"), FUNCTIONS).source


@pytest.mark.parametrize(
    ("expression", "written"),
    [
        ("r_sub == p_sub", "w0 == c0"),
        ("!(r_sub == 'a') && p_obj in ['x', 'y']", "not w0 == 'a' and c1 in ['x', 'y']"),
        ("r_sub.name == p_sub", "attribute(allowed(w0), 'name') == c0"),
        ("r_sub.name.first == p_sub", "attribute(attribute(allowed(w0), 'name'), 'first') == c0"),
        ("own(r_sub, 'x')", "call('own', allowed(w0), 'x')"),
        ("1 < 2.5", "1 < 2.5"),
        ("g(r_sub, 'a')", "w0 == 'a' or 'a' in h0[1]"),
        ("g(r_sub.name, p_sub)", "call('g', attribute(allowed(w0), 'name'), c0)"),
        ("h(r_sub, p_sub)", "w0 == c0"),
        # A pattern of the policy's is matched without going back over what the caller sent.
        ("regexMatch(r_obj, p_obj)", "regex(w1, c1)"),
        ("regexMatch(r_obj, 'a+')", "match_regexMatch(allowed(w1), 'a+')"),
        ("regexMatch(p_sub, p_obj)", "match_regexMatch(c0, c1)"),
        ("regexMatch(r_sub.name, p_obj)", "match_regexMatch(attribute(allowed(w0), 'name'), c1)"),
        ("keyMatch2(r_obj, '/x/:id')", "match_keyMatch2(allowed(w1), '/x/:id')"),
        ("keyMatch2('/x', p_obj)", "match_keyMatch2('/x', c1)"),
        # Any other is Casbin's.
        ("regexMatch(p_obj, r_obj)", "call('regexMatch', c1, allowed(w1))"),
        ("regexMatch(r_obj, own(p_obj))", "call('regexMatch', allowed(w1), call('own', c1))"),
        ("regexMatch(r_obj, 7)", "call('regexMatch', allowed(w1), 7)"),
        ("regexMatch(p_obj)", "call('regexMatch', c1)"),
        ("regexMatch(r_obj, p_sub, p_obj)", "call('regexMatch', allowed(w1), c0, c1)"),
        ("keyMatch3(r_obj, '/x/{id}')", "call('keyMatch3', allowed(w1), '/x/{id}')"),
        ("globMatch(r_obj, p_obj)", "call('globMatch', allowed(w1), c1)"),
    ],
)
def test_a_matcher_is_written_word_by_word(expression: str, written: str) -> None:
    assert source(expression) == written


@pytest.mark.parametrize(
    "expression",
    [
        "r_sub + p_sub == 'x'",
        "-1 < 2",
        "r_sub is p_sub",
        "{'a': r_sub}",
        "r_sub[0] == p_sub",
        "nobody == r_sub",
        "r_sub == b'x'",
        "r_sub == None",
        f"r_sub == '{'x' * (simpleeval.MAX_STRING_LENGTH + 1)}'",
        "r_sub.__class__ == p_sub",
        "r_sub._private == p_sub",
        "r_sub.func_globals == p_sub",
        "r_sub.format('x') == p_sub",
        "r_sub.format == p_sub",
        "own(r_sub, word='x')",
        "own(*r_sub)",
        "regexMatch(r_obj, *p_obj)",
        "g(r_sub, *p_sub)",
        "keyMatch2(r_obj, p_obj, *r_sub)",
        "own(p_sub)(r_sub)",
        "(r_sub or own)(p_sub)",
        "r_sub.own('x')",
        "unknown(r_sub)",
        "list(r_sub)",
        "[one for one in r_sub] == p_sub",
        "r_sub if p_sub else r_obj",
    ],
)
def test_what_only_the_evaluator_decides_is_left_to_it(expression: str) -> None:
    with pytest.raises(NotCompiledError):
        source(expression)
    assert source(f"r_sub == '{'x' * simpleeval.MAX_STRING_LENGTH}'")
