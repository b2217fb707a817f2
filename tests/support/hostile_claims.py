"""Tokens that the issuer really signed, with claims that it must not be believed: rows of name, token,
reason.
"""

import json
from collections.abc import Iterator
from typing import Any

from app.auth.errors import Reason
from tests.support.issuer import ABSENT, Issuer

Row = tuple[str, str, Reason]


def wrong_claims(issuer: Issuer) -> Iterator[Row]:
    for claim, name, value, reason in _claim_table(issuer):
        yield f"{claim} {name}", issuer.token(None, **{claim: value}), reason
    access = {"aud": ABSENT, "custom:role": ABSENT, "client_id": issuer.client_id, "scope": "openid"}
    yield "an access token", issuer.token(None, token_use="access", **access), "wrong_use"
    yield "an access token with aud", issuer.token(token_use="access"), "wrong_use"
    yield "an access token without its use", issuer.token(None, token_use=ABSENT, **access), "missing_claim"
    yield "no claims", issuer.sign(b"{}"), "missing_claim"


def _claim_table(issuer: Issuer) -> Iterator[tuple[str, str, Any, Reason]]:
    now = int(issuer.now())
    for claim in ("iss", "aud", "exp", "iat", "sub", "token_use"):
        yield claim, "absent", ABSENT, "missing_claim"
    not_dates: dict[str, Any] = {
        "null": None, "an empty string": "", "a string": str(now + 600), "true": True, "false": False, "a list": [now],
        "an object": {}, "negative": -1, "far beyond any calendar": 10**15, "1e300": 1e300,
    }  # fmt: skip
    for claim in ("exp", "iat", "nbf", "auth_time"):
        for name, value in not_dates.items():
            yield claim, name, value, "bad_claim"
    for name, value in {
        "now": now,
        "a second ago": now - 1,
        "an hour ago": now - 3600,
        "zero": 0,
        "0.5": 0.5,
    }.items():
        yield "exp", name, value, "expired"
    for claim in ("iat", "nbf"):
        yield claim, "an hour ahead", now + 3600, "not_yet_valid"
    yield from _identity_table(issuer)


def _identity_table(issuer: Issuer) -> Iterator[tuple[str, str, Any, Reason]]:
    pool, client = issuer.issuer, issuer.client_id
    wrong: dict[tuple[str, Reason], list[Any]] = {
        ("aud", "bad_claim"): [None, 7, True, [], {}, [client], [client, "x"], {client: 1}],
        ("aud", "wrong_audience"): ["", "x", client.upper(), client + " ", " " + client, client[:-1], "*"],
        ("iss", "wrong_issuer"): [
            None, "", 7, True, [pool], {"iss": pool}, pool + "/", pool + "1", pool[:-1], pool.upper(), pool + " ",
            pool.replace("https", "http"), pool.replace("_Sekisho", "_Another"),
            pool.replace("eu-west-1.", "us-east-1."),
            pool.replace(".amazonaws.com", ".attacker.example"), f"https://attacker.example/?{pool}", issuer.pool_id,
        ],
        ("token_use", "wrong_use"): [
            None, "", False, True, 0, [], ["id"], {}, {"id": 1}, "access", "refresh", "ID", "id ", "i",
        ],
        ("sub", "bad_claim"): [
            None, 7, True, [], {}, "", " ", "\t", "a\nb", "a\0b", "a\x7fb", "a\x85b", "a\u2028b", "s" * 257,
        ],
    }  # fmt: skip
    for (claim, reason), values in wrong.items():
        for value in values:
            yield claim, json.dumps(value)[:80], value, reason


def oversized(issuer: Issuer) -> Iterator[Row]:
    yield "signed, and one byte too long", token_of_length(issuer, 8193), "too_large"
    yield "signed, and much too long", issuer.token(note="x" * 10_000), "too_large"
    yield "16,000 dots", "." * 16_000, "too_large"
    yield "a mebibyte", "x" * (1 << 20), "too_large"


def token_of_length(issuer: Issuer, length: int) -> str:
    """A token of exactly ``length`` characters, right in every other way."""
    for stretch in range(4):  # a segment's length is never 1 modulo 4, so the header gives way
        header = {"x": "x" * stretch}
        shortest = len(issuer.token(header, note=""))
        for note in range((length - shortest) * 3 // 4 - 3, (length - shortest) * 3 // 4 + 4):
            token = issuer.token(header, note="x" * note)
            if len(token) == length:
                return token
    raise ValueError(f"no token is {length} characters long")
