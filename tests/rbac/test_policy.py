"""What a policy decides, by which rule, and for which reason."""

import threading
from pathlib import Path

import pytest

from rbac import Decision, EvaluationError, Policy, PolicyError, RequestError
from rbac.pytest_plugin import PolicyToTest

ROOT = Path(__file__).parents[2]
MODEL = (ROOT / "model.conf").read_bytes()
RULES = b"""\
p, everyone, /, GET, allow
p, authenticated, /profile, GET, allow
p, user, /user, GET, allow
p, user, /files/{id}, *, allow
p, admin, /admin, GET, allow
p, blocked, /files/{id}, DELETE, deny
p, 7f3c1e52-0000-0000-0000-000000000000, /*, *, deny

# who is what
g, admin, user
g, 11111111-2222-3333-4444-555555555555, admin
g, google|42, user
g, staff, user
"""

PRIORITY_MODEL = b"""\
[request_definition]
r = sub, role, obj, act
[policy_definition]
p = priority, role, obj, act, eft
[role_definition]
g = _, _
[policy_effect]
e = priority(p.eft) || deny
[matchers]
m = g(r.role, p.role) && r.obj == p.obj && r.act == p.act
"""


def model(effect: str, rule: str = "sub, obj, act, eft") -> bytes:
    return f"""\
[request_definition]
r = sub, obj, act
[policy_definition]
p = {rule}
[policy_effect]
e = {effect}
[matchers]
m = r.sub == p.sub && r.obj == p.obj && r.act == p.act
""".encode()


ALLOW = "some(where (p.eft == allow))"
DENY = "!some(where (p.eft == deny))"
BOTH = f"{ALLOW} && {DENY}"
PRIORITY = "priority(p.eft) || deny"


@pytest.fixture(scope="module")
def policy() -> Policy:
    return Policy.parse(MODEL, RULES)


@pytest.mark.parametrize(
    ("words", "allowed", "reason", "line"),
    [
        ({"obj": "/"}, True, "allowed_by_rule", 1),
        ({"obj": "/profile"}, False, "denied_by_default", None),
        ({"obj": "/profile", "sub": "bob"}, True, "allowed_by_rule", 2),
        ({"obj": "/user", "sub": "bob", "role": "user"}, True, "allowed_by_rule", 3),
        ({"obj": "/user", "sub": "al", "role": "admin"}, True, "allowed_by_rule", 3),
        ({"obj": "/files/7", "sub": "al", "role": "admin", "act": "DELETE"}, True, "allowed_by_rule", 4),
        ({"obj": "/files/7", "sub": "al", "role": "blocked", "act": "DELETE"}, False, "denied_by_rule", 6),
        ({"obj": "/admin", "sub": "bob", "role": "user"}, False, "denied_by_default", None),
        ({"obj": "/", "sub": "7f3c1e52-0000-0000-0000-000000000000"}, False, "denied_by_rule", 7),
        ({"obj": "/admin", "sub": "11111111-2222-3333-4444-555555555555"}, True, "allowed_by_rule", 5),
        ({}, False, "denied_by_default", None),
    ],
)
def test_a_decision_names_the_rule_its_line_and_the_reason(
    policy: Policy, words: dict[str, str], allowed: bool, reason: str, line: int | None
) -> None:
    decision = policy.decide(**({"act": "GET"} | words))
    assert (decision.allowed, decision.reason) == (allowed, reason)
    assert (decision.rule.line if decision.rule else None) == line
    assert decision.revision == policy.revision == policy.document.revision


def test_the_rule_of_a_decision_is_the_line_of_the_file(policy: Policy) -> None:
    rule = policy.decide(sub="b", role="user", obj="/files/x", act="PUT").rule
    assert rule is not None
    assert (rule.fields, rule.text) == (
        ("user", "/files/{id}", "*", "allow"),
        "p, user, /files/{id}, *, allow",
    )
    assert RULES.decode().splitlines()[rule.line - 1] == rule.text


def test_deciding_by_words_in_order_is_deciding_by_keywords(policy: Policy) -> None:
    assert policy.words == ("sub", "role", "obj", "act")
    assert policy.decide_request(("b", "user", "/user", "GET")) == policy.decide(
        sub="b", role="user", obj="/user", act="GET"
    )


@pytest.mark.parametrize(
    ("effect", "rules", "allowed", "reason", "line"),
    [
        (ALLOW, "p, a, o, r, deny", False, "denied_by_default", None),
        (ALLOW, "p, a, o, r, deny\np, a, o, r, allow", True, "allowed_by_rule", 2),
        (DENY, "p, a, o, r, deny", False, "denied_by_rule", 1),
        (DENY, "p, b, o, r, deny", True, "allowed_by_default", None),
        (DENY, "p, a, o, r, allow", True, "allowed_by_default", None),
        (BOTH, "p, a, o, r, allow\np, a, o, r, deny", False, "denied_by_rule", 2),
        (BOTH, "p, a, o, r, allow", True, "allowed_by_rule", 1),
        (BOTH, "", False, "denied_by_default", None),
        (PRIORITY, "p, a, o, r, deny\np, a, o, r, allow", False, "denied_by_rule", 1),
        (PRIORITY, "p, a, o, r, allow\np, a, o, r, deny", True, "allowed_by_rule", 1),
        (PRIORITY, "p, b, o, r, allow", False, "denied_by_default", None),
    ],
)
def test_only_a_rule_whose_effect_the_model_looks_at_decides(
    effect: str, rules: str, allowed: bool, reason: str, line: int | None
) -> None:
    decision = Policy.parse(model(effect), rules.encode()).decide(sub="a", obj="o", act="r")
    assert (decision.allowed, decision.reason) == (allowed, reason)
    assert (decision.rule.line if decision.rule else None) == line


def test_every_rule_allows_where_rules_have_no_effect() -> None:
    policy = Policy.parse(model(ALLOW, "sub, obj, act"), b"p, a, o, r")
    assert policy.decide(sub="a", obj="o", act="r").reason == "allowed_by_rule"


def test_a_rule_keeps_its_line_when_priorities_sort_the_rules() -> None:
    """Casbin sorts by priority; of two equal rows the first in the file is meant."""
    rules = b"# low\np, 9, a, o, r, deny\np, 10, b, o, r, deny\np, 1, a, o, r, allow\np, 2, b, o, r, allow\np, 2, b, o, r, allow\n"
    policy = Policy.parse(PRIORITY_MODEL, rules)
    found = {role: policy.decide(role=role, obj="o", act="r").rule for role in ("a", "b")}
    assert {role: rule.line if rule else None for role, rule in found.items()} == {"a": 4, "b": 5}


def test_a_rule_keeps_its_line_when_the_hierarchy_of_subjects_sorts_the_rules() -> None:
    """Casbin puts the rules of who stands lower in the hierarchy first."""
    text = model("subjectPriority(p.eft) || deny").decode()
    text = text.replace("[policy_effect]", "[role_definition]\ng = _, _\n[policy_effect]").replace(
        "r.sub == p.sub", "g(r.sub, p.sub)"
    )
    policy = Policy.parse(
        text.encode(),
        b"p, root, o, r, deny\np, admin, o, r, deny\np, alice, o, r, allow\ng, admin, root\ng, alice, admin\n",
    )
    rule = policy.decide(sub="alice", obj="o", act="r").rule
    assert rule is not None
    assert rule.line == 3


@pytest.mark.parametrize(
    ("roles", "allowed", "line"),
    [
        ([], False, None),
        (["user"], True, 4),
        (["user", "nobody"], True, 4),
        (["nobody", "user"], True, 4),
        (["user", "blocked"], False, 6),
        (["blocked", "user"], False, 6),
        (["nobody", "nothing"], False, None),
        (("user", "user"), True, 4),
    ],
)
def test_of_several_roles_any_deny_denies_else_any_allow_allows(
    policy: Policy, roles: list[str], allowed: bool, line: int | None
) -> None:
    decision = policy.decide(sub="b", roles=roles, obj="/files/1", act="DELETE")
    assert (decision.allowed, decision.rule.line if decision.rule else None) == (allowed, line)
    words = ("b", "", "/files/1", "DELETE")
    assert policy.decide_roles(words, 1, roles) == decision


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"subject": "b"}, "no word `subject`"),
        ({"roles": ["a"], "role": "a"}, "`roles` and `role` were both given"),
        ({"roles": "admin"}, "not the text `admin`"),
    ],
)
def test_a_question_the_model_cannot_be_asked_is_refused(
    policy: Policy, words: dict[str, object], says: str
) -> None:
    with pytest.raises(RequestError, match=says):
        policy.decide(**words)  # type: ignore[arg-type]  # what a caller may get wrong
    with pytest.raises(RequestError, match=says):
        policy.explain(**words)  # type: ignore[arg-type]  # what a caller may get wrong


def test_roles_need_a_model_with_the_word_role() -> None:
    policy = Policy.parse(model(ALLOW), b"p, a, o, r, allow")
    with pytest.raises(RequestError, match="needs a model with the word `role`"):
        policy.decide(roles=["a"], obj="o", act="r")


def test_a_model_may_have_a_word_roles_of_its_own() -> None:
    text = model(ALLOW).replace(b"r = sub,", b"r = roles,").replace(b"r.sub", b"r.roles")
    policy = Policy.parse(text, b"p, admin, o, r, allow")
    assert policy.decide(roles="admin", obj="o", act="r").allowed
    assert policy.explain(roles="admin", obj="o", act="r").decision.allowed


def test_several_roles_under_a_priority_effect_are_refused_and_one_is_not() -> None:
    policy = Policy.parse(PRIORITY_MODEL, b"p, 1, a, o, r, allow")
    assert policy.decide(roles=["a"], obj="o", act="r").allowed
    with pytest.raises(RequestError, match="one role at a time"):
        policy.decide(roles=["a", "b"], obj="o", act="r")


def test_a_request_that_the_matcher_fails_over_is_not_allowed() -> None:
    text = model(ALLOW).replace(b"r.obj == p.obj", b"ipMatch(r.obj, p.obj)")
    policy = Policy.parse(text, b"p, a, 10.0.0.0/8, r, allow")
    assert policy.decide(sub="a", obj="10.1.2.3", act="r").allowed
    with pytest.raises(EvaluationError):
        policy.decide(sub="a", obj="not an address", act="r")


def test_a_word_may_be_called_anything() -> None:
    text = model(ALLOW).replace(b"r = sub,", b"r = self,").replace(b"r.sub", b"r.self")
    assert Policy.parse(text, b"p, a, o, r, allow").decide(self="a", obj="o", act="r").allowed


def test_names_are_roles_if_a_rule_or_a_link_gives_them_something_to_grant(policy: Policy) -> None:
    """The lock-out of one person names a role; who lists people finds it apart. `everyone` is a word of the
    model."""
    assert policy.roles == ("7f3c1e52-0000-0000-0000-000000000000", "admin", "blocked", "staff", "user")
    assert policy.subjects == ("11111111-2222-3333-4444-555555555555", "google|42")
    assert policy.names().singled_out == ("7f3c1e52-0000-0000-0000-000000000000",)


def test_what_a_subject_looks_like_can_be_said_otherwise(policy: Policy) -> None:
    assert policy.names("st.*").subjects == ("staff",)


@pytest.mark.parametrize(("role", "allowed"), [("admin", True), ("user", False), ("", False)])
def test_allows_is_the_short_question(policy: Policy, role: str, allowed: bool) -> None:
    assert policy.allows(role, "GET", "/admin") is allowed
    assert policy.allows(role, "GET", "/profile", sub="x") is True


def test_allows_asks_about_somebody_with_a_valid_token() -> None:
    """A role is somebody whom the document does not name; `None` is nobody; the same as the fixture of the tests."""
    policy = Policy.parse(MODEL, b"p, authenticated, /me, GET, allow\np, user, /me, PUT, allow\n")
    assert policy.allows("user", "GET", "/me")
    assert policy.allows(["user", "admin"], "PUT", "/me")
    assert policy.allows("", "GET", "/me")
    assert not policy.allows(None, "GET", "/me")
    assert PolicyToTest(policy).allows("user", "GET", "/me")
    assert not PolicyToTest(policy).allows(None, "GET", "/me")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"act": "PUT"}, "act"),
        ({"obj": "/other"}, "obj"),
        ({"role": "admin"}, "role"),
    ],
)
def test_a_word_that_is_given_twice_is_refused(words: dict[str, str], says: str) -> None:
    """Neither of the two is silently dropped, here and in the fixture alike."""
    policy = Policy.parse(MODEL, b"p, user, /me, GET, allow\n")
    renamed = Policy.parse(
        MODEL.replace(b"r = sub, role, obj, act", b"r = user, role, path, method")
        .replace(b"r.sub", b"r.user")
        .replace(b"r.obj", b"r.path")
        .replace(b"r.act", b"r.method"),
        b"p, user, /me, GET, allow\n",
    )
    names = {"act": "method", "obj": "path"}
    for ask in (renamed.allows, PolicyToTest(renamed).allows):
        with pytest.raises((RequestError, TypeError), match=names.get(says, says)):
            ask("user", "GET", "/me", **{names.get(word, word): value for word, value in words.items()})
    for ask in (policy.allows, PolicyToTest(policy).allows):
        with pytest.raises((RequestError, TypeError), match=says):
            ask("user", "GET", "/me", **words)


def test_a_person_may_be_named_by_the_models_own_word() -> None:
    """`sub` and the word that the model has for a person say the same."""
    text = MODEL.replace(b"r = sub,", b"r = user,").replace(b"r.sub", b"r.user")
    policy = Policy.parse(text, b"p, ann, /me, GET, allow\n")
    assert policy.allows("user", "GET", "/me", user="ann")
    assert policy.allows("user", "GET", "/me", sub="ann")
    assert not policy.allows("user", "GET", "/me", user="bob")


def test_allows_asks_a_model_without_roles_about_the_subject() -> None:
    policy = Policy.parse(model(ALLOW), b"p, a, o, r, allow")
    assert policy.allows("a", "r", "o")
    assert not policy.allows("b", "r", "o")


def test_loading_reads_strictly_and_tells_every_problem(tmp_path: Path) -> None:
    (tmp_path / "m.conf").write_bytes(MODEL)
    (tmp_path / "p.csv").write_text("p, a, /x, GET\nq, b\np, c, /x, GET, alow\n")
    with pytest.raises(PolicyError) as error:
        Policy.load(tmp_path / "m.conf", tmp_path / "p.csv")
    assert [problem.line for problem in error.value.problems] == [1, 2, 3]


def test_compiling_calls_back_so_that_others_can_run() -> None:
    calls: list[None] = []
    rules = "".join(f"p, r{number}, /x/{number}, GET, allow\n" for number in range(2_000))
    policy = Policy.parse(MODEL, rules.encode(), pause=lambda: calls.append(None))
    assert len(calls) > 3
    assert policy.allows("r1999", "GET", "/x/1999")


def test_many_threads_get_the_answers_of_one(policy: Policy) -> None:
    """Decisions are made while others are, also the first by each rule."""
    requests = [
        ("b", role, path, "GET")
        for role in ("user", "admin", "x")
        for path in ("/user", "/files/1", "/admin")
    ]
    expected = [Policy.parse(MODEL, RULES).decide_request(request) for request in requests]
    wrong: list[tuple[Decision, Decision]] = []
    start = threading.Barrier(8)

    def ask() -> None:
        start.wait()
        for _ in range(200):
            for request, right in zip(requests, expected, strict=True):
                got = policy.decide_request(request)
                if got != right:
                    wrong.append((got, right))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
