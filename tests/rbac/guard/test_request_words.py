"""POLICY_REQUEST: how a request becomes the words of the model."""

from typing import Any

import pytest

from rbac import Policy, RequestError
from rbac.guard.identity.errors import InvalidToken
from rbac.guard.identity.principal import Principal
from rbac.guard.request_words import InvalidHost, RequestWords, RequestWordsError
from tests.support.decisions import SHIPPED as SHIPPED_POLICY

SHIPPED = "sub=claims.sub, role=roles, obj=path, act=method"
SCOPE: dict[str, Any] = {"headers": [(b"host", b"API.Example.com:8443")], "client": ("203.0.113.7", 50123)}


def bob(*roles: str, **claims: Any) -> Principal:
    return Principal(sub="b0b", roles=roles, claims={"sub": "b0b", **claims})


def test_the_shipped_mapping_fills_the_shipped_words_in_the_models_order() -> None:
    words = RequestWords.parse(SHIPPED, ("sub", "role", "obj", "act"))
    assert words.read("/user", "GET", SCOPE, bob("user")) == ("b0b", "user", "/user", "GET")
    assert words.role_index == 1


def test_a_caller_without_a_token_has_no_subject_and_no_role() -> None:
    words = RequestWords.parse(SHIPPED, ("sub", "role", "obj", "act"))
    assert words.read("/", "GET", SCOPE, None) == ("", "", "/", "GET")


def test_several_roles_are_not_one_role() -> None:
    words = RequestWords.parse(SHIPPED, ("sub", "role", "obj", "act"))
    assert words.read("/", "GET", SCOPE, bob("user", "auditor"))[1] == ""


@pytest.mark.parametrize(
    ("value", "word"),
    [("acme", "acme"), (7, "7"), (True, "true"), (1.5, "1.5"), (None, ""), (["acme"], ""), ({"a": 1}, "")],
)
def test_a_claim_is_a_word_when_it_is_one_value(value: object, word: str) -> None:
    words = RequestWords.parse("dom=claims.custom:tenant", ("dom",))
    assert words.read("/", "GET", SCOPE, bob(**{"custom:tenant": value})) == (word,)


def test_a_claim_that_the_token_lacks_is_an_empty_word() -> None:
    assert RequestWords.parse("dom=claims.custom:tenant", ("dom",)).read("/", "GET", SCOPE, bob()) == ("",)


@pytest.mark.parametrize(
    ("name", "claims", "word"),
    [
        ("org.tenant", {"org": {"tenant": "acme"}}, "acme"),
        ("org.tenant", {"org.tenant": "north", "org": {"tenant": "acme"}}, "north"),
        ("org.tenant", {"org": "acme"}, ""),
        ("org.tenant", {"org": {}}, ""),
        ("org.tenant", {}, ""),
        ("org", {"org": {"tenant": "acme"}}, ""),
        (r"org.a\.b", {"org": {"a.b": "acme"}}, "acme"),
        ("https://example.com/tenant", {"https://example.com/tenant": "acme"}, "acme"),
    ],
)
def test_dots_lead_into_a_claim_unless_one_has_the_whole_name(
    name: str, claims: dict[str, Any], word: str
) -> None:
    words = RequestWords.parse(f"dom=claims.{name}", ("dom",))
    assert words.read("/", "GET", SCOPE, bob(**claims)) == (word,)


@pytest.mark.parametrize(
    ("headers", "host"),
    [
        ([(b"host", b"API.Example.com:8443")], "api.example.com"),
        ([(b"host", b"api.example.com")], "api.example.com"),
        ([(b"host", b"[2001:db8::1]:80")], "[2001:db8::1]"),
        ([(b"host", b"[2001:db8::1]")], "[2001:db8::1]"),
        ([(b"host", b"api.example.com.:443")], "api.example.com"),
        ([], ""),
    ],
)
def test_the_host_is_in_lower_case_and_without_its_port(
    headers: list[tuple[bytes, bytes]], host: str
) -> None:
    words = RequestWords.parse("h=host", ("h",))
    assert words.read("/", "GET", {"headers": headers}, None) == (host,)


def test_the_client_address_is_the_one_the_server_saw() -> None:
    words = RequestWords.parse("ip=client_ip", ("ip",))
    assert words.read("/", "GET", SCOPE, None) == ("203.0.113.7",)
    assert words.read("/", "GET", {"headers": [], "client": None}, None) == ("",)


@pytest.mark.parametrize(
    ("mapping", "words", "complaint"),
    [
        ("sub=claims.sub", ("sub", "obj"), "`obj` of the model is not mapped"),
        ("sub=claims.sub, dom=host", ("sub",), "`dom` is mapped, but the model has no such word"),
        ("sub=claims.sub, sub=host", ("sub",), "`sub` is mapped twice"),
        ("sub=cookie", ("sub",), "`cookie` is no source"),
        ("sub=claims.", ("sub",), "`claims.` is no source"),
        ("sub", ("sub",), "`sub` is not of the form word=source"),
        ("sub=", ("sub",), "`sub=` is not of the form word=source"),
        ("=host", ("sub",), "`=host` is not of the form word=source"),
        ("=", ("sub",), "`=` is not of the form word=source"),
        ("", ("sub",), "not of the form"),
        ("a=roles, b=roles", ("a", "b"), "only one word"),
    ],
)
def test_a_mapping_that_does_not_fit_the_model_is_refused(
    mapping: str, words: tuple[str, ...], complaint: str
) -> None:
    with pytest.raises(RequestWordsError, match=complaint):
        RequestWords.parse(mapping, words)


def test_what_is_read_one_by_one_takes_one_role_alone_and_no_word_of_access_tokens() -> None:
    words = RequestWords.parse("role=roles, h=host, dom=claims.a=b", ("role", "h", "dom"))
    scope = {"headers": [(b"x-host", b"other"), *SCOPE["headers"], (b"accept", b"*")]}
    for roles, word in (((), ""), (("user",), "user"), (("user", "auditor"), "")):
        read = words.read("/", "GET", scope, bob(*roles, **{"a=b": "acme"}))
        assert read == (word, "api.example.com", "acme")
    for word in ("client:shop", "scope:orders"):
        with pytest.raises(InvalidToken):
            words.read("/", "GET", scope, bob(**{"a=b": word}))


def test_a_question_of_an_endpoints_own_has_its_words_before_those_of_the_request() -> None:
    words = RequestWords.parse("sub=claims.sub, role=roles", ("sub", "role", "obj"), partly=True)
    scope = {**SCOPE, "type": "http", "method": "GET", "path": "/x"}
    assert words.filled({"obj": "/o"}, scope, bob("user")) == (("b0b", "user", "/o"), 1)
    assert words.filled({"obj": "/o", "role": "x"}, None, bob("user")) == (("b0b", "x", "/o"), None)
    asked = RequestWords.parse("obj=path, act=method", ("obj", "act"))
    assert asked.filled({}, scope, None) == (("/x", "GET"), None)
    assert asked.filled({"obj": "/o", "act": "PUT"}, None, None) == (("/o", "PUT"), None)


@pytest.mark.parametrize(
    ("given", "in_request", "complaint"),
    [
        ({}, True, "nothing fills `obj`"),
        ({}, False, "nothing fills `obj`"),
        ({"obj": 7}, True, "`obj` must be a text, and is int"),
        ({"obj": "/o", "more": "x"}, True, "more"),
    ],
)
def test_a_question_that_is_not_whole_is_refused(
    given: dict[str, Any], in_request: bool, complaint: str
) -> None:
    words = RequestWords.parse("sub=claims.sub, act=method", ("sub", "obj", "act"), partly=True)
    with pytest.raises(RequestError, match=complaint):
        words.check(given, in_request=in_request)
    words.check({"obj": "/o"})
    with pytest.raises(RequestError, match="nothing fills `act`"):
        words.check({"obj": "/o"}, in_request=False)


BY_NAME = """[request_definition]
r = sub, obj
[policy_definition]
p = sub, obj
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.sub == p.sub && r.obj == p.obj
"""
BY_ROLE = BY_NAME.replace("r = sub", "r = role").replace("r.sub == p.sub", "r.role == p.sub")


@pytest.mark.parametrize(
    ("policy", "words", "unfilled", "place"),
    [
        (SHIPPED_POLICY, ("b0b", "user", "", ""), {"obj", "act"}, 1),
        (Policy.parse(BY_NAME.encode(), b"p, b0b, /\n"), ("b0b", ""), {"obj"}, None),
        (Policy.parse(BY_ROLE.encode(), b"p, user, /\n"), ("user", ""), {"obj"}, 0),
    ],
    ids=["both", "sub alone", "role alone"],
)
def test_callers_fill_the_words_that_say_who_asks_and_no_others(
    policy: Policy, words: tuple[str, ...], unfilled: set[str], place: int | None
) -> None:
    of_callers = RequestWords.of_callers(policy)
    assert of_callers.read("/", "GET", SCOPE, bob("user")) == words
    assert (set(of_callers.unfilled), of_callers.role_index, of_callers.path_word) == (unfilled, place, None)


@pytest.mark.parametrize("second", [b"b", b"a"])
def test_two_hosts_are_no_word_whatever_server_let_them_through(second: bytes) -> None:
    words = RequestWords.parse("h=host", ("h",))
    for hosts in ([b"a", second], [second, b"a"]):
        with pytest.raises(InvalidHost):
            words.read("/", "GET", {"headers": [(b"host", host) for host in hosts]}, None)
