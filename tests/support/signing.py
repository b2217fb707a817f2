"""Keys and signatures of tests, by the name that a token's header gives the algorithm."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from tests.support.spelling import base64url, without_absent

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
PSS = padding.PSS(padding.MGF1(SHA256()), 32)


@cache
def private_key(number: int, bits: int = 2048) -> rsa.RSAPrivateKey:
    """The ``number``-th RSA key of this test run: made once, because making one takes a tenth of a second."""
    del number
    return rsa.generate_private_key(65537, bits)


@cache
def curve_key(number: int) -> ec.EllipticCurvePrivateKey:
    """The ``number``-th key on P-256."""
    del number
    return ec.generate_private_key(ec.SECP256R1())


@cache
def edwards_key(number: int) -> ed25519.Ed25519PrivateKey:
    """The ``number``-th key of Ed25519."""
    del number
    return ed25519.Ed25519PrivateKey.generate()


def public_jwk(kid: Any, key: PrivateKey, **changes: Any) -> dict[str, Any]:
    """``key``'s public half as issuers publish it, RSA for RS256, with ``changes``."""
    return without_absent({"kid": kid, "use": "sig"} | _members(key) | changes)


def _members(key: PrivateKey) -> dict[str, str]:
    if isinstance(key, rsa.RSAPrivateKey):
        modulus = key.public_key().public_numbers().n
        return {
            "kty": "RSA",
            "alg": "RS256",
            "n": base64url(modulus.to_bytes((modulus.bit_length() + 7) // 8, "big")),
            "e": "AQAB",
        }
    if isinstance(key, ec.EllipticCurvePrivateKey):
        point = key.public_key().public_numbers()
        x, y = (base64url(number.to_bytes(32, "big")) for number in (point.x, point.y))
        return {"kty": "EC", "crv": "P-256", "alg": "ES256", "x": x, "y": y}
    return {
        "kty": "OKP",
        "crv": "Ed25519",
        "alg": "EdDSA",
        "x": base64url(key.public_key().public_bytes_raw()),
    }


def pkcs1(key: rsa.RSAPrivateKey, message: bytes) -> bytes:
    return key.sign(message, padding.PKCS1v15(), SHA256())


def pss(key: rsa.RSAPrivateKey, message: bytes) -> bytes:
    return key.sign(message, PSS, SHA256())


def ecdsa(key: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
    """The two numbers one behind the other, as RFC 7518 has it."""
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def eddsa(key: ed25519.Ed25519PrivateKey, message: bytes) -> bytes:
    return key.sign(message)


@dataclass(frozen=True)
class Scheme:
    """One algorithm: how its keys are made, published and used."""

    name: str
    key: Callable[[int], Any]
    sign: Callable[[Any, bytes], bytes]

    def jwk(self, kid: Any, key: Any, **changes: Any) -> dict[str, Any]:
        return public_jwk(kid, key, **({"alg": self.name} | changes))


SCHEMES: Mapping[str, Scheme] = {
    scheme.name: scheme
    for scheme in (
        Scheme("RS256", private_key, pkcs1),
        Scheme("PS256", private_key, pss),
        Scheme("ES256", curve_key, ecdsa),
        Scheme("EdDSA", edwards_key, eddsa),
    )
}
