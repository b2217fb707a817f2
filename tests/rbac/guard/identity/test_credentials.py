"""Exactly one Bearer token is a token, and everything else is refused."""

from typing import Any

import pytest

from rbac.guard.identity.credentials import bearer, bearer_token, cookie
from rbac.guard.identity.errors import InvalidToken


@pytest.mark.parametrize(
    ("value", "token"),
    [
        (b"Bearer a.b.c", "a.b.c"),
        (b"bearer a.b.c", "a.b.c"),
        (b"BEARER a.b.c", "a.b.c"),
        (b"bEaReR   a.b.c", "a.b.c"),
        (b" Bearer a.b.c \t", "a.b.c"),
        (b"Bearer AZaz09-._~+/==", "AZaz09-._~+/=="),
        (b"Bearer " + b"a" * 8192, "a" * 8192),
    ],
)
def test_reads_the_token_behind_the_scheme_in_any_case(value: bytes, token: str) -> None:
    assert bearer_token([value]) == token


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([], "malformed_credentials"),
        ([b""], "malformed_credentials"),
        ([b" "], "malformed_credentials"),
        ([b"Bearer"], "malformed_credentials"),
        ([b"Bearer "], "malformed_credentials"),
        ([b"Bearer\ta.b.c"], "malformed_credentials"),
        ([b"a.b.c"], "malformed_credentials"),
        ([b"Basic YWxpY2U6c2VjcmV0"], "malformed_credentials"),
        ([b"Digest username=alice"], "malformed_credentials"),
        ([b"Token a.b.c"], "malformed_credentials"),
        ([b"Bearera.b.c"], "malformed_credentials"),
        ([b"Bearer: a.b.c"], "malformed_credentials"),
        ([b"Bearer a.b.c d.e.f"], "malformed_credentials"),
        ([b"Bearer a.b.c,Bearer d.e.f"], "malformed_credentials"),
        ([b"Bearer Bearer a.b.c"], "malformed_credentials"),
        ([b'Bearer "a.b.c"'], "malformed_credentials"),
        ([b"Bearer a.b.c\x00"], "malformed_credentials"),
        ([b"Bearer a.b.c\nX: y"], "malformed_credentials"),
        ([b"Bearer a.b.c\n"], "malformed_credentials"),
        ([b"Bearer a.b.\xc3\xa9"], "malformed_credentials"),
        ([b"Bearer \xff"], "malformed_credentials"),
        ([b"Bearer =a"], "malformed_credentials"),
        ([b"Bearer a=b"], "malformed_credentials"),
        ([b"Bearer a.b.c", b"Bearer a.b.c"], "malformed_credentials"),
        ([b"Bearer a.b.c", b""], "malformed_credentials"),
        ([b"Bearer " + b"a" * 8193], "too_large"),
        ([b"Basic " + b"a" * 60_000], "too_large"),
    ],
)
def test_refuses_anything_but_one_bearer_token(values: list[bytes], reason: str) -> None:
    with pytest.raises(InvalidToken) as caught:
        bearer_token(values)
    assert caught.value.reason == reason


LONGEST = b"t" * 8192


def carrying(*cookies: bytes, authorization: bytes | None = None) -> dict[str, Any]:
    headers = [(b"cookie", each) for each in cookies] + [(b"x-cookie", b"session=other")]
    return {"headers": headers if authorization is None else [*headers, (b"authorization", authorization)]}


@pytest.mark.parametrize(
    ("scope", "token"),
    [
        (carrying(), None),
        (carrying(b""), None),
        (carrying(b"other=t; more"), None),
        (carrying(b"session"), None),
        (carrying(b"session="), None),
        (carrying(b"Session=t"), None),
        (carrying(b"session=a.b.c"), "a.b.c"),
        (carrying(b'other=x;session="a.b.c"; more=y'), "a.b.c"),
        (carrying(b" session = a=b== "), "a=b=="),
        (carrying(b"other=session", b"session=t"), "t"),
        (carrying(b"session; session=t"), "t"),
        (carrying(b"session=" + LONGEST), LONGEST.decode()),
        (carrying(b"session=t", authorization=b"Bearer header"), "header"),
    ],
)
def test_a_cookie_holds_the_token_where_no_header_does(scope: dict[str, Any], token: str | None) -> None:
    assert cookie("session")(scope) == token
    assert bearer(scope) == ("header" if token == "header" else None)


@pytest.mark.parametrize(
    ("cookies", "reason"),
    [
        ([b"session=t; session=t"], "malformed_credentials"),
        ([b"session=t", b"session="], "malformed_credentials"),
        ([b"session=; session="], "malformed_credentials"),
        ([b'session=""'], "malformed_credentials"),
        ([b'session="t'], "malformed_credentials"),
        ([b"session=a b"], "malformed_credentials"),
        ([b"session=\xc3\xa9"], "malformed_credentials"),
        ([b"session=t" + LONGEST], "too_large"),
    ],
)
def test_a_cookie_that_is_no_one_token_is_refused(cookies: list[bytes], reason: str) -> None:
    with pytest.raises(InvalidToken) as refused:
        cookie("session")(carrying(*cookies))
    assert refused.value.reason == reason


@pytest.mark.parametrize("name", ["", "a b", "a=b", "a;", "é", "a\n"])
def test_a_name_that_no_cookie_can_have_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not the name of a cookie"):
        cookie(name)
