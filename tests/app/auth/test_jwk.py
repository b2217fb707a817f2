"""Which keys of an answer are used: the good ones, whatever stands beside them."""

import json
from typing import Any

import pytest

from app.auth.jwk import KeySetError, read_key_set
from tests.support.issuer import ABSENT, base64url, private_key, public_jwk

GOOD = private_key(0)


def jwk(**changes: Any) -> dict[str, Any]:
    return public_jwk(changes.pop("kid", "other"), private_key(1), **changes)


UNUSABLE: dict[str, Any] = {
    "no kid": jwk(kid=ABSENT),
    "kid null": jwk(kid=None),
    "kid empty": jwk(kid=""),
    "kid a list": jwk(kid=["other"]),
    "kid a number": jwk(kid=7),
    "kid with a newline": jwk(kid="a\nb"),
    "kid of 257 characters": jwk(kid="k" * 257),
    "for encryption": jwk(use="enc"),
    "use null": jwk(use=None),
    "use a list": jwk(use=["sig"]),
    "for RS512": jwk(alg="RS512"),
    "for RSA-OAEP": jwk(alg="RSA-OAEP"),
    "alg null": jwk(alg=None),
    "a symmetric key": {"kid": "other", "kty": "oct", "k": base64url(b"secret" * 8), "alg": "HS256"},
    "a symmetric key that says RS256": {
        "kid": "other",
        "kty": "oct",
        "k": "c2VjcmV0",
        "alg": "RS256",
        "use": "sig",
    },
    "an elliptic curve": {
        "kid": "other",
        "kty": "EC",
        "crv": "P-256",
        "x": "AQAB",
        "y": "AQAB",
        "alg": "ES256",
    },
    "kty rsa": jwk(kty="rsa"),
    "no kty": jwk(kty=ABSENT),
    "1024 bits": public_jwk("other", private_key(0, 1024)),
    "2040 bits": jwk(n=base64url(b"\xff" * 255)),
    "16384 bits": jwk(n=base64url(b"\xff" * 2048)),
    "an even modulus": jwk(n=base64url(b"\xff" * 255 + b"\xfe")),
    "no modulus": jwk(n=ABSENT),
    "an empty modulus": jwk(n=""),
    "a modulus that is a number": jwk(n=7),
    "a modulus that is not base64": jwk(n="é"),
    "no exponent": jwk(e=ABSENT),
    "exponent 1": jwk(e="AQ"),
    "exponent 2": jwk(e="Ag"),
    "exponent 0": jwk(e="AA"),
    "a huge exponent": jwk(e=base64url(b"\xff" * 255)),
    "a private key": jwk(d="AQAB"),
    "not for verifying": jwk(key_ops=["sign"]),
    "key_ops a string": jwk(key_ops="verify"),
    "null": None,
    "a string": "key",
    "a list": [],
    "an empty object": {},
}


@pytest.mark.parametrize("bad", UNUSABLE.values(), ids=UNUSABLE)
def test_an_unusable_key_is_left_out_and_spoils_no_other(bad: Any) -> None:
    good = public_jwk("good", GOOD)
    assert read_key_set(json.dumps({"keys": [bad, good]}).encode()).keys() == {"good"}
    with pytest.raises(KeySetError, match="no RSA key"):
        read_key_set(json.dumps({"keys": [bad]}).encode())


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"use": ABSENT},
        {"alg": ABSENT},
        {"use": ABSENT, "alg": ABSENT},
        {"key_ops": ["verify"]},
        {"x5c": ["MII"]},
    ],
    ids=str,
)
def test_a_key_may_leave_out_what_is_optional(changes: dict[str, Any]) -> None:
    assert read_key_set(json.dumps({"keys": [jwk(**changes)]}).encode()).keys() == {"other"}


def test_two_different_keys_of_one_name_are_both_left_out_and_the_same_twice_is_one() -> None:
    first, second, good = public_jwk("a", GOOD), public_jwk("a", private_key(1)), public_jwk("b", GOOD)
    assert read_key_set(json.dumps({"keys": [first, second, good]}).encode()).keys() == {"b"}
    assert read_key_set(json.dumps({"keys": [first, first, good]}).encode()).keys() == {"a", "b"}
    encryption = public_jwk("a", private_key(1), use="enc")
    assert read_key_set(json.dumps({"keys": [encryption, first]}).encode())["a"].kid == "a"


@pytest.mark.parametrize(
    "answer",
    [
        b"", b"null", b"[]", b'"keys"', b"{}", b'{"keys": null}', b'{"keys": {}}', b'{"keys": []}', b"<html></html>",
        b'{"keys": [', b"\xff\xfe", b"[" * 100_000, b'{"keys":' + b"[" * 100_000, b'{"message": "throttled"}',
        json.dumps({"keys": [public_jwk(f"k{n}", GOOD) for n in range(101)]}).encode(),
    ],
    ids=range(15),
)  # fmt: skip
def test_an_answer_that_is_no_key_set_is_refused(answer: bytes) -> None:
    with pytest.raises(KeySetError):
        read_key_set(answer)
