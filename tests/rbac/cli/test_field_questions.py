"""What was asked of real policies, each reduced to a small document: no answer is false, and none hides what it left out."""

from pathlib import Path

import pytest

from tests.support.command import Workshop

ALLOW = "some(where (p.eft == allow))"


def model(matcher: str, words: str = "sub, obj, act", roles: str = "_, _") -> str:
    return (
        f"[request_definition]\nr = {words}\n[policy_definition]\np = {words}\n[role_definition]\ng = {roles}\n"
        f"[policy_effect]\ne = {ALLOW}\n[matchers]\nm = {matcher}\n"
    )


EXTRA_WORD = model(
    "g(r.sub, p.sub) && keyMatch(r.res, p.res) && keyMatch(r.act, p.act) && keyMatch(r.obj, p.obj)",
    "sub, res, act, obj",
)
DOMAINS = model(
    "g(r.sub, p.sub, r.dom) && r.dom == p.dom && r.obj == p.obj && r.act == p.act",
    "sub, dom, obj, act",
    "_, _, _",
)
ROOT_BY_NAME = model(
    'g(r.sub, p.sub) && (p.obj == "*" || r.obj == p.obj) && (p.act == "*" || r.act == p.act) || r.sub == "root"'
)
GLOBS = model(
    "g(r.sub, p.sub, r.dom) && globMatch(r.dom, p.dom) && globMatch(r.obj, p.obj) && r.act == p.act",
    "sub, dom, obj, act",
    "_, _, _",
)


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def made(shop: Workshop, text: str, *rules: str) -> Workshop:
    shop.write("model.conf", text)
    shop.rules(*rules)
    return shop


def test_the_values_of_a_word_besides_are_walked_and_shown_and_can_be_asked_with(shop: Workshop) -> None:
    made(shop, EXTRA_WORD, "p, reader, apps, get, *")
    answer = shop.rbac("who-can", "get", "x", "--format", "json").json
    assert [(row["role"], row["with"]) for row in answer["roles"]] == [("reader", {"res": "apps"})]
    shown = shop.rbac("who-can", "get", "x").out
    assert "res=apps" in shown
    assert "reader" in shop.rbac("who-can", "get", "x", "--with", "res=apps").out
    assert "reader" not in shop.rbac("who-can", "get", "x", "--with", "res=others").out
    assert [
        row["with"] for row in shop.rbac("can", "--role", "reader", "--format", "json").json["endpoints"]
    ] == [{"res": "apps"}]
    assert "apps" in shop.rbac("matrix").out


@pytest.mark.parametrize("caller", [("--sub", "alice"), ("--role", "admin")])
def test_a_role_of_one_domain_reaches_what_it_reaches_there(shop: Workshop, caller: tuple[str, str]) -> None:
    made(shop, DOMAINS, "p, admin, t1, /users, GET", "g, alice, admin, t1")
    rows = shop.rbac("can", *caller, "--format", "json").json["endpoints"]
    assert [(row["act"], row["obj"], row["with"]) for row in rows] == [("GET", "/users", {"dom": "t1"})]


def test_a_policy_test_that_leaves_a_word_out_is_an_error(shop: Workshop) -> None:
    made(shop, DOMAINS, "p, admin, t1, /users, GET", "g, alice, admin, t1")
    tests = shop.tests("{name: n, role: admin, cannot: [GET /users]}")
    ended = shop.rbac("test", tests)
    assert ended.code == 2
    assert "test-missing-word" in ended.out + ended.err


@pytest.mark.parametrize("caller", [("--role", "admin"), ("--sub", "root")])
def test_who_reaches_everything_is_not_said_to_reach_nothing(shop: Workshop, caller: tuple[str, str]) -> None:
    made(shop, ROOT_BY_NAME, "p, admin, *, *")
    answer = shop.rbac("can", *caller, "--format", "json").json
    assert answer["complete"]
    assert answer["endpoints"]
    assert "any other obj and act" in shop.rbac("can", *caller).out


def test_a_name_in_the_matcher_has_its_row_in_the_matrix(shop: Workshop) -> None:
    made(shop, ROOT_BY_NAME, "p, admin, *, *")
    answer = shop.rbac("matrix", "--format", "json").json
    row = answer["cells"][answer["roles"].index("root")]
    assert any(cell["allowed"] for cell in row)


def test_what_cannot_be_told_exactly_says_so_in_every_answer(shop: Workshop) -> None:
    made(shop, GLOBS, "p, reader, *, /things, list")
    found = shop.rbac("who-can", "list", "/things", "--format", "json").json
    assert [row["role"] for row in found["roles"]] == ["reader"]
    for command in (("who-can", "list", "/things"), ("can", "--role", "reader"), ("matrix",)):
        answer = shop.rbac(*command, "--format", "json").json
        assert answer["complete"] is False
        assert any("globMatch" in note for note in answer["notes"])
        assert "globMatch" in shop.rbac(*command).out
