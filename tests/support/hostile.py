"""Tokens that must not get in, each with the reason it must be refused for. All are made anew for a given
issuer.
"""

import json
from collections.abc import Iterator
from hashlib import sha1
from typing import Any, NamedTuple

from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.auth.errors import Reason
from tests.support.hostile_claims import oversized, wrong_claims
from tests.support.hostile_forms import Row, misspelt, not_json
from tests.support.issuer import ABSENT, Issuer, base64url, from_base64url, private_key, public_jwk

_ATTACKER = 1_000  # the number of a key that no issuer publishes


class HostileToken(NamedTuple):
    """One token, what is wrong with it, and the reason code that names it."""

    name: str
    token: str
    reason: Reason


def hostile_tokens(issuer: Issuer) -> list[tuple[str, str]]:
    """Name and token of every hostile token."""
    return [(case.name, case.token) for case in hostile_cases(issuer)]


def sendable(token: str) -> bool:
    """Whether an HTTP client can put ``token`` into a header at all (RFC 9110, section 5.5), below usual
    size limits.
    """
    return (
        bool(token)
        and len(token) <= 16_000
        and token.isascii()
        and token.isprintable()
        and token == token.strip()
    )


def hostile_cases(issuer: Issuer) -> list[HostileToken]:
    """Every hostile token. Names are unique."""
    kinds = (
        misspelt,
        not_json,
        _wrong_algorithm,
        _wrong_header,
        _unknown_key,
        _forged,
        wrong_claims,
        oversized,
    )
    return [HostileToken(*row) for kind in kinds for row in kind(issuer)]


def _wrong_algorithm(issuer: Issuer) -> Iterator[Row]:
    algorithms: list[Any] = [
        "none", "None", "NONE", "nOnE", "", "rs256", "RS256 ", " RS256", "RS256\0", "RS255", "HS256", "ES256", "EdDSA",
        "RSA-OAEP", "dir", None, ABSENT, True, 256, ["RS256"], {"RS256": 1},
    ]  # fmt: skip
    for algorithm in algorithms:
        name = "absent" if algorithm is ABSENT else json.dumps(algorithm)
        yield f"alg {name}, signed with RS256", issuer.token({"alg": algorithm}), "bad_algorithm"
        if isinstance(algorithm, str) and algorithm.lower() == "none":
            unsigned = issuer.token({"alg": algorithm}).rpartition(".")[0]
            yield f"alg {name}, with one byte for a signature", f"{unsigned}.AA", "bad_algorithm"
            yield f"alg {name}, unsigned", f"{unsigned}.", "malformed"
    key = issuer.keys[issuer.kid]
    public = key.public_key()
    secrets = {
        "the public key as PEM": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "the public key as PKCS#1 PEM": public.public_bytes(Encoding.PEM, PublicFormat.PKCS1),
        "the public key as DER": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "the modulus": from_base64url(issuer.published[-1]["n"]),
        "the JWK": json.dumps(issuer.published[-1]).encode(),
        "nothing": b"\0",
    }
    for name, secret in secrets.items():
        for algorithm, digest in {"HS256": hashes.SHA256(), "HS512": hashes.SHA512()}.items():
            unsigned = issuer.token({"alg": algorithm}).rpartition(".")[0]
            mac = hmac.HMAC(secret, digest)
            mac.update(unsigned.encode())
            yield (
                f"{algorithm} keyed with {name}",
                f"{unsigned}.{base64url(mac.finalize())}",
                "bad_algorithm",
            )
    for name, scheme, digest in (
        ("RS384", padding.PKCS1v15(), hashes.SHA384()),
        ("RS512", padding.PKCS1v15(), hashes.SHA512()),
        ("PS256", padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256()),
    ):
        unsigned = issuer.token({"alg": name}).rpartition(".")[0]
        signature = base64url(key.sign(unsigned.encode(), scheme, digest))
        yield f"{name}, signed with the right key", f"{unsigned}.{signature}", "bad_algorithm"
    unsigned = issuer.token({"alg": "ES256"}).rpartition(".")[0]
    curve = ec.generate_private_key(ec.SECP256R1())
    signature = base64url(curve.sign(unsigned.encode(), ec.ECDSA(hashes.SHA256())))
    yield "ES256, signed with a curve of its own", f"{unsigned}.{signature}", "bad_algorithm"


def _wrong_header(issuer: Issuer) -> Iterator[Row]:
    kids: dict[str, Any] = {
        "absent": ABSENT, "null": None, "empty": "", "blank": "  ", "a list": [issuer.kid],
        "an object": {issuer.kid: 1},
        "an empty list": [], "a number": 0, "a boolean": True, "with a newline": f"{issuer.kid}\n", "with a NUL": "\0",
        "with a C1 control": "\x85", "of 257 characters": "k" * 257, "of 5,000 characters": "k" * 5000,
    }  # fmt: skip
    for name, kid in kids.items():
        yield f"kid {name}", issuer.token({"kid": kid}), "bad_header"
    unsigned = base64url(json.dumps({"alg": "RS256", "kid": ["x"]}).encode())
    yield "kid a list, unsigned", f"{unsigned}.{base64url(b'{}')}.AA", "bad_header"
    attacker = public_jwk(issuer.kid, private_key(_ATTACKER))
    members: dict[str, dict[str, Any]] = {
        "crit": {"crit": ["exp"]},
        "an empty crit": {"crit": []},
        "crit of something unknown": {"crit": ["http://example.com/x"], "http://example.com/x": True},
        "b64 false": {"b64": False, "crit": ["b64"]},
        "b64 false without crit": {"b64": False},
        "b64 true": {"b64": True},
        "jku": {"jku": "https://attacker.example/jwks.json"},
        "jku to the real issuer": {"jku": issuer.jwks_url},
        "x5u": {"x5u": "https://attacker.example/cert.pem"},
        "x5c": {"x5c": ["MIIB"]},
        "jwk": {"jwk": attacker},
        "zip": {"zip": "DEF"},
        "enc": {"enc": "A256GCM"},
        "typ of an access token": {"typ": "at+jwt"},
        "typ of a logout token": {"typ": "logout+jwt"},
        "typ empty": {"typ": ""},
        "typ a list": {"typ": ["JWT"]},
        "typ null": {"typ": None},
    }
    for name, header in members.items():
        yield f"header with {name}", issuer.token(header), "bad_header"


def _unknown_key(issuer: Issuer) -> Iterator[Row]:
    kids = (
        "nobody's", "../../../../dev/null", "/proc/self/environ", "' OR '1'='1", "https://attacker.example/key",
        issuer.kid.upper(), f"{issuer.kid} ", f" {issuer.kid}", f"{issuer.kid}/", "*", "__class__", "関所",
    )  # fmt: skip
    for kid in kids:
        yield f"kid {kid!r}", issuer.token({"kid": kid}), "unknown_key"


def _forged(issuer: Issuer) -> Iterator[Row]:
    header, payload, signature = issuer.token().split(".")
    signed = f"{header}.{payload}"
    raw = from_base64url(signature)
    other_header, other_payload, other_signature = issuer.token({"typ": "JWT"}, sub="root").split(".")
    key, attacker = issuer.keys[issuer.kid], private_key(_ATTACKER)
    pkcs1, pss = padding.PKCS1v15(), padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    modulus = key.public_key().public_numbers().n
    signatures: dict[str, bytes] = {
        "another key": attacker.sign(signed.encode(), pkcs1, hashes.SHA256()),
        "PSS": key.sign(signed.encode(), pss, hashes.SHA256()),
        "SHA-1": key.sign(signed.encode(), pkcs1, hashes.SHA1()),
        "SHA-512": key.sign(signed.encode(), pkcs1, hashes.SHA512()),
        "SHA-256 of the payload alone": key.sign(payload.encode(), pkcs1, hashes.SHA256()),
        "all zero": bytes(256),
        "the number one": (1).to_bytes(256, "big"),
        "the modulus": modulus.to_bytes(256, "big"),
        "plus the modulus": (int.from_bytes(raw, "big") + modulus).to_bytes(257, "big"),
        "with a zero in front": b"\0" + raw,
        "with a zero behind": raw + b"\0",
        "twice": raw + raw,
        "cut short": raw[:-1],
        "cut in half": raw[:128],
        "one byte": b"\1",
        "one bit flipped": bytes([raw[0] ^ 1]) + raw[1:],
        "the last bit flipped": raw[:-1] + bytes([raw[-1] ^ 1]),
        "an unsigned hash": sha1(signed.encode(), usedforsecurity=False).digest(),
    }
    for name, forged in signatures.items():
        yield f"signature: {name}", f"{signed}.{base64url(forged)}", "bad_signature"
    promoted = base64url(json.dumps(issuer.claims(**{"custom:role": "root"})).encode())
    yield "the role changed", f"{header}.{promoted}.{signature}", "bad_signature"
    yield "another token's payload", f"{header}.{other_payload}.{signature}", "bad_signature"
    yield "another token's header", f"{other_header}.{payload}.{signature}", "bad_signature"
    yield "another token's signature", f"{signed}.{other_signature}", "bad_signature"
    yield "payload and header exchanged", f"{payload}.{header}.{signature}", "bad_algorithm"
    yield "a claim less", f"{header}.{base64url(b'{}')}.{signature}", "bad_signature"
