"""`only` holds for people: whom a link lets in must be written down, by their `sub`."""

import pytest

from rbac.policy import Policy
from rbac.policy_tests.run import ScenarioError, parse_suite, run
from tests.support.command import MODEL

PERSON = "3b7e5c0a-9d5e-4a52-8f0e-6c1d2b9a4f11"
OTHER = "7f3c1e52-1111-4222-8333-444455556666"
RULES = (
    "p, everyone, /, GET, allow\np, user, /user, GET, allow\np, admin, /admin, GET, allow\ng, admin, user\n"
)
PLAIN = """\
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act
"""


def failures(only: str, can: str, *more: str, rules: str = RULES, model: str = MODEL) -> list[str]:
    policy = Policy.parse(model.encode(), (rules + "".join(f"{line}\n" for line in more)).encode())
    suite, problems = parse_suite(
        f"suite: s\ntests:\n  - {{name: n, only: [{only}], can: [{can}]}}\n".encode(), "t.yaml"
    )
    assert suite is not None, problems
    return [case.says() for case in run(policy, [suite]).failures]


LINKS = {
    "nobody was linked": ("admin", "GET /admin", (), []),
    "a linked person": (
        "admin",
        "GET /admin",
        (f"g, {PERSON}, admin",),
        [f"{PERSON} can GET /admin, and should not"],
    ),
    "a person linked to a role that inherits": (
        "user, admin",
        "GET /user",
        (f"g, {PERSON}, admin",),
        [f"{PERSON} can GET /user, and should not"],
    ),
    "a linked person who is written down": (f"admin, {PERSON}", "GET /admin", (f"g, {PERSON}, admin",), []),
    "one of two": (
        f"admin, {PERSON}",
        "GET /admin",
        (f"g, {PERSON}, admin", f"g, {OTHER}, admin"),
        [f"{OTHER} can GET /admin, and should not"],
    ),
    "a person linked to less": ("admin", "GET /admin", (f"g, {PERSON}, user",), []),
    "a person written down who cannot": (
        f"admin, {PERSON}",
        "GET /admin",
        (f"g, {PERSON}, user",),
        [f"{PERSON} cannot GET /admin, and should"],
    ),
    "everyone is also a person": ("everyone", "GET /", (f"g, {PERSON}, admin",), []),
    "a person by a rule": (
        "admin",
        "GET /admin",
        (f"p, {PERSON}, /admin, GET, allow",),
        [f"{PERSON} can GET /admin, and should not"],
    ),
    "a person by a rule who is written down": (
        f"admin, {PERSON}",
        "GET /admin",
        (f"p, {PERSON}, /admin, GET, allow",),
        [],
    ),
    "a person who is locked out": ("everyone", "GET /", (f"p, {PERSON}, /*, *, deny",), []),
    "a linked person who is locked out": (
        "admin",
        "GET /admin",
        (f"g, {PERSON}, admin", f"p, {PERSON}, /*, *, deny"),
        [],
    ),
}


@pytest.mark.parametrize(("only", "can", "more", "expected"), LINKS.values(), ids=LINKS)
def test_only_is_about_people_too(only: str, can: str, more: tuple[str, ...], expected: list[str]) -> None:
    assert failures(only, can, *more) == expected


def test_a_person_in_the_role_word_of_a_model_is_one_too() -> None:
    rules = f"p, editor, report, write\ng, {PERSON}, editor\n"
    assert failures("editor", "write report", rules=rules, model=PLAIN) == [
        f"{PERSON} can write report, and should not"
    ]
    assert failures(f"editor, {PERSON}", "write report", rules=rules, model=PLAIN) == []


def test_a_person_whom_the_policy_does_not_name_cannot_stand_in_only() -> None:
    with pytest.raises(ScenarioError) as caught:
        failures(f"admin, {PERSON}", "GET /admin")
    assert [problem.code for problem in caught.value.problems] == ["test-unknown-role"]
    assert f"`{PERSON}`" in caught.value.problems[0].message
