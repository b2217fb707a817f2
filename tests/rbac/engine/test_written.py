"""The function that a policy decides by gives the answer of the rule that stock Casbin explains its answer with."""

from itertools import product
from types import SimpleNamespace
from typing import Any

import pytest
from casbin.core_enforcer import EnforceContext

from rbac.engine.enforcer import IndexedEnforcer
from tests.support.casbin_cases import Subject
from tests.support.model_zoo import DENY, EFFECTS, RBAC, model

LINKS = "g = _, _"
PLAIN = "g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act"
Answer = tuple[bool, int]


class Places:
    """Answers by place, as many as there are rules; counts how often one is made."""

    def __init__(self, rules: int) -> None:
        self.known: list[Answer | None] = [None] * (rules + 1)
        self.made = 0

    def of(self, allowed: bool, place: int, /) -> Answer:
        self.made += 1
        if place >= 0:
            self.known[place] = allowed, place
        return allowed, place


def asked(enforcer: IndexedEnforcer) -> tuple[Any, Places]:
    places = Places(len(enforcer.get_policy()))
    return enforcer.answering(places), places


@pytest.mark.parametrize("effect", [RBAC, DENY, "!some(where (p.eft == deny))", "priority(p.eft) || deny"])
@pytest.mark.parametrize("columns", ["sub, obj, act, eft", "eft, sub, obj, act"])
def test_each_effect_answers_by_the_rule_that_stock_casbin_names(effect: str, columns: str) -> None:
    rows = EFFECTS
    if columns.startswith("eft"):
        turned = (line.split(", ") for line in EFFECTS.splitlines() if line.startswith("p"))
        links = [line for line in EFFECTS.splitlines() if line.startswith("g")]
        rows = "\n".join([*(", ".join((row[0], row[-1], *row[1:-1])) for row in turned), *links])
    subject = Subject("effects", model(PLAIN, p=columns, g=LINKS, e=effect), rows)
    ours, stock = subject.ours(), subject.stock()
    answer, places = asked(ours)
    rules = ours.get_policy()
    requests = list(product("abcdxyz", ("o1", "o2"), ("read", "write")))
    for _ in range(2):
        for request in requests:
            allowed, place = answer(request)
            assert (allowed, rules[place] if place >= 0 else []) == stock.enforce_ex(*request), request
    known = [(place, found) for place, found in enumerate(places.known) if found is not None]
    assert known
    assert [place for place, _ in known] == [place for _, (_, place) in known]


@pytest.mark.parametrize(
    ("matcher", "rows", "requests"),
    [
        # What the matcher makes is no truth value, or one only as a number.
        ("r.sub == p.sub && 1.0", "p, a, o, read", [("a", "o", "read"), ("b", "o", "read")]),
        ("r.sub == p.sub && r.obj", "p, a, o, read", [("b", "o", "read")]),
        # An address that is none is an error, also where no rule would have been looked at.
        ("ipMatch(r.sub, p.sub) && r.obj == p.obj", "p, 10.0.0.0/8, o, read", [("10.1.2.3", "o", "read")]),
        # Each path once, with and without what stands behind a question mark.
        (
            "keyMatch2(r.obj, p.obj)",
            "p, a, /x/:id, read\np, b, /x/y, read\np, c, /x/*, read",
            [("a", path, "read") for path in ("/x/y", "/x/z", "/x/y?q=1", "/x/", "/x", "/x\n")],
        ),
        (
            "keyMatch5(r.obj, p.obj)",
            "p, a, /x/{id}, read",
            [("a", path, "") for path in ("/x/y?q=1", "/x/y", "/x")],
        ),
        # One kind of rule by a look-up, and another by none.
        (
            '(g(r.sub, p.sub) && r.obj == p.obj) || r.sub == "root"',
            "p, a, o, read\np, b, q, read\ng, x, a",
            [(sub, obj, "read") for sub in ("a", "x", "root", "z") for obj in "oq"],
        ),
    ],
)
def test_what_a_matcher_makes_of_a_request_is_what_casbin_does(
    matcher: str, rows: str, requests: list[tuple[str, ...]]
) -> None:
    subject = Subject("matcher", model(matcher, g=LINKS), rows)
    ours, stock = subject.ours(), subject.stock()
    answer, _ = asked(ours)
    for request in requests:
        allowed, place = answer(request)
        rule = ours.get_policy()[place] if place >= 0 else []
        assert (allowed, rule) == stock.enforce_ex(*request), request


ATTRIBUTES = Subject("attributes", model("r.sub.name == p.sub && r.obj == p.obj"), "p, a, o, read\n")
SIMPLE = Subject("simple", model("r.sub == p.sub && r.obj == p.obj"), "p, a, o, read\np, b, o, read\n")


def test_a_word_that_is_no_text_is_left_to_casbin() -> None:
    answer, places = asked(SIMPLE.ours())
    assert answer(("a", "o", "read")) == (True, 0)

    class Text(str):
        __slots__ = ()

    for request in ((Text("b"), "o", "read"), (7, "o", "read"), ("a", None, "read")):
        assert answer(request) == SIMPLE.ours().locate(*request)
    assert places.made >= 3
    objects, _ = asked(ATTRIBUTES.ours())
    assert objects((SimpleNamespace(name="a"), "o", "read")) == (True, 0)
    assert objects(({"name": "a"}, "o", "read")) == (True, 0)
    assert objects(({"name": "b"}, "o", "read")) == (False, -1)


def test_a_request_in_a_context_of_its_own_is_asked_by_that() -> None:
    text = (
        model("r.sub == p.sub && r.obj == p.obj").replace(
            "[policy_definition]", "r2 = sub, obj, act\n[policy_definition]"
        )
        + "m2 = r2.sub == p.sub\n"
    )
    ours = Subject("contexts", text, "p, a, o, read\n").ours()
    context = EnforceContext("r2", "p", "e", "m2")
    assert ours.enforce(context, "a", "elsewhere", "read")
    assert not ours.enforce("a", "elsewhere", "read")


def test_a_function_that_was_replaced_is_asked_itself() -> None:
    subject = Subject("replaced", model("keyMatch2(r.obj, p.obj)"), "p, a, /x/:id, read\n")
    ours = subject.ours()
    assert ours.enforce("a", "/x/y", "read")
    ours.add_function("keyMatch2", lambda *_: False)
    assert not ours.enforce("a", "/x/y", "read")


@pytest.mark.parametrize("matcher", ["keyMatch2(r.obj, p.obj)", 'regexMatch(r.obj, "^/x")'])
def test_a_function_that_is_replaced_behind_the_enforcers_back_is_asked_as_stock_asks_it(
    matcher: str,
) -> None:
    """Before the first request and between two."""
    subject = Subject("replaced", model(matcher), "p, a, /x/:id, read\n")
    for enforcer in (subject.ours(), subject.stock()):
        assert enforcer.enforce("a", "/x/y", "read")
        functions: Any = enforcer.fm
        functions.get_functions()[matcher.partition("(")[0]] = lambda *_: False
        assert not enforcer.enforce("a", "/x/y", "read")


def test_a_row_of_another_width_is_an_error_of_the_request_as_casbins_is() -> None:
    uneven = Subject("uneven", SIMPLE.model, "p, a, o, read\np, b, o\n")
    answer, _ = asked(uneven.ours())
    assert answer(("a", "o", "read")) == (True, 0)
    with pytest.raises(RuntimeError, match="invalid policy size"):
        answer(("b", "o", "read"))
    with pytest.raises(RuntimeError, match="invalid policy size"):
        uneven.stock().enforce("b", "o", "read")


def test_rules_that_came_behind_the_index_are_looked_at_too() -> None:
    ours = SIMPLE.ours()
    assert not ours.enforce("c", "o", "read")
    ours.add_policy("c", "o", "read")
    assert ours.enforce_ex("c", "o", "read") == (True, ["c", "o", "read"])
    assert asked(ours)[0](("c", "o", "read")) == (True, 2)


def test_an_answer_is_made_once_and_each_time_where_casbin_itself_answers() -> None:
    answer, places = asked(SIMPLE.ours())
    left, made_anew = asked(
        Subject("eval", model("eval(p.sub) && r.obj == p.obj"), "p, r.sub == 'a', o, -\n").ours()
    )
    for _ in range(2):
        assert answer(("b", "o", "read")) == (True, 1)
        assert left(("a", "o", "-")) == (True, 0)
        assert left(("b", "o", "-")) == (False, -1)
    assert (places.made, made_anew.made) == (1, 4)
