"""Why a document is not taken, to the letter: which code, which place, which sentence and which hint."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from rbac import Policy
from rbac.errors import Problem
from rbac.guard import gate
from rbac.guard.gate import lint_and, misfits, unanswered, unguarded
from rbac.guard.request_words import USUAL, RequestWords
from rbac.guard.requirements import GuardedEndpoint, Requirement
from rbac.routes import NO_ROUTES, KnownRoutes, Route
from rbac.stores import Snapshot
from tests.support.documents import MODEL, POLICY

EFFECT = b"e = some(where (p.eft == allow)) && !some(where (p.eft == deny))"
BY_PRIORITY = {
    b"e = priority(p.eft) || deny": b"p, user, /user, GET, allow\n",
    b"e = subjectPriority(p.eft) || deny": b"p, user, /user, GET, allow\n",
}


def policy_of(model: bytes = MODEL, policy: bytes = POLICY) -> Policy:
    return Policy.parse(model, policy, model_name="ours/model.conf", policy_name="ours/policy.csv")


def usual(policy: Policy, mapping: str = USUAL) -> RequestWords:
    return RequestWords.parse(mapping, policy.words)


def partly(mapping: str) -> RequestWords:
    return RequestWords.parse(mapping, policy_of().words, partly=True)


@pytest.mark.parametrize(
    ("names", "mapping", "roles"),
    [
        ({}, "`words`", "the role claims"),
        ({"mapping_is_called": "MAPPING", "roles_are_called": "ROLES"}, "MAPPING", "ROLES"),
    ],
)
def test_a_misfit_is_an_error_of_the_model_in_the_words_people_know_the_settings_by(
    names: dict[str, str], mapping: str, roles: str
) -> None:
    def model_error(code: str, message: str, hint: str) -> Problem:
        return Problem("ours/model.conf", 0, 0, code, "error", message, hint)

    of_three = partial(usual, mapping="sub=claims.sub, role=roles, obj=path")
    unmapped = misfits(policy_of(), of_three, several_roles=True, **names)
    assert list(unmapped) == [
        model_error(
            "request-words",
            f"the model and {mapping} do not fit: `act` of the model is not mapped",
            f"map each word of the model's request in {mapping}",
        )
    ]
    model = MODEL.replace(EFFECT, b"e = priority(p.eft) || deny")
    assert list(misfits(policy_of(model), usual, several_roles=True, **names)) == [
        model_error(
            "several-roles",
            f"the model decides by priority, so one role at a time, and {roles} can bring several, as can the scopes of "
            "an access token",
            f"name one claim in {roles} that holds one role, or use an effect without priorities",
        )
    ]


@pytest.mark.parametrize("effect", [EFFECT, *BY_PRIORITY])
@pytest.mark.parametrize("several_roles", [True, False])
@pytest.mark.parametrize("mapping", [USUAL, "sub=claims.sub, role=claims.rank, obj=path, act=method"])
def test_an_effect_by_priority_does_not_go_with_several_roles_in_its_word(
    effect: bytes, several_roles: bool, mapping: str
) -> None:
    policy = policy_of(MODEL.replace(EFFECT, effect), BY_PRIORITY.get(effect, POLICY))
    refused = [
        problem.code
        for problem in misfits(policy, partial(usual, mapping=mapping), several_roles=several_roles)
    ]
    expected = effect in BY_PRIORITY and several_roles and mapping == USUAL
    assert refused == ["several-roles"] * expected


def test_every_requirement_that_the_model_cannot_be_asked_is_told() -> None:
    endpoints = [
        GuardedEndpoint("GET /good", (Requirement("read", "x"),)),
        GuardedEndpoint("GET /two", (Requirement("read", "x", (("team", "a"),)), Requirement("list"))),
        GuardedEndpoint("GET /last", (Requirement("write", "x", (("tenant", "a"),)),)),
    ]
    told = list(unanswered(policy_of(), partly("sub=claims.sub, role=roles"), endpoints))
    assert [sentence.partition(": ")[0] for sentence in told] == [
        "`GET /two` requires `read`",
        "`GET /last` requires `write`",
    ]
    assert "has no word `team`" in told[0]
    assert "has no word `tenant`" in told[1]


ASKED = GuardedEndpoint("GET /asked", (Requirement("read"),))
ASKING = GuardedEndpoint("GET /asking", (), asks=True)


def bare(number: int) -> GuardedEndpoint:
    return GuardedEndpoint(f"GET /{number}", ())


NAMED = ", ".join(f"`GET /{number}`" for number in range(10))


@pytest.mark.parametrize(
    ("mapping", "endpoints", "said"),
    [
        (USUAL, [ASKED, ASKING], ""),
        (
            "sub=claims.sub, role=roles",
            [],
            (
                "requests decide nothing by themselves here (nothing fills `obj`, `act`), and the application shows no "
                "routes that could be looked through"
            ),
        ),
        (
            "sub=claims.sub, role=roles, act=method",
            [ASKED, bare(1), ASKING],
            (
                "requests decide nothing by themselves here (nothing fills `obj`), so every route needs require() or Ask, and "
                "`GET /1` has neither"
            ),
        ),
        (
            USUAL,
            [bare(1), bare(2)],
            (
                "requests decide nothing by themselves here, so every route needs require() or Ask, and `GET /1`, `GET /2` "
                "have neither"
            ),
        ),
        (
            USUAL,
            [bare(number) for number in range(10)],
            f"requests decide nothing by themselves here, so every route needs require() or Ask, and {NAMED} have neither",
        ),
        (
            USUAL,
            [bare(number) for number in range(13)],
            (
                f"requests decide nothing by themselves here, so every route needs require() or Ask, and {NAMED} and 3 more "
                "have neither"
            ),
        ),
    ],
)
def test_endpoints_that_nobody_asks_about_are_named(
    mapping: str, endpoints: list[GuardedEndpoint], said: str
) -> None:
    assert unguarded(endpoints, partly(mapping)) == said


def snapshot_of(policy: bytes, **tests: Any) -> Snapshot:
    return Snapshot(MODEL, policy, model_name="ours/model.conf", policy_name="ours/policy.csv", **tests)


def nothing(_: Policy) -> list[Problem]:
    return []


@pytest.mark.parametrize("more", [nothing, partial(misfits, words=partial(usual, mapping="sub=claims.sub"))])
def test_the_gate_says_what_lint_says_of_these_routes_and_more(more: Callable[[Policy], Any]) -> None:
    policy = b"p, user, /user, GET, allow\np, user, /usr, GET, allow\n"
    routes = KnownRoutes((Route("GET", "/user"),))
    read = policy_of(policy=policy)
    told = lint_and(more, routes, read, snapshot_of(policy))
    assert {"request-words": 1}.get(told[-1].code, 0) == len(list(more(read)))
    assert [problem.line for problem in told if problem.file.endswith(".csv")] == [2]
    of_no_routes = lint_and(more, NO_ROUTES, read, snapshot_of(policy))
    assert not [problem for problem in of_no_routes if problem.file.endswith(".csv")]


SUITE = b"""suite: things
tests:
  - name: a user reads
    role: user
    can: ["GET /things/{id}"]
"""


@pytest.mark.parametrize(
    ("tests", "passed_over", "routes", "held", "told"),
    [
        ({"a.yaml": SUITE}, (), "/things/{id}", 1, []),
        (
            {"a.yaml": SUITE},
            ("ours/tests/a.txt",),
            "/things/{id}",
            1,
            [("ours/tests/a.txt", "test-not-read")],
        ),
        ({"a.yaml": SUITE}, (), "/other", 0, [("a.yaml", "test-unknown-path")]),
        ({}, (), "/things/{id}", 0, [("ours/tests", "no-policy-tests")]),
    ],
)
def test_a_document_is_held_to_its_own_tests_on_the_routes_that_are_served(
    tests: dict[str, bytes], passed_over: tuple[str, ...], routes: str, held: int, told: list[tuple[str, str]]
) -> None:
    policy = b"p, user, /things/{id}, GET, allow\n"
    snapshot = snapshot_of(policy, tests=tests, tests_name="ours/tests", passed_over=passed_over)
    verdict = gate.tests_hold(KnownRoutes((Route("GET", routes),)), policy_of(policy=policy), snapshot)
    assert (verdict.held, [(problem.file, problem.code) for problem in verdict.problems]) == (held, told)
