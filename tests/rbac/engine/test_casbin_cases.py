"""The enforcer gives the answers that Casbin's own tests, and the makers of real policies, ask for."""

from itertools import islice
from typing import Any

import pytest

from rbac.engine.enforcer import IndexedEnforcer
from tests.support.casbin_cases import (
    REAL_NAMES,
    ROOT,
    Subject,
    answer,
    cases,
    real,
    real_vectors,
    subjects,
)
from tests.support.model_zoo import ZOO
from tests.support.random_requests import Requests

KEY_MATCH2_RBAC = Subject(
    "keyMatch2 with roles",
    """[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub) && keyMatch2(r.obj, p.obj) && regexMatch(r.act, p.act)
""",
    "p, user, /books/:id, GET\np, admin, /books/:id, GET|PUT\np, admin, /pens/:id, PUT\ng, alice, admin\n",
)


def test_every_case_of_casbins_own_tests_has_the_expected_answer() -> None:
    wrong = []
    for case in cases():
        got = answer(case.subject.ours(), case.request)
        if got[0] != case.expected or (case.explain is not None and got[1] != case.explain):
            wrong.append((case.source, case.request, case.expected, case.explain, got))
    assert len(cases()) == 487
    assert not wrong


def test_every_case_is_answered_and_explained_as_stock_casbin_does() -> None:
    differing = [
        (case.source, case.request)
        for case in cases()
        if answer(case.subject.ours(), case.request) != answer(case.subject.stock(), case.request)
    ]
    assert not differing


@pytest.mark.parametrize("name", REAL_NAMES)
def test_a_real_policy_has_the_answers_that_were_computed_without_casbin(name: str) -> None:
    ours, vectors = real(name).ours(), real_vectors(name)
    assert len(vectors) >= 1500
    assert [ours.enforce(*vector["request"]) for vector in vectors] == [
        vector["expected"] for vector in vectors
    ]


@pytest.mark.parametrize("name", REAL_NAMES)
def test_a_real_policy_is_looked_up_and_not_scanned(name: str) -> None:
    ours, vectors = real(name).ours(), real_vectors(name)
    looked_at = sum(ours.candidates(*vector["request"]) for vector in vectors) / len(vectors)
    assert ours.indexed
    assert looked_at < 5


@pytest.mark.parametrize(
    ("subject", "request_"),
    [
        (KEY_MATCH2_RBAC, ("alice", "/books/1", "PUT")),
        (
            next(subject for subject in subjects() if subject.name.endswith("rbac_with_domains_model.conf")),
            ("alice", "domain1", "data1", "read"),
        ),
    ],
    ids=["keyMatch2 with roles", "roles in domains"],
)
def test_the_common_models_are_looked_up(subject: Subject, request_: tuple[Any, ...]) -> None:
    ours = subject.ours()
    assert ours.indexed
    assert ours.enforce(*request_)
    assert ours.candidates(*request_) < len(ours.get_policy())


def test_the_shipped_model_is_looked_up() -> None:
    ours = IndexedEnforcer(str(ROOT / "model.conf"), str(ROOT / "policy.csv"))
    assert ours.indexed
    assert 1 <= ours.candidates("7f3c", "user", "/user", "GET") <= 4
    assert ours.candidates("7f3c", "user", "/nowhere", "GET") < 4 < len(ours.get_policy())


@pytest.mark.parametrize("subject", [*subjects(), *ZOO], ids=lambda subject: subject.name)
def test_random_requests_are_answered_as_stock_casbin_does(subject: Subject) -> None:
    stock, ours = subject.stock(), subject.ours()
    count = 40 if subject.name == "k8s/resources" else 120
    differing = []
    for request in islice(Requests(stock, seed=3), count):
        expected, got = answer(stock, request), answer(ours, request)
        if expected != got:
            differing.append((request, expected, got))
    assert not differing
