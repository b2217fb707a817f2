"""Signatures that look like one of an issuer's key and are none, by the issuer's algorithm."""

from collections.abc import Mapping
from hashlib import sha1

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from tests.support.issuer import Issuer
from tests.support.signing import pkcs1, private_key, pss

ATTACKER = 1_000  # the number of a key that no issuer publishes

_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493


def signatures(issuer: Issuer, signed: bytes, payload: bytes, right: bytes) -> dict[str, bytes]:
    """By what is wrong with it. ``right`` is the signature of ``signed``."""
    attacker = issuer.scheme.key(ATTACKER)
    common = {
        "another key": issuer.scheme.sign(attacker, signed),
        "the payload alone": issuer.scheme.sign(issuer.keys[issuer.kid], payload),
        "all zero": bytes(len(right)),
        "all ones": b"\xff" * len(right),
        "with a zero in front": b"\0" + right,
        "with a zero behind": right + b"\0",
        "twice": right + right,
        "cut short": right[:-1],
        "cut in half": right[: len(right) // 2],
        "one byte": b"\1",
        "one bit flipped": bytes([right[0] ^ 1]) + right[1:],
        "the last bit flipped": right[:-1] + bytes([right[-1] ^ 1]),
        "halves exchanged": right[len(right) // 2 :] + right[: len(right) // 2],
        "an unsigned hash": sha1(signed, usedforsecurity=False).digest(),
    }
    return common | dict(_OWN[issuer.scheme.name](issuer, signed, right))


def _rsa(issuer: Issuer, signed: bytes, right: bytes) -> Mapping[str, bytes]:
    key: RSAPrivateKey = issuer.keys[issuer.kid]
    modulus = key.public_key().public_numbers().n
    raised = int.from_bytes(right, "big") + modulus
    long_salt = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.MAX_LENGTH)
    no_salt = padding.PSS(padding.MGF1(hashes.SHA256()), 0)
    other_mask = padding.PSS(padding.MGF1(hashes.SHA1()), 32)
    wrong = pss if issuer.scheme.name == "RS256" else pkcs1
    return {
        "the other padding": wrong(key, signed),
        "the other padding of another key": wrong(private_key(ATTACKER), signed),
        "PSS with the longest salt": key.sign(signed, long_salt, hashes.SHA256()),
        "PSS without a salt": key.sign(signed, no_salt, hashes.SHA256()),
        "PSS masked with SHA-1": key.sign(signed, other_mask, hashes.SHA256()),
        "SHA-1": key.sign(signed, padding.PKCS1v15(), hashes.SHA1()),
        "SHA-512": key.sign(signed, padding.PKCS1v15(), hashes.SHA512()),
        "the number one": (1).to_bytes(256, "big"),
        "the modulus": modulus.to_bytes(256, "big"),
        "plus the modulus": raised.to_bytes(257, "big"),
    }


def _p256(issuer: Issuer, signed: bytes, right: bytes) -> Mapping[str, bytes]:
    key: ec.EllipticCurvePrivateKey = issuer.keys[issuer.kid]
    numbers = {"zero": 0, "one": 1, "the order": _P256_ORDER, "the order less one": _P256_ORDER - 1}
    made = {
        f"r {r}, s {s}": first.to_bytes(32, "big") + second.to_bytes(32, "big")
        for r, first in numbers.items()
        for s, second in numbers.items()
        if (first, second) != (0, 0)
    }
    return made | {
        "as DER": key.sign(signed, ec.ECDSA(hashes.SHA256())),
        "SHA-512": key.sign(signed, ec.ECDSA(hashes.SHA512())),
        "r alone": right[:32] + bytes(32),
        "s alone": bytes(32) + right[32:],
        "halves of 33 bytes": b"\0" + right[:32] + b"\0" + right[32:],
    }


def _ed25519(_issuer: Issuer, _signed: bytes, right: bytes) -> Mapping[str, bytes]:
    point, number = right[:32], int.from_bytes(right[32:], "little")
    identity = (1).to_bytes(32, "little")
    return {
        "s plus the order": point + (number + _ED25519_ORDER).to_bytes(32, "little"),
        "the point of nothing": identity + bytes(32),
        "the point of nothing and the right s": identity + right[32:],
        "the right point and s zero": point + bytes(32),
        "the point's sign turned": point[:31] + bytes([point[31] ^ 0x80]) + right[32:],
    }


_OWN = {"RS256": _rsa, "PS256": _rsa, "ES256": _p256, "EdDSA": _ed25519}
