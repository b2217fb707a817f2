"""Rules that come early or late, with patterns that are none and columns that are missing, are compared, explained and
failed over as stock Casbin does."""

import random
from itertools import product

import pytest

from tests.support.casbin_cases import Rows, Subject, answer
from tests.support.model_zoo import model

MATCHERS = (
    "keyMatch2(r.obj, p.obj) && r.sub == p.sub",
    "r.sub == p.sub && keyMatch3(r.obj, p.obj) && regexMatch(r.act, p.act)",
    "keyMatch4(r.obj, p.obj) && keyMatch2(r.act, p.act)",
    "keyMatch2(r.obj, p.obj) && keyMatch5(r.obj, p.obj) && r.sub == p.sub",
    "keyMatch2(r.obj, p.obj) && r.sub == p.sub || keyMatch3(r.act, p.act) && r.obj == p.obj",
    'r.act == p.act && r.sub == p.sub || keyMatch5(r.obj, p.obj) && r.sub == "a"',
    'keyMatch2(r.obj, p.obj) && regexMatch(r.act, p.act) || r.sub == "a"',
    'r.sub == p.sub && (keyMatch2(r.obj, p.obj) || p.obj == "*") && r.act == p.act',
    'keyMatch3(r.obj, p.obj) && (keyMatch2(r.act, p.act) || p.act == "any" || p.act in ("G", "P"))',
    '(keyMatch3(r.obj, p.obj) || p.obj == "any") && (keyMatch2(r.act, p.act) || p.act == "any")',
    'keyMatch2("/x/y", p.obj) && r.sub == p.sub',
    'keyMatch2("/x/y", p.obj) && r.sub != p.sub',
    "keyMatch2(r.obj, p.obj) && regexMatch(r.act, p.act)",
    "regexMatch(r.act, p.act) && regexMatch(r.obj, p.obj)",
    "keyMatch(r.obj, p.obj) && (regexMatch(r.act, p.act) || r.act == p.act)",
    "r.sub == p.sub && r.obj == p.obj && r.act == p.act",
)
PATTERNS = (
    "/x",
    "/x/:id",
    "/{id}/y",
    "/x/{id}/{id}",
    "/x/*",
    "/x/(a|y)",
    "/x.y",
    "/x/y",
    "/:id/:id",
    "/x/:a-y",
    "/x.y/(a|z)",
    "any",
)
WORDS = ("/x", "GET", "GET", "GET|POST", "G", "G.T", "(GE|/x/)", "/x/:id", ".*", "P", "/x/(y)", "any")
INVALID = ("*", "/x/**", "+x", "(", "[", "/x.y/(")
REQUESTS = list(
    product(
        ("a", "b"),
        ("/x", "/x/y", "/x/y/z", "/x/y\n", "/xzy", "/x.y/z", "/x/(a|y)", "*"),
        ("GET", "POST", "/x/y"),
    )
)


# Each of one rule, which is odd in more than one way.
ODD_TWICE = [
    ("keyMatch2(r.obj, p.obj) && regexMatch(r.act, p.act)", ["a", "/x/(a|y)", "*"], ("a", "/x/y", "GET")),
    ("regexMatch(r.act, p.act) && keyMatch3(r.obj, p.obj)", ["a", "/x.y/(a|z)", "("], ("a", "/x.y/z", "GET")),
    ("keyMatch2(r.obj, p.obj) && keyMatch3(r.act, p.act)", ["a", "/x.y/(", "/x"], ("a", "/x", "GET")),
    ("keyMatch2(r.obj, p.obj) && keyMatch3(r.act, p.act)", ["a", "/x", "/x.y/("], ("a", "/x", "GET")),
    ('(keyMatch3(r.obj, p.obj) || p.obj == "any") && r.sub == p.sub', ["a", "any", "-"], ("a", "/x", "GET")),
]


def some_rows(chance: random.Random, number: int, faults: float) -> list[list[str]]:
    rows = []
    for _ in range(number):
        row = [chance.choice("ab"), chance.choice(PATTERNS), chance.choice(WORDS)]
        if chance.random() < faults:
            row[chance.choice((1, 2))] = chance.choice(INVALID)
        if chance.random() < faults / 4:
            row = [*row, "more"] if chance.random() < 0.5 else row[: chance.randint(1, 2)]
        rows.append(row)
    return rows


@pytest.mark.parametrize("matcher", MATCHERS)
def test_rules_of_any_kind_are_answered_as_stock_casbin_does(matcher: str) -> None:
    chance = random.Random(matcher)
    subject = Subject("any", model(matcher), "")
    for _ in range(60):
        stock, ours = subject.stock(), subject.ours()
        early = some_rows(chance, chance.choice((1, 2, 4, 12)), chance.choice((0, 0, 0.2, 0.5)))
        late = some_rows(chance, chance.choice((0, 1, 6)), chance.choice((0, 0.3)))
        for added in (early, late):
            for enforcer in (stock, ours):
                Rows(p=added).load_policy(enforcer.get_model())
            for request in chance.sample(REQUESTS, 12):
                assert answer(ours, request) == answer(stock, request), (early, late, request)


@pytest.mark.parametrize(("matcher", "row", "request_"), ODD_TWICE)
def test_a_rule_that_is_odd_in_more_than_one_way_is_compared_as_stock_casbin_does(
    matcher: str, row: list[str], request_: tuple[str, ...]
) -> None:
    subject = Subject("odd", model(matcher), "")
    stock, ours = subject.stock(), subject.ours()
    for enforcer in (stock, ours):
        Rows(p=[["b", "/z", "-"], row, ["c", "/z", "-"]]).load_policy(enforcer.get_model())
    assert answer(ours, request_) == answer(stock, request_)
    assert answer(stock, request_) != (False, [])
