"""POLICY_REQUEST: how a request becomes the words of the model."""

from typing import Any

import pytest

from app.auth.principal import Principal
from app.request_words import InvalidHost, RequestWords, RequestWordsError

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
        ("", ("sub",), "not of the form"),
        ("a=roles, b=roles", ("a", "b"), "only one word"),
    ],
)
def test_a_mapping_that_does_not_fit_the_model_is_refused(
    mapping: str, words: tuple[str, ...], complaint: str
) -> None:
    with pytest.raises(RequestWordsError, match=complaint):
        RequestWords.parse(mapping, words)


@pytest.mark.parametrize("second", [b"b", b"a"])
def test_two_hosts_are_no_word_whatever_server_let_them_through(second: bytes) -> None:
    words = RequestWords.parse("h=host", ("h",))
    for hosts in ([b"a", second], [second, b"a"]):
        with pytest.raises(InvalidHost):
            words.read("/", "GET", {"headers": [(b"host", host) for host in hosts]}, None)
