"""The decision that each rule leads to: made once, with its line, and only by a rule that the model's effect looks at."""

import pytest

from rbac.decision import Decision, Rule
from rbac.document.decisions import Decisions
from rbac.document.document import Document
from tests.support.documents import MODEL

ROWS = b"# first\np, user, /a, GET, allow\np, user, /b, GET, deny\ng, admin, user\np, admin, /c, *, allow\n"
OVERRIDE = b"e = some(where (p.eft == allow)) && !some(where (p.eft == deny))"
EFFECTS = {
    "allow": b"e = some(where (p.eft == allow))",
    "deny": b"e = !some(where (p.eft == deny))",
    "both": OVERRIDE,
    "priority": b"e = priority(p.eft) || deny",
}


def read(effect: str = "both", policy: bytes = ROWS, model: bytes = MODEL) -> Document:
    return Document.parse(model.replace(OVERRIDE, EFFECTS[effect]), policy)


def rule(line: int, text: str) -> Rule:
    return Rule("p", tuple(text.split(", ")), line)


A, B, C = rule(2, "user, /a, GET, allow"), rule(3, "user, /b, GET, deny"), rule(5, "admin, /c, *, allow")


@pytest.mark.parametrize(
    ("effect", "place", "allowed", "decided"),
    [
        ("both", 0, True, A),
        ("both", 1, False, B),
        ("both", 2, True, C),
        ("priority", 0, True, A),
        ("priority", 1, False, B),
        # A rule that matches and that the effect does not look at decides nothing.
        ("allow", 0, True, A),
        ("allow", 1, False, None),
        ("deny", 1, False, B),
        ("deny", 0, True, None),
    ],
)
def test_a_rule_leads_to_one_decision_with_its_line(
    effect: str, place: int, allowed: bool, decided: Rule | None
) -> None:
    document = read(effect)
    decisions = Decisions(document, None)
    assert decisions.known[place] is None
    found = decisions.of(allowed, place)
    how = "by_default" if decided is None else "by_rule"
    assert found.reason == f"{'allowed' if allowed else 'denied'}_{how}"
    assert (found.allowed, found.rule, found.revision) == (allowed, decided, document.revision)
    assert decisions.of(allowed, place) is found is decisions.known[place]


@pytest.mark.parametrize("effect", EFFECTS)
def test_without_a_rule_the_effect_answers(effect: str) -> None:
    document = read(effect)
    decisions = Decisions(document, None)
    allowed = Decision(True, None, "allowed_by_default", document.revision)
    denied = Decision(False, None, "denied_by_default", document.revision)
    assert (decisions.of(True, -1), decisions.of(False, -1), decisions.denied) == (allowed, denied, denied)
    assert decisions.known == [None, None, None, allowed if effect == "deny" else denied]


def test_places_are_those_of_the_order_that_is_asked_in() -> None:
    document = read()
    decisions = Decisions(document, [2, 0, 1])
    assert [decisions.index(place) for place in range(3)] == [2, 0, 1]
    assert [decisions.of(allowed, place).rule for place, allowed in enumerate((True, True, False))] == [
        C,
        A,
        B,
    ]
    as_written = Decisions(document, None)
    assert [as_written.index(place) for place in range(3)] == [0, 1, 2]


def test_the_effect_stands_in_the_column_that_the_model_says() -> None:
    assert Decisions(read(), None).effect_column == 3
    first = MODEL.replace(b"p = role, obj, act, eft", b"p = eft, role, obj, act")
    decisions = Decisions(read(policy=b"p, deny, user, /a, GET\n", model=first), None)
    assert decisions.effect_column == 0
    assert decisions.of(False, 0).reason == "denied_by_rule"


def test_a_model_without_an_effect_has_rules_that_allow() -> None:
    without = MODEL.replace(b"p = role, obj, act, eft", b"p = role, obj, act")
    decisions = Decisions(read("allow", b"p, user, /a, GET\n", without), None)
    assert decisions.effect_column is None
    assert decisions.of(True, 0) == Decision(
        True, rule(1, "user, /a, GET"), "allowed_by_rule", decisions.denied.revision
    )
