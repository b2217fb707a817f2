"""Whatever a matcher calls, with whatever on either side, is answered as stock Casbin does, errors among the answers."""

from itertools import product
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.casbin_cases import Subject, answer
from tests.support.model_zoo import model

LINKS = "g = _, _\ng2 = _, _, _"
ROWS = """p, a, /a/:id, GET
p, b, /a/{id}, GET|POST
p, x, o, G.T
p, a, o, POST
p, o, a, GET
p, 10.0.0.0/8, /a/*, ^GET
g, x, a
g, GET, b
g2, x, a, o
g2, x, b, GET
g2, x, a,
"""
# A rule that cannot be asked about: an expression that is none, an address that is none, one value less or more.
NONE_OF_IT = [
    ["b", "o", "("],
    ["(", "o", "POST"],
    ["a", "(", "GET"],
    ["b", "/a/[", "GET"],
    ["b", "/x/**", "GET"],
    ["b", "o"],
    ["b", "o", "GET", "allow"],
]
WORDS = (("a", "x", "(", "10.0.0.1"), ("o", "/a/1", "/a/(", ""), ("GET", "("))

MATCHERS = [
    # The pattern is the rule's, the caller's, or the matcher's own.
    *(
        f"{name}({left}, {right}) && r.sub == p.sub"
        for name in ("regexMatch", "keyMatch", "keyMatch2", "keyMatch3", "keyMatch5", "globMatch")
        for left, right in (
            ("r.obj", "p.obj"),
            ("p.obj", "r.obj"),
            ("r.obj", '"/a/:id"'),
            ("r.obj", '"/a/{id}"'),
            ("p.obj", '"/a/*"'),
            ('"/a/1"', "p.obj"),
            ('"/a/1"', "r.obj"),
            ("p.sub", "p.obj"),
            ("r.sub", "r.obj"),
            ("r.obj", '"("'),
        )
    ),
    'regexMatch(r.act, "GET|POST") && r.obj == p.obj',
    'regexMatch(r.act, "^(GET|POST)$") && g(r.sub, p.sub)',
    # What may raise stands before or behind what could spare it.
    "regexMatch(r.act, p.act) && r.sub == p.sub && r.obj == p.obj",
    "r.sub == p.sub && r.obj == p.obj && regexMatch(r.act, p.act)",
    "r.sub == p.sub && (regexMatch(r.act, p.act) || r.obj == p.obj)",
    "(regexMatch(r.act, p.act) || r.act == p.act) && g(r.sub, p.sub)",
    "keyMatch2(r.obj, p.obj) && regexMatch(r.act, p.act)",
    "keyMatch2(r.obj, p.obj) && keyMatch3(r.obj, p.obj) && r.sub == p.sub",
    "keyMatch2(r.obj, p.obj) && r.sub == p.sub || keyMatch3(r.obj, p.obj) && r.act == p.act",
    "keyMatch3(r.obj, p.obj) && keyMatch2(r.act, p.act)",
    "ipMatch(r.sub, p.sub) && keyMatch(r.obj, p.obj)",
    "keyMatch(r.obj, p.obj) && ipMatch(r.sub, p.sub)",
    'ipMatch(r.sub, "10.0.0.0/8") && r.obj == p.obj',
    'ipMatch("10.0.0.1", p.sub) && r.obj == p.obj',
    # Links from a word, a column or neither, to one.
    *(
        f"{call} && r.act == p.act"
        for call in (
            "g(r.sub, p.sub)",
            "g(p.sub, r.sub)",
            "g(r.sub, r.obj)",
            "g(p.sub, p.obj)",
            'g(r.sub, "a")',
            'g("x", p.sub)',
            'g("x", "a")',
            "g(r.act, p.sub)",
            "g2(r.sub, p.sub, r.obj)",
            "g2(r.sub, p.sub, p.obj)",
            "g2(r.sub, p.sub, r.act)",
            'g2(r.sub, p.sub, "o")',
            "g2(r.sub, p.sub)",
            "(g2(r.sub, p.sub, r.obj) || g2(r.sub, p.sub, r.act))",
            "(g(r.sub, p.sub) || g(r.act, p.sub))",
            "g(r.sub.name, p.sub)",
        )
    ),
    # Calls that no such function takes.
    "regexMatch(r.obj) && r.sub == p.sub",
    "regexMatch(r.obj, p.obj, r.act) && r.sub == p.sub",
    "keyMatch2(r.obj) && r.sub == p.sub",
    "keyMatch2(r.obj, p.obj, r.act) && r.sub == p.sub",
    "g(r.sub) && r.obj == p.obj",
    "g(r.sub, p.sub, r.obj, r.act)",
    "regexMatch(*r.obj)",
    "regexMatch(r.obj, *p.obj)",
    "keyMatch2(r.obj, *p.obj) && r.sub == p.sub",
    "keyMatch2(r.obj, key2=p.obj) && r.sub == p.sub",
    "r.sub.lower() == p.sub",
    "lambda: True",
    # Operators that are left to Casbin beside others.
    "r.sub is p.sub",
    'r.sub == p.sub and "a" is "a"',
    'r.sub == p.sub != "b"',
    'r.sub == p.sub is "b"',
    'r.sub not in ("a", "b") && r.obj == p.obj',
]


def compared(subject: Subject, added: list[str] | None = None) -> set[Any]:
    """The answers of ours to every request, which are stock's."""
    ours, stock = subject.ours(), subject.stock()
    if added:
        answer(ours, ("a", "o", "GET"))  # the index is made before the rule comes
        for enforcer in (ours, stock):
            enforcer.add_policy(added)
    answers = [(request, answer(ours, request), answer(stock, request)) for request in product(*WORDS)]
    assert [each for each in answers if each[1] != each[2]] == []
    return {mine[0] for _, mine, _ in answers}


@pytest.mark.parametrize("matcher", MATCHERS)
def test_a_call_is_answered_as_stock_does(matcher: str) -> None:
    subject = Subject("call", model(matcher, g=LINKS), ROWS)
    compared(subject)
    for row in NONE_OF_IT:
        compared(subject._replace(policy=f"p, {', '.join(row)}\n{ROWS}"))
        compared(subject, row)


def test_the_calls_are_answered_in_every_way() -> None:
    allowed = failing = 0
    for matcher in MATCHERS:
        answers = compared(Subject("call", model(matcher, g=LINKS), ROWS))
        allowed += True in answers
        failing += any(isinstance(each, type) for each in answers)
    assert allowed > len(MATCHERS) / 2
    assert failing > 10


class Named:
    """Somebody with a name, whose other attributes nobody may have."""

    def __init__(self, name: Any) -> None:
        self.name = name


@pytest.mark.parametrize(
    "matcher",
    [
        "r.sub.name == p.sub",
        "r.sub.name.name == p.sub",
        "g(r.sub.name, p.sub)",
        "keyMatch(r.sub.name, p.sub)",
        "keyMatch(r.sub, p.sub)",
        'regexMatch(r.sub.name, "^a$")',
        'regexMatch(r.sub, "^a$")',
        "regexMatch(r.sub, p.sub)",
        "r.sub.name in [p.sub, 'z']",
        "r.sub.missing == p.sub || r.obj == p.obj",
        "r.sub == p.sub",
    ],
)
def test_a_word_that_is_an_object_is_answered_as_stock_does(matcher: str) -> None:
    subject = Subject("objects", model(matcher, g=LINKS), ROWS)
    ours, stock = subject.ours(), subject.stock()
    for sub in (
        Named("a"),
        Named(Named("a")),
        Named(7),
        Named(None),
        Named(pytest),
        Named(eval),
        {"name": "x"},
        {"name": pytest},
        {},
        SimpleNamespace(name="x"),
        pytest,
        eval,
        ["a"],
        7,
        None,
        "a",
        b"a",
    ):
        for obj in ("o", "a"):
            assert answer(ours, (sub, obj, "GET")) == answer(stock, (sub, obj, "GET")), sub
