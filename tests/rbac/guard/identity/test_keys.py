"""Which keys of an answer are used: the good ones, whatever stands beside them."""

import json
from contextlib import suppress
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from rbac.guard.identity.keys import KeySetError, SigningKey, read_key_set
from rbac.guard.identity.token_format import ALGORITHMS
from tests.support.issuer import ABSENT, base64url, from_base64url, private_key, public_jwk
from tests.support.signing import curve_key, edwards_key

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
    "alg a list": jwk(alg=["RS256"]),
    "kty a list": jwk(kty=["RSA"]),
    "crv an object": public_jwk("other", curve_key(1), crv={}),
    "a symmetric key": {"kid": "other", "kty": "oct", "k": base64url(b"secret" * 8), "alg": "HS256"},
    "a symmetric key that says RS256": {
        "kid": "other",
        "kty": "oct",
        "k": "c2VjcmV0",
        "alg": "RS256",
        "use": "sig",
    },
    "an elliptic curve, where RS256 is asked for": public_jwk("other", curve_key(1)),
    "of RSA, for PS256, where RS256 is asked for": jwk(alg="PS256"),
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
    with pytest.raises(KeySetError, match="no public key"):
        read_key_set(json.dumps({"keys": [bad]}).encode())


def ec(**changes: Any) -> dict[str, Any]:
    return public_jwk("other", curve_key(1), **changes)


def okp(**changes: Any) -> dict[str, Any]:
    return public_jwk("other", edwards_key(1), **changes)


UNUSABLE_ANYWHERE: dict[str, Any] = {
    "a curve for RS256": ec(alg="RS256"),
    "a curve for EdDSA": ec(alg="EdDSA"),
    "a curve of another size": ec(crv="P-384"),
    "a curve of Bitcoin's": ec(crv="secp256k1"),
    "a curve of no name": ec(crv=ABSENT),
    "a curve of a list": ec(crv=["P-256"]),
    "a curve called otherwise": ec(crv="p-256"),
    "a point beside the curve": ec(x=base64url(bytes(31) + b"\1"), y=base64url(bytes(31) + b"\1")),
    "the point of nothing": ec(x=base64url(bytes(32)), y=base64url(bytes(32))),
    "a point without y": ec(y=ABSENT),
    "a point of short numbers": ec(x="AQAB"),
    "a point of long numbers": ec(x=base64url(b"\0" + from_base64url(ec()["x"]))),
    "a point of numbers": ec(x=7, y=7),
    "a private curve key": ec(d="AQAB"),
    "a curve for encryption": ec(use="enc"),
    "a curve for ECDH": ec(alg="ECDH-ES"),
    "Ed25519 for ES256": okp(alg="ES256"),
    "Ed448": okp(crv="Ed448"),
    "X25519": okp(crv="X25519"),
    "Ed25519 of 31 bytes": okp(x=base64url(b"\1" * 31)),
    "Ed25519 of no point": okp(x=ABSENT),
    "Ed25519 that is RSA": okp(kty="RSA"),
    "RSA that is a curve": jwk(kty="EC", crv="P-256"),
    "RSA for ES256": jwk(alg="ES256"),
    "RSA of 1024 bits for PS256": public_jwk("other", private_key(0, 1024), alg="PS256"),
    "a symmetric key for HS256": {
        "kid": "other",
        "kty": "oct",
        "k": base64url(b"secret" * 8),
        "alg": "HS256",
    },
}


@pytest.mark.parametrize("bad", UNUSABLE_ANYWHERE.values(), ids=UNUSABLE_ANYWHERE)
def test_where_every_algorithm_is_taken_an_unusable_key_is_left_out_as_well(bad: Any) -> None:
    good = public_jwk("good", GOOD)
    assert read_key_set(json.dumps({"keys": [bad, good]}).encode(), ALGORITHMS).keys() == {"good"}
    for fine in (ec(), okp(), jwk(), jwk(alg="PS256")):
        assert read_key_set(json.dumps({"keys": [fine, good]}).encode(), ALGORITHMS).keys() == {
            "good",
            "other",
        }


_P = 2**255 - 19
_ORDER_8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD83D3D706A17C7
_SMALL = [
    number + sign for number in (0, 1, _P - 1, _P, _P + 1, _ORDER_8, _P - _ORDER_8) for sign in (0, 1 << 255)
]


@pytest.mark.parametrize("point", _SMALL)
def test_a_point_that_anybody_can_sign_for_is_no_key(point: int) -> None:
    """Whoever tries a few messages finds one that such a key verifies without anybody having signed it."""
    raw = point.to_bytes(32, "little")
    bad = okp(x=base64url(raw))
    good = public_jwk("good", GOOD)
    assert read_key_set(json.dumps({"keys": [bad, good]}).encode(), ALGORITHMS).keys() == {"good"}


def test_such_points_do_verify_what_nobody_signed() -> None:
    forged = (1).to_bytes(32, "little") + bytes(32)
    verified = 0
    for point in _SMALL:
        with suppress(ValueError):
            key = Ed25519PublicKey.from_public_bytes(point.to_bytes(32, "little"))
            for number in range(64):
                with suppress(InvalidSignature):
                    key.verify(forged, str(number).encode())
                    verified += 1
                    break
    assert verified >= 4


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"use": ABSENT},
        {"alg": ABSENT},
        {"use": ABSENT, "alg": ABSENT},
        {"key_ops": ["verify"]},
        {"x5c": ["MII"]},
        {"crv": "P-256"},
        {"n": base64url(b"\xff" * 1024)},
        {"e": base64url(b"\xff" * 4)},
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


def test_a_key_is_the_same_by_its_numbers_and_not_by_its_name() -> None:
    def read(kid: str, number: int, **changes: Any) -> dict[str, SigningKey]:
        member = public_jwk(kid, private_key(number), **changes)
        return read_key_set(json.dumps({"keys": [member]}).encode(), ALGORITHMS)

    key = read("a", 0)["a"]
    assert key.is_in(read("a", 0))
    for others in (read("a", 1), read("b", 0), read("a", 0, alg="PS256"), {}):
        assert not key.is_in(others)


def test_a_signature_of_es256_has_one_form() -> None:
    signing = curve_key(0)
    key = read_key_set(json.dumps({"keys": [public_jwk("a", signing)]}).encode(), {"ES256"})["a"].key
    r, s = decode_dss_signature(signing.sign(b"message", ECDSA(SHA256())))
    first, second = r.to_bytes(32, "big"), s.to_bytes(32, "big")
    assert key.verify(b"message", first + second)
    der = encode_dss_signature(r, s)
    for form in (b"", der, first, first + b"\0" + second, first + second + b"\0", second + first, b"\0" * 64):
        assert not key.verify(b"message", form)
    assert not key.verify(b"another", first + second)


def test_a_key_set_has_a_hundred_keys_at_most() -> None:
    keys = [public_jwk(f"k{number}", GOOD) for number in range(100)]
    assert len(read_key_set(json.dumps({"keys": keys}).encode())) == 100


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
