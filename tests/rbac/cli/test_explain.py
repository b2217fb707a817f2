"""`rbac explain` says why, and exits 0 for what is allowed and 1 for what is not."""

import json

import pytest

from tests.support.command import Workshop

PERSON = "7f3c1e52-0000-0000-0000-000000000000"


@pytest.fixture
def office(workshop: Workshop) -> Workshop:
    workshop.rules(
        "p, everyone, /, GET, allow",
        "p, authenticated, /profile, GET, allow",
        "p, user, /user, GET, allow",
        "p, admin, /admin, GET, allow",
        "g, admin, user",
        f"p, {PERSON}, /*, *, deny",
    )
    return workshop


ANSWERS = [
    (["--role", "user", "--act", "GET", "--obj", "/user"], True, "allowed_by_rule", 3),
    (["--role", "admin", "--act", "GET", "--obj", "/user"], True, "allowed_by_rule", 3),
    (["--role", "user", "--act", "GET", "--obj", "/profile"], True, "allowed_by_rule", 2),
    (["--act", "GET", "--obj", "/"], True, "allowed_by_rule", 1),
    (["--act", "GET", "--obj", "/profile"], False, "denied_by_default", None),
    (["--role", "user", "--act", "GET", "--obj", "/admin"], False, "denied_by_default", None),
    (["--role", "user", "--role", "admin", "--act", "GET", "--obj", "/admin"], True, "allowed_by_rule", 4),
    (["--sub", PERSON, "--role", "admin", "--act", "GET", "--obj", "/admin"], False, "denied_by_rule", 6),
    (["--sub", "somebody", "--act", "GET", "--obj", "/profile"], True, "allowed_by_rule", 2),
]


@pytest.mark.parametrize(("arguments", "allowed", "reason", "line"), ANSWERS)
def test_it_answers_as_the_policy_decides(
    office: Workshop, arguments: list[str], allowed: bool, reason: str, line: int | None
) -> None:
    done = office.rbac("explain", *arguments, "--format", "json")
    assert done.code == (0 if allowed else 1)
    assert set(done.json) == {"allowed", "reason", "rule", "role_path", "nearest", "revision"}
    assert (done.json["allowed"], done.json["reason"]) == (allowed, reason)
    assert (done.json["rule"] or {}).get("line") == line


def test_the_way_to_the_role_is_shown(office: Workshop) -> None:
    done = office.rbac("explain", "--role", "admin", "--act", "GET", "--obj", "/user")
    assert "policy.csv:3: p, user, /user, GET, allow" in done.out
    assert "admin > user" in done.out


def test_a_denied_request_is_shown_what_was_nearly_met(office: Workshop) -> None:
    arguments = ("--role", "user", "--act", "GET", "--obj", "/admin")
    done = office.rbac("explain", *arguments)
    assert done.code == 1
    assert "denied: no rule allows it" in done.out
    assert "policy.csv:4: p, admin, /admin, GET, allow" in done.out
    near = office.rbac("explain", *arguments, "--format", "json").json["nearest"]
    assert set(near[0]) == {"line", "text", "missing"}
    assert near[0]["line"] == 4


TENANTS = """\
[request_definition]
r = sub, dom, obj, act
[policy_definition]
p = sub, dom, obj, act
[role_definition]
g = _, _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub, r.dom) && r.dom == p.dom && r.obj == p.obj && r.act == p.act
"""


def test_other_models_are_asked_with_their_own_words(workshop: Workshop) -> None:
    workshop.write("model.conf", TENANTS)
    workshop.rules("p, editor, acme, doc, write", "g, alice, editor, acme")
    arguments = ("--act", "write", "--obj", "doc", "--with", "dom=acme")
    assert workshop.rbac("explain", "--role", "editor", *arguments).code == 0
    assert workshop.rbac("explain", "--sub", "alice", *arguments).code == 0
    assert workshop.rbac("explain", "--sub", "bob", *arguments).code == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--with", "dom=acme"], "dom"),
        (["--with", "nonsense"], "WORD=TEXT"),
        (["--with", "=x"], "WORD=TEXT"),
    ],
)
def test_a_word_that_the_model_has_not_is_a_2(office: Workshop, arguments: list[str], says: str) -> None:
    done = office.rbac("explain", "--role", "user", "--act", "GET", "--obj", "/", *arguments)
    assert (done.code, done.out) == (2, "")
    assert says in done.err


def test_a_person_and_a_role_in_a_model_with_one_word_for_both_is_a_2(workshop: Workshop) -> None:
    workshop.write("model.conf", TENANTS)
    workshop.rules("p, editor, acme, doc, write")
    done = workshop.rbac("explain", "--sub", "alice", "--role", "editor")
    assert done.code == 2
    assert "not both" in done.err


PLANS = """[request_definition]
r = sub, role, obj, act, plan
[policy_definition]
p = role, obj, act, plan, eft
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
[matchers]
m = g(r.role, p.role) && r.obj == p.obj && r.act == p.act && (p.plan == "any" || r.plan == p.plan)
"""


@pytest.fixture
def plans(workshop: Workshop) -> Workshop:
    workshop.write("model.conf", PLANS)
    workshop.rules("p, user, /reports, GET, gold, allow", "p, user, /user, GET, any, allow")
    return workshop


@pytest.mark.parametrize(
    ("path", "given", "said"),
    [
        (
            "/reports",
            [],
            [
                "asked with plan=gold, as nothing else was given with --with",
                "  with plan=any: denied, no rule allows it",
            ],
        ),
        ("/user", [], ["asked with plan=any, as nothing else was given with --with"]),
        ("/reports", ["--with", "plan=gold"], []),
    ],
    ids=["differs", "all_alike", "given"],
)
def test_words_that_were_not_given_are_tried_and_it_says_with_which_it_comes_out_otherwise(
    plans: Workshop, path: str, given: list[str], said: list[str]
) -> None:
    done = plans.rbac("explain", "--role", "user", "--act", "GET", "--obj", path, *given)
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0] == "allowed by this rule"
    assert [line for line in lines if "plan=" in line] == said


def test_the_words_that_were_tried_are_in_the_json_each_with_its_answer(plans: Workshop) -> None:
    done = plans.rbac("explain", "--role", "user", "--act", "GET", "--obj", "/reports", "--format", "json")
    told = json.loads(done.out)
    assert (told["allowed"], told["with"]) == (True, {"plan": "gold"})
    assert told["others"] == [{"with": {"plan": "any"}, "allowed": False, "rule": None}]
    assert told["complete"]
    for other in told["others"]:
        word = f"plan={other['with']['plan']}"
        alone = plans.rbac("explain", "--role", "user", "--act", "GET", "--obj", "/reports", "--with", word)
        assert alone.code == (0 if other["allowed"] else 1)
