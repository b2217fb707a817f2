"""Exactly one Bearer token is a token, and everything else is refused."""

import pytest

from app.auth.errors import InvalidToken
from app.auth.tokens import bearer_token


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
