"""What stock Casbin loads and answers sensibly is loaded, and what it fails over is refused, with the reason."""

from collections.abc import Sequence

import casbin
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rbac import Policy, PolicyError, lint
from rbac.document.document import check_bytes
from rbac.errors import MOST_PROBLEMS
from tests.support.casbin_cases import Lines, model_of

MODEL = """[request_definition]
r = {words}
[policy_definition]
p = sub, obj, act
[role_definition]
g = _, _{roles}
[policy_effect]
e = some(where (p.eft == allow)){effect}
[matchers]
m = {matcher}
"""
EQUAL = "g(r.sub, p.sub) && r.obj == p.obj && "
WHOLE = EQUAL + "r.act == p.act"


def model(matcher: str = WHOLE, *, words: str = "sub, obj, act", roles: str = "", effect: str = "") -> str:
    return MODEL.format(matcher=matcher, words=words, roles=roles, effect=effect)


def refused(text: str, rows: str) -> list[str]:
    """The codes and texts of what is wrong, none for a document that loads."""
    try:
        Policy.parse(text.encode(), rows.encode())
    except PolicyError as error:
        return [f"{problem.code} {problem.message} {problem.hint}" for problem in error.problems]
    return []


def stock_raises(text: str, rows: str, requests: Sequence[tuple[str, ...]]) -> bool:
    """Whether stock Casbin fails over any of these requests."""
    enforcer = casbin.Enforcer(model_of(text), Lines(rows))
    for request in requests:
        try:
            enforcer.enforce(*request)
        except Exception:  # noqa: BLE001 - whatever it raises
            return True
    return False


GUARDS = (
    '(p.act == "*" || regexMatch(r.act, p.act))',
    '(regexMatch(r.act, p.act) || p.act == "*")',
    '(p.act != "*" && regexMatch(r.act, p.act))',
    '(p.act == "*" || p.act != "*" && regexMatch(r.act, p.act))',
    '(!(p.act == "*") && regexMatch(r.act, p.act) || p.act == "*")',
    '(p.act in ("*", "any") || regexMatch(r.act, p.act))',
    '(p.act not in ("*", "any") && regexMatch(r.act, p.act))',
    '("*" == p.act || regexMatch(r.act, p.act))',
    '(r.act == "none" || regexMatch(r.act, p.act))',
    "(p.act == p.obj || regexMatch(r.act, p.act))",
    '(p.act == "GET" || p.act == "*" || keyMatch2(r.act, p.act) || regexMatch(r.act, p.act))',
    "regexMatch(r.act, p.act)",
    '(p.act == "*" && regexMatch(r.act, p.act))',
)


@pytest.mark.parametrize("guard", GUARDS)
@settings(max_examples=25, deadline=None)
@given(
    act=st.sampled_from(["*", "any", "GET", "a*", "/x", "?x", "+", "**"]),
    role=st.sampled_from(["u", "other"]),
)
def test_a_pattern_is_refused_where_stock_fails_over_it_and_only_there(
    guard: str, act: str, role: str
) -> None:
    """`||` and `&&` stop before an expression that would raise."""
    text, rows = model(EQUAL + guard), f"p, {role}, /x, {act}\n"
    requests = [("u", "/x", "GET"), ("other", "/x", "GET"), ("u", "/x", "none"), ("other", "/x", "")]
    assert bool(refused(text, rows)) == stock_raises(text, rows, requests)


def test_the_common_idiom_answers_as_stock_does_and_is_not_warned_of() -> None:
    """A rule for any method beside rules whose method is an expression."""
    text, rows = model(EQUAL + GUARDS[0]), "p, u, /a, *\np, u, /b, ^GET$\n"
    policy = Policy.parse(text.encode(), rows.encode())
    assert {problem.code for problem in lint(policy.document)} == set()
    stock = casbin.Enforcer(model_of(text), Lines(rows))
    for request in [("u", "/a", "PUT"), ("u", "/b", "PUT"), ("u", "/b", "GET"), ("x", "/a", "GET")]:
        assert policy.decide_request(request).allowed == stock.enforce(*request)


@pytest.mark.parametrize("kind", ["g, admin, admin", "g, u, admin\ng, admin, admin\ng, admin, root"])
def test_a_link_of_a_name_to_itself_loads_and_is_told(kind: str) -> None:
    """It does nothing; where a model asks for the role apart from the person, it is a slip, and an error of check."""
    rows = f"p, admin, /a, GET\np, root, /b, GET\n{kind}\n"
    policy = Policy.parse(model().encode(), rows.encode())
    assert policy.decide(sub="admin", obj="/a", act="GET").allowed
    found = [(problem.code, problem.severity) for problem in lint(policy.document)]
    assert ("self-link", "warning") in found
    apart = model(WHOLE.replace("r.sub", "r.role"), words="sub, role, obj, act")
    served = Policy.parse(apart.encode(), rows.encode())
    assert ("self-link", "error") in [(problem.code, problem.severity) for problem in lint(served.document)]


def test_a_circle_and_a_long_chain_are_found_beside_a_link_to_itself() -> None:
    """Leaving the link out of account hides neither."""
    chain = "".join(f"g, a{n}, a{n + 1}\ng, a{n}, a{n}\n" for n in range(11))
    assert any("role-chain-too-long" in each for each in refused(model(), "p, a11, /a, GET\n" + chain))
    circle = "p, a, /a, GET\ng, a, a\ng, a, b\ng, b, a\n"
    assert any("role-cycle" in each for each in refused(model(), circle))


@pytest.mark.parametrize(
    "text",
    [
        model(roles="  # who, role"),
        model(roles=" ; who, role"),
        model(words="sub, obj, act # what is asked"),
        model(effect=" ; deny is not looked at"),
    ],
    ids=["# behind g", "; behind g", "# behind r", "; behind e"],
)
def test_a_comment_behind_a_definition_is_named_as_the_reason(text: str) -> None:
    """Not the columns, which are right."""
    found = refused(text, "p, u, /a, GET\n")
    assert len(found) == 1
    assert "comment" in found[0]
    assert "line of its own" in found[0]


@pytest.mark.parametrize(
    "matcher",
    [
        "g(r.sub, p.sub)\n && r.obj == p.obj\n && r.act == p.act",
        "g(r.sub, p.sub) &&\nr.obj == p.obj &&\nkeyMatch(r.act, p.act)",
        "\n g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act",
        "(g(r.sub, p.sub) ||\nkeyMatch(r.obj, p.obj))",
    ],
    ids=["operator first", "operator last", "empty first line", "call"],
)
def test_a_matcher_over_several_lines_is_told_how_to_be_one(matcher: str) -> None:
    """Each line that goes on says that the one before wants a backslash, and nothing else is said."""
    found = refused(model(matcher), "p, u, /a, GET\n")
    assert found
    assert all("end the line with `\\`" in each for each in found)


def test_two_matchers_are_two_matchers() -> None:
    """A line that is a definition of its own is no continuation."""
    assert refused(model(f"{WHOLE}\nm2 = r.sub == p.sub"), "p, u, /a, GET\n") == []


@pytest.mark.parametrize(("word", "says"), [("true", "True"), ("false", "False"), ("TRUE", "True")])
def test_true_is_written_as_python_has_it(word: str, says: str) -> None:
    """The hint is the word itself, not the list of the model's words."""
    (found,) = refused(model(f"{WHOLE} || {word}"), "p, u, /a, GET\n")
    assert f"write `{says}`" in found


def test_a_log_in_the_place_of_the_policy_has_a_bounded_number_of_problems() -> None:
    """The first are told, and how many more there are."""
    lines = MOST_PROBLEMS * 5
    _, problems = check_bytes(model().encode(), b"2026-11-28 INFO started, and went on\n" * lines)
    assert len(problems) == MOST_PROBLEMS + 1
    (more,) = [problem for problem in problems if problem.code == "more-problems"]
    assert more.message.startswith(f"{lines - MOST_PROBLEMS:,} more problems")
    assert [problem.line for problem in problems if problem is not more] == list(range(1, MOST_PROBLEMS + 1))


def test_a_bounded_number_of_problems_is_found_in_rows_that_are_well_formed() -> None:
    """Patterns that are none are rows like any other."""
    rows = "".join(f"p, u, /a, ({number}\\\n" for number in range(MOST_PROBLEMS + 7)).replace("(", "*")
    _, problems = check_bytes(model(EQUAL + "regexMatch(r.act, p.act)").encode(), rows.encode())
    assert len(problems) == MOST_PROBLEMS + 1
    assert sum(problem.code == "more-problems" for problem in problems) == 1
