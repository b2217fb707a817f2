"""A model file is read as Casbin reads it, or refused."""

from typing import Any

import pytest
from casbin.config.config import Config
from casbin.model.model import Model
from hypothesis import given, settings
from hypothesis import strategies as st

from rbac.document.document import check_bytes
from rbac.errors import Problem
from rbac.model.definition import Definition, read_model
from tests.support.documents import MODEL, stock_rows

SOUND = (
    *("[request_definition]", "r = sub, obj, act", "[policy_definition]", "p = sub, obj, act"),
    *("[role_definition]", "g = _, _", "[policy_effect]", "e = some(where (p.eft == allow))"),
    *("[matchers]", "m = g(r.sub, p.sub) && r.obj == p.obj"),
)
ODD = (
    *("[Matchers]", "[ matchers ]", "[matchers", "matchers]", "[]", "[matchers]", "[[matchers]", "[a] = 1"),
    *("r2 = sub, act", "p2 = sub, act", "p3 = x", "g2 = _, _, _", "e2 = !some(where (p.eft == deny))"),
    *("m2 = r2.sub == p2.sub", "M = 1", "m", "m =", "= x", "a = b = c", "m::x = 2", "matchers::m = 1"),
    *("\\", "\\\\", "  \\", "# a comment", "; a comment", "#\\", "x \\", "\\x", "m = \\", "r = \\"),
    *("  && r.act == p.act", "m = r.sub == p.sub \\", "m = r.sub == p.sub # \\", "m = 'a#b' == r.sub"),
    *("", "\t", "\u3000", "m = r.sub == p.sub\u2003\\", "g = _,_ ", "g = __", "p = sub,obj,,act"),
)


@st.composite
def models(draw: st.DrawFn) -> str:
    """A sound model with a few odd lines in it, and perhaps without a line of its own."""
    lines = list(SOUND)
    for odd in draw(st.lists(st.sampled_from(ODD), min_size=1, max_size=4)):
        lines.insert(draw(st.integers(0, len(lines))), odd)
    if draw(st.booleans()):
        del lines[draw(st.integers(0, len(lines) - 1))]
    return "\n".join(lines) + draw(st.sampled_from(("\n", "", "\\", "\n\\")))


def stock_definitions(text: str) -> dict[str, str]:
    """Every definition that Casbin finds, with its value."""
    model = Model()
    model.load_model_from_text(text)
    return {key: assertion.value for known in model.model.values() for key, assertion in known.items()}


def definitions_of(definition: Definition) -> set[str]:
    kinds = (definition.requests, definition.policies, definition.effects, definition.matchers)
    return {key for kind in kinds for key in kind} | set(definition.roles)


@settings(max_examples=300, deadline=None)
@given(models())
def test_a_model_that_is_not_refused_holds_the_definitions_that_casbin_finds(text: str) -> None:
    definition, _, problems = read_model(text, "model.conf")
    assert "differs-from-casbin" not in {problem.code for problem in problems}
    if problems or definition is None:
        return
    found = stock_definitions(text)
    assert definitions_of(definition) == set(found)
    assert {**definition.matchers} == {key: value for key, value in found.items() if key[0] == "m"}
    assert {**definition.effects} == {key: value for key, value in found.items() if key[0] == "e"}


def test_a_backslash_that_continues_nothing_is_refused_as_casbin_fails_over_it() -> None:
    model = MODEL.replace(b"[matchers]", b"  \\\n[matchers]")
    with pytest.raises(RuntimeError):
        stock_rows(model, b"")
    document, problems = check_bytes(model, b"")
    line = model[: model.index(b"\\\n[matchers]")].count(b"\n") + 1
    assert document is None
    assert [(problem.line, problem.column, problem.code) for problem in problems] == [
        (line, 3, "model-syntax")
    ]


def refused_by(monkeypatch: pytest.MonkeyPatch, rewritten: str, instead: str) -> tuple[Problem, ...]:
    """The problems of the shipped model under a Casbin that reads it as if ``instead`` stood for ``rewritten``."""
    as_it_is: Any = Config.new_config_from_text
    monkeypatch.setattr(
        Config, "new_config_from_text", lambda text: as_it_is(text.replace(rewritten, instead))
    )
    document, problems = check_bytes(MODEL, b"p, user, /user, GET, allow\n")
    assert document is None
    return problems


def test_a_casbin_that_reads_a_definition_differently_is_not_trusted_with_the_model(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (problem,) = refused_by(monkeypatch, "keyMatch3", "keyMatch2")
    assert (problem.code, problem.severity) == ("differs-from-casbin", "error")
    assert MODEL.splitlines()[problem.line - 1].startswith(b"m = ")


def test_a_casbin_that_cannot_read_the_model_is_not_trusted_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    (problem,) = refused_by(monkeypatch, "\n[matchers]", "\n\\\n[matchers]")
    assert (problem.code, problem.line) == ("differs-from-casbin", 0)
    assert "parse the content error" in problem.message


def test_a_casbin_that_finds_more_definitions_is_not_trusted_with_the_model(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (problem,) = refused_by(monkeypatch, "\n[role_definition]", "\np2 = sub\n[role_definition]")
    assert problem.code == "differs-from-casbin"
    assert "`p2`" in problem.message
