"""Tokens that the issuer really signed, with claims that it must not be believed: rows of name, token,
reason.
"""

import json
from collections.abc import Iterator
from typing import Any

from rbac.guard.identity.errors import RejectionReason
from tests.support.issuer import ABSENT, Issuer
from tests.support.issuer_forms import COGNITO

Row = tuple[str, str, RejectionReason]


def wrong_claims(issuer: Issuer) -> Iterator[Row]:
    for claim, name, value, reason in _claim_table(issuer):
        yield f"{claim} {name}", issuer.token(None, **{claim: value}), reason
    yield from _of_another_kind(issuer)
    nothing: RejectionReason = (
        "wrong_use"
        if issuer.form.token_use == "access" and issuer.form.provider == "cognito"
        else "missing_claim"
    )
    yield "no claims", issuer.sign(b"{}"), nothing


def _of_another_kind(issuer: Issuer) -> Iterator[Row]:
    if issuer.form.token_use == "access":
        yield from _in_place_of_an_access_token(issuer)
    elif issuer.form is COGNITO:
        yield from _cognitos_other_tokens(issuer)
    else:
        yield from _other_tokens(issuer)


def _in_place_of_an_access_token(issuer: Issuer) -> Iterator[Row]:
    client = issuer.client_id
    if issuer.form.provider == "cognito":
        yield "an ID token", issuer.token(token_use="id", aud=client, client_id=ABSENT), "wrong_use"
        yield "an ID token that names a client", issuer.token(token_use="id"), "wrong_use"
        yield "an access token without its use", issuer.token(token_use=ABSENT), "wrong_use"
        yield "bound to another resource", issuer.token(aud="https://api.example.com"), "wrong_audience"
        yield "bound to its client", issuer.token(aud=client), "wrong_audience"
        yield "bound to several", issuer.token(aud=[client]), "bad_claim"
        yield "half a machine's", issuer.token(sub=client, username="alice"), "bad_claim"
        yield "half a person's", issuer.token(sub="7f3c", username=ABSENT), "bad_claim"
        yield "of a person without a name", issuer.token(sub="7f3c", username=""), "bad_claim"
        return
    for typ in (ABSENT, "JWT", "jwt"):
        yield f"an ID token, typ {typ!r}", issuer.token({"typ": typ}, aud=client), "wrong_use"
        yield f"an access token that does not say so, typ {typ!r}", issuer.token({"typ": typ}), "wrong_use"
    for mark in ("acr", "amr", "auth_time", "email", "name", "preferred_username", "sid"):
        signed_in = {mark: 1 if mark == "auth_time" else "x"}
        yield f"a person called as the client, {mark}", issuer.token(sub=client, **signed_in), "bad_claim"
    yield "a logout token", issuer.token(events={}), "wrong_use"
    yield "a refresh token of Keycloak", issuer.token(typ="Refresh"), "wrong_use"
    yield "two clients", issuer.token(azp="another", client_id=client), "bad_claim"
    yield "no client", issuer.token(client_id=ABSENT, azp=ABSENT), "missing_claim"
    yield "for its client alone", issuer.token(aud=client), "wrong_audience"
    yield "for another resource", issuer.token(aud=["https://other.example.com"]), "wrong_audience"


def _cognitos_other_tokens(issuer: Issuer) -> Iterator[Row]:
    access = {"aud": ABSENT, "custom:role": ABSENT, "client_id": issuer.client_id, "scope": "openid"}
    yield "an access token", issuer.token(None, token_use="access", **access), "wrong_use"
    yield "an access token with aud", issuer.token(token_use="access"), "wrong_use"
    yield "an access token without its use", issuer.token(None, token_use=ABSENT, **access), "missing_claim"


def _other_tokens(issuer: Issuer) -> Iterator[Row]:
    """What OpenID providers sign besides, for the same audience, under a header that says no more than `JWT`."""
    others: dict[str, dict[str, Any]] = {
        "an access token of the provider's": {"scope": "openid"},
        "an access token of Keycloak": {"typ": "Bearer", "allowed-origins": ["*"], "scope": "openid email"},
        "an access token of Keycloak without its scope": {"typ": "Bearer"},
        "an access token of Entra": {"scp": "orders.read", "azpacr": "1"},
        "an access token of Okta": {"cid": issuer.client_id, "scp": ["openid"], "uid": "00u1"},
        "a machine's access token": {"client_id": issuer.client_id, "sub": issuer.client_id},
        "an access token of Entra, version 1": {"appid": issuer.client_id},
        "a logout token": {"events": {"http://schemas.openid.net/event/backchannel-logout": {}}},
        "a logout token of Keycloak": {"typ": "Logout"},
        "a refresh token of Keycloak": {"typ": "Refresh"},
        "a token of no kind": {"typ": None},
        "a token of two kinds": {"typ": ["ID", "Bearer"]},
    }
    several = {"aud": [issuer.client_id, "x"]}
    yield "several audiences, and nobody's", issuer.token(azp=ABSENT, **several), "missing_claim"
    yield "several audiences, and another's", issuer.token(azp="x", **several), "wrong_audience"
    for name, claims in others.items():
        yield name, issuer.token(**claims), "wrong_use"


def _claim_table(issuer: Issuer) -> Iterator[tuple[str, str, Any, RejectionReason]]:
    now = int(issuer.now())
    for claim in _REQUIRED[issuer.form.token_use, issuer.form.provider]:
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


def _identity_table(issuer: Issuer) -> Iterator[tuple[str, str, Any, RejectionReason]]:
    pool = issuer.issuer
    wrong: dict[tuple[str, RejectionReason], list[Any]] = {
        ("iss", "wrong_issuer"): [
            None, "", 7, True, [pool], {"iss": pool}, pool + "/", pool + "1", pool[:-1], pool.upper(), pool + " ",
            pool.replace("https", "http"), pool.replace("http:", "https:"), pool.replace("_Sekisho", "_Another"),
            pool.replace("eu-west-1.", "us-east-1."), pool.replace("127.0.0.1", "localhost"),
            pool.replace(".amazonaws.com", ".attacker.example"), f"https://attacker.example/?{pool}", issuer.pool_id,
        ],
        ("sub", "bad_claim"): [
            None, 7, True, [], {}, "", " ", "\t", "a\nb", "a\0b", "a\x7fb", "a\x85b", "a\u2028b", "s" * 257,
            "client:", "scope:", f"client:{issuer.client_id}", "scope:orders/read",
        ],
    }  # fmt: skip
    wrong |= _audience_table(issuer)
    for (claim, reason), values in wrong.items():
        for value in values:
            if value != pool:
                yield claim, json.dumps(value)[:80], value, reason


def _audience_table(issuer: Issuer) -> dict[tuple[str, RejectionReason], list[Any]]:
    client = issuer.client_id
    others: list[Any] = ["", "x", client.upper(), client + " ", " " + client, client[:-1], "*"]
    no_texts: list[Any] = [None, 7, True, {}]
    scopes = [*no_texts, ["a"], " a", "a ", "a  b", "a\tb", "a\nb", 'a"b', "a\\b", "\u00e9", "s" * 257]
    match issuer.form.token_use, issuer.form.provider:
        case "id", "cognito":
            uses = [
                None,
                "",
                False,
                True,
                0,
                [],
                ["id"],
                {},
                {"id": 1},
                "access",
                "refresh",
                "ID",
                "id ",
                "i",
            ]
            return {
                ("aud", "bad_claim"): [*no_texts, {client: 1}, [], [client], [client, "x"]],
                ("aud", "wrong_audience"): others,
                ("token_use", "wrong_use"): uses,
            }
        case "id", _:
            return {
                ("aud", "bad_claim"): [*no_texts, {client: 1}, [client, 7], [[client]], [None]],
                ("aud", "wrong_audience"): [*others, [], ["x"], ["x", "y"]],
                ("azp", "bad_claim"): [None, 7, [client], {}],
                ("azp", "wrong_audience"): ["", "x", client + " "],
                ("nonce", "bad_claim"): [None, 7, ["n"], {}],
            }
        case _, "cognito":
            uses = [None, "", False, 0, [], ["access"], {}, "id", "refresh", "ACCESS", "access "]
            return {
                ("client_id", "bad_claim"): [*no_texts, [], [client], "", " ", "a\nb", "c" * 257],
                ("client_id", "wrong_audience"): others[1:],
                ("token_use", "wrong_use"): uses,
                ("scope", "bad_claim"): scopes,
            }
        case _:
            resource = issuer.form.resource
            return {
                ("aud", "bad_claim"): [*no_texts, {resource: 1}, [resource, 7], [[resource]]],
                ("aud", "wrong_audience"): [*others, [], ["x"], resource + "/", resource.upper(), client],
                ("client_id", "bad_claim"): [*no_texts, [], [client], "", " ", "a\nb", "c" * 257],
                ("jti", "bad_claim"): [*no_texts, "", "a\nb"],
                ("scope", "bad_claim"): scopes,
            }


# What has to be there; that Cognito's use is absent makes an access token one of no kind.
_REQUIRED = {
    ("id", "cognito"): ("iss", "aud", "exp", "iat", "sub", "token_use"),
    ("id", "oidc"): ("iss", "aud", "exp", "iat", "sub"),
    ("access", "cognito"): ("iss", "client_id", "exp", "iat", "sub"),
    ("access", "oidc"): ("iss", "aud", "exp", "iat", "sub", "jti"),
}


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
