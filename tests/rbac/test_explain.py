"""Why a request came out as it did."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from rbac import Decision, Policy
from rbac.text.likeness import FAR, path_distance

ROOT = Path(__file__).parents[2]
MODEL = (ROOT / "model.conf").read_bytes()
BOB = "11111111-2222-3333-4444-555555555555"
RULES = f"""\
p, everyone, /, GET, allow
p, authenticated, /profile, GET, allow
p, user, /user, GET, allow
p, user, /files/{{id}}, PUT, allow
p, admin, /admin, GET, allow
p, auditor, /admin, GET, allow
p, auditor, /reports/{{year}}, GET, allow
p, banned, /admin, GET, deny
g, admin, user
g, user, member
p, member, /lounge, GET, allow
g, {BOB}, auditor
""".encode()


@pytest.fixture(scope="module")
def policy() -> Policy:
    return Policy.parse(MODEL, RULES)


@pytest.mark.parametrize(
    ("words", "path"),
    [
        ({"sub": "b", "role": "user", "obj": "/user"}, ("b", "user")),
        ({"sub": "b", "role": "admin", "obj": "/user"}, ("b", "admin", "user")),
        ({"sub": "b", "role": "admin", "obj": "/lounge"}, ("b", "admin", "user", "member")),
        ({"role": "admin", "obj": "/lounge"}, ("admin", "user", "member")),
        ({"sub": BOB, "role": "user", "obj": "/reports/2024"}, (BOB, "auditor")),
        ({"sub": "b", "role": "user", "obj": "/profile"}, ("b", "authenticated")),
        ({"obj": "/"}, ("everyone",)),
        ({"sub": "b", "role": "banned", "obj": "/admin"}, ("b", "banned")),
        ({"sub": "b", "role": "user", "obj": "/nowhere"}, ()),
    ],
)
def test_the_role_path_leads_from_the_caller_to_the_role_of_the_rule(
    policy: Policy, words: dict[str, str], path: tuple[str, ...]
) -> None:
    explanation = policy.explain(act="GET", **words)
    assert explanation.role_path == path
    assert explanation.decision == policy.decide(act="GET", **words)


@pytest.mark.parametrize(
    ("words", "nearest"),
    [
        pytest.param(
            {"sub": "b", "role": "user", "obj": "/admin", "act": "GET"},
            [(5, "role `admin` instead of `user`"), (6, "role `auditor` instead of `user`")],
            id="another role",
        ),
        pytest.param(
            {"sub": "b", "role": "user", "obj": "/user", "act": "POST"},
            [(3, "method `GET` instead of `POST`"), (4, "path `/files/{id}` instead of `/user`")][:1],
            id="another method",
        ),
        pytest.param(
            {"sub": "b", "role": "user", "obj": "/usr", "act": "GET"},
            [(3, "path `/user` instead of `/usr`")],
            id="another path",
        ),
        pytest.param(
            {"sub": "b", "role": "user", "obj": "/file/7", "act": "PUT"},
            [(4, "path `/files/{id}` instead of `/file/7`")],
            id="another path with a variable",
        ),
        pytest.param(
            {"obj": "/profile", "act": "GET"}, [(2, "any sub instead of none")], id="anybody with a token"
        ),
        pytest.param(
            {"sub": "b", "obj": "/user", "act": "GET"},
            [(3, "role `user` instead of none")],
            id="a first role",
        ),
        pytest.param(
            {"sub": "b", "role": "user", "obj": "/elsewhere", "act": "TRACE"},
            [],
            id="two words are never one",
        ),
    ],
)
def test_the_nearest_misses_come_best_first(
    policy: Policy, words: dict[str, str], nearest: list[tuple[int, str]]
) -> None:
    found = [(miss.rule.line, miss.missing) for miss in policy.explain(**words).nearest]
    assert found[: len(nearest)] == nearest
    assert bool(found) == bool(nearest)
    assert len(found) <= 5


def test_a_path_that_is_not_like_the_one_asked_for_is_no_near_miss(policy: Policy) -> None:
    nearest = policy.explain(sub="b", role="user", obj="/admin", act="GET").nearest
    assert {miss.missing.partition(" ")[0] for miss in nearest} == {"role"}


@pytest.mark.parametrize(
    ("asked", "pattern", "alike"),
    [
        ("/users", "/user", True),
        ("/user/", "/user", True),
        ("/orders/7/items", "/orders/{id}/item", True),
        ("/api/v2/orders", "/api/v1/orders", True),
        ("/orders/7/lines", "/orders/{id}", True),
        ("/admin", "/docs", False),
        ("/", "/docs", False),
        ("/repos/me/it/labels", "/repos/{owner}/{repo}/deployments", True),
        ("/repos/me/it/actions/runs/7", "/repos/{owner}/{repo}/pages", False),
        ("/nowhere/at/all", "/forward-auth/*", False),
        ("/nowhere/at/all", "/{a}/{b}/{c}/d", False),
    ],
)
def test_paths_are_alike_when_half_of_their_segments_are(asked: str, pattern: str, alike: bool) -> None:
    assert (path_distance(asked, pattern) < FAR) is alike


def test_of_two_roles_the_one_whose_rule_opens_less_comes_first() -> None:
    rules = b"p, root, /*, *, allow\np, keeper, /vault/{id}, *, allow\np, clerk, /vault/{id}, GET, allow\n"
    nearest = Policy.parse(MODEL, rules).explain(sub="b", role="guest", obj="/vault/7", act="GET").nearest
    assert [miss.rule.fields[0] for miss in nearest] == ["clerk", "keeper", "root"]


def test_with_the_missing_word_each_near_miss_would_be_allowed(policy: Policy) -> None:
    """What `missing` says can be put into the request, and the request is then allowed."""
    asked = {"sub": "b", "role": "user", "obj": "/admin", "act": "GET"}
    nearest = policy.explain(**asked).nearest
    assert nearest
    for miss in nearest:
        word, _, rest = miss.missing.partition(" `")
        assert policy.decide(**(asked | {word: rest.partition("`")[0]})).allowed


def test_a_deny_rule_is_no_near_miss(policy: Policy) -> None:
    nearest = policy.explain(sub="b", role="user", obj="/admin", act="GET").nearest
    assert "banned" not in {miss.rule.fields[0] for miss in nearest}


def test_a_deny_that_the_effect_overlooks_is_no_near_miss_either() -> None:
    model = MODEL.replace(b" && !some(where (p.eft == deny))", b"")
    policy = Policy.parse(model, b"p, admin, /admin, GET, deny\np, admin, /admin, GET, allow\n")
    nearest = policy.explain(sub="b", role="user", obj="/admin", act="GET").nearest
    assert [miss.rule.line for miss in nearest] == [2]


@pytest.mark.parametrize(
    "words",
    [
        {"sub": "b", "role": "user", "obj": "/user", "act": "GET"},
        {"sub": "b", "role": "banned", "obj": "/admin", "act": "GET"},
    ],
)
def test_only_a_default_deny_has_near_misses(policy: Policy, words: dict[str, str]) -> None:
    assert policy.explain(**words).nearest == ()


def test_of_several_roles_the_one_that_decided_is_explained(policy: Policy) -> None:
    explanation = policy.explain(sub="b", roles=["nothing", "admin"], obj="/lounge", act="GET")
    assert explanation.role_path == ("b", "admin", "user", "member")


DOMAINS = b"""\
[request_definition]
r = sub, dom, obj, act
[policy_definition]
p = sub, dom, obj, act
[role_definition]
g = _, _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub, r.dom) && r.dom == p.dom && keyMatch2(r.obj, p.obj) && regexMatch(r.act, p.act)
"""
TENANTS = b"p, admin, t1, /data/:id, (GET)|(POST)\np, admin, t2, /data/:id, GET\ng, alice, admin, t1\ng, boss, alice, t1\n"


def test_role_paths_stay_in_their_domain() -> None:
    policy = Policy.parse(DOMAINS, TENANTS)
    assert policy.explain(sub="boss", dom="t1", obj="/data/1", act="GET").role_path == (
        "boss",
        "alice",
        "admin",
    )


@pytest.mark.parametrize(
    ("words", "nearest"),
    [
        (
            {"sub": "alice", "dom": "t2", "obj": "/data/1", "act": "GET"},
            [(2, "role `admin`, which `alice` does not hold")],
        ),
        ({"sub": "alice", "dom": "t9", "obj": "/data/1", "act": "GET"}, [(1, "dom `t1` instead of `t9`")]),
        (
            {"sub": "alice", "dom": "t1", "obj": "/data/1", "act": "PUT"},
            [(1, "method `(GET)|(POST)` instead of `PUT`")],
        ),
        (
            {"sub": "alice", "dom": "t1", "obj": "/date/1", "act": "GET"},
            [(1, "path `/data/:id` instead of `/date/1`")],
        ),
    ],
)
def test_near_misses_are_found_in_any_model(words: dict[str, str], nearest: list[tuple[int, str]]) -> None:
    found = [
        (miss.rule.line, miss.missing) for miss in Policy.parse(DOMAINS, TENANTS).explain(**words).nearest
    ]
    assert found[: len(nearest)] == nearest


def test_a_model_without_roles_is_explained_without_them() -> None:
    text = DOMAINS.replace(b"[role_definition]\ng = _, _, _\n", b"").replace(
        b"g(r.sub, p.sub, r.dom)", b"r.sub == p.sub"
    )
    policy = Policy.parse(text, b"p, alice, t1, /data/:id, GET\n")
    assert policy.explain(sub="alice", dom="t1", obj="/data/1", act="GET").role_path == ("alice",)
    nearest = policy.explain(sub="bob", dom="t1", obj="/data/1", act="GET").nearest
    assert [miss.missing for miss in nearest] == ["sub `alice` instead of `bob`"]


def test_an_explanation_among_very_many_rules_stays_a_matter_of_a_moment() -> None:
    """However many rules there are, only a bounded number of requests is tried (here: counted, not timed)."""
    rules = "".join(f"p, r{number % 5_000}, /x/{number}/{{id}}, GET, allow\n" for number in range(20_000))
    policy = Policy.parse(MODEL, rules.encode())
    asked = 0
    decide = policy._decide

    def counting(words: Sequence[object]) -> Decision:
        nonlocal asked
        asked += 1
        return decide(words)

    policy._decide = counting
    nearest = policy.explain(sub="b", role="r7", obj="/x/8/1", act="GET").nearest
    assert nearest[0].missing == "role `r8` instead of `r7`"
    assert nearest[1].missing == "path `/x/7/{id}` instead of `/x/8/1`"
    assert 0 < asked < 10_000
