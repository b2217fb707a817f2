"""Tokens that must not get in, each with the reason it must be refused for. All are made anew for a given
issuer.
"""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from rbac.guard.identity.errors import RejectionReason
from tests.support.hostile_claims import oversized, wrong_claims
from tests.support.hostile_forms import Row, misspelt, not_json
from tests.support.hostile_signatures import ATTACKER, signatures
from tests.support.issuer import ABSENT, Issuer, base64url, from_base64url
from tests.support.signing import SCHEMES


class HostileToken(NamedTuple):
    """One token, what is wrong with it, and the reason code that names it."""

    name: str
    token: str
    reason: RejectionReason


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
    own = issuer.scheme.name
    algorithms: list[Any] = [
        "none", "None", "NONE", "nOnE", "", own.lower(), f"{own} ", f" {own}", f"{own}\0", "RS255", "HS256", "ES384", "ES512",
        "Ed25519", "Ed448", "ES256K", "RSA-OAEP", "dir", None, ABSENT, True, 256, [own], {own: 1},
        *(other for other in SCHEMES if other != own),
    ]  # fmt: skip
    for algorithm in algorithms:
        name = "absent" if algorithm is ABSENT else json.dumps(algorithm)
        yield f"alg {name}, signed with {own}", issuer.token({"alg": algorithm}), "bad_algorithm"
        if isinstance(algorithm, str) and algorithm.lower() == "none":
            unsigned = issuer.token({"alg": algorithm}).rpartition(".")[0]
            yield f"alg {name}, with one byte for a signature", f"{unsigned}.AA", "bad_algorithm"
            yield f"alg {name}, unsigned", f"{unsigned}.", "malformed"
    for name, secret in _published_secrets(issuer).items():
        for algorithm, digest in {"HS256": hashes.SHA256(), "HS512": hashes.SHA512()}.items():
            unsigned = issuer.token({"alg": algorithm}).rpartition(".")[0]
            mac = hmac.HMAC(secret, digest)
            mac.update(unsigned.encode())
            yield (
                f"{algorithm} keyed with {name}",
                f"{unsigned}.{base64url(mac.finalize())}",
                "bad_algorithm",
            )
    yield from _algorithms_of_the_token(issuer)


def _published_secrets(issuer: Issuer) -> dict[str, bytes]:
    """What everybody knows, and a verifier that lets the token choose takes for a shared secret."""
    public, published = issuer.keys[issuer.kid].public_key(), issuer.published[-1]
    return {
        "the public key as PEM": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "the public key as DER": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "the public number": from_base64url(published.get("n") or published["x"]),
        "the JWK": json.dumps(published).encode(),
        "nothing": b"\0",
    }


def _algorithms_of_the_token(issuer: Issuer) -> Iterator[Row]:
    """Tokens whose header chooses another algorithm, and whose signature is right for that."""
    key = issuer.keys[issuer.kid]
    for name, scheme in SCHEMES.items():
        unsigned = issuer.token({"alg": name}).rpartition(".")[0]
        if name == issuer.scheme.name:
            continue
        fits = isinstance(key, RSAPrivateKey) and name in {"RS256", "PS256"}
        signature = base64url(scheme.sign(key if fits else scheme.key(ATTACKER), unsigned.encode()))
        whose = "the right key" if fits else "a key of its own"
        yield f"{name}, signed with {whose}", f"{unsigned}.{signature}", "bad_algorithm"
    if isinstance(key, RSAPrivateKey):
        for name, digest in (("RS384", hashes.SHA384()), ("RS512", hashes.SHA512())):
            unsigned = issuer.token({"alg": name}).rpartition(".")[0]
            signature = base64url(key.sign(unsigned.encode(), padding.PKCS1v15(), digest))
            yield f"{name}, signed with the right key", f"{unsigned}.{signature}", "bad_algorithm"
    unsigned = issuer.token({"alg": "ES384"}).rpartition(".")[0]
    signature = base64url(SCHEMES["ES256"].key(ATTACKER).sign(unsigned.encode(), ec.ECDSA(hashes.SHA384())))
    yield "ES384, signed with a curve of its own", f"{unsigned}.{signature}", "bad_algorithm"


def _wrong_header(issuer: Issuer) -> Iterator[Row]:
    kids: dict[str, Any] = {
        "absent": ABSENT, "null": None, "empty": "", "blank": "  ", "a list": [issuer.kid],
        "an object": {issuer.kid: 1},
        "an empty list": [], "a number": 0, "a boolean": True, "with a newline": f"{issuer.kid}\n", "with a NUL": "\0",
        "with a C1 control": "\x85", "of 257 characters": "k" * 257, "of 5,000 characters": "k" * 5000,
    }  # fmt: skip
    for name, kid in kids.items():
        yield f"kid {name}", issuer.token({"kid": kid}), "bad_header"
    unsigned = base64url(json.dumps({"alg": issuer.scheme.name, "kid": ["x"]}).encode())
    yield "kid a list, unsigned", f"{unsigned}.{base64url(b'{}')}.AA", "bad_header"
    attacker = issuer.scheme.jwk(issuer.kid, issuer.scheme.key(ATTACKER))
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
    if issuer.form.header:  # it is one
        del members["typ of an access token"]
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
    for name, forged in signatures(issuer, signed.encode(), payload.encode(), raw).items():
        yield f"signature: {name}", f"{signed}.{base64url(forged)}", "bad_signature"
    promoted = base64url(json.dumps(issuer.claims(**{issuer.form.role_claim: ["root"]})).encode())
    yield "the role changed", f"{header}.{promoted}.{signature}", "bad_signature"
    yield "another token's payload", f"{header}.{other_payload}.{signature}", "bad_signature"
    yield "another token's header", f"{other_header}.{payload}.{signature}", "bad_signature"
    yield "another token's signature", f"{signed}.{other_signature}", "bad_signature"
    yield "payload and header exchanged", f"{payload}.{header}.{signature}", "bad_algorithm"
    yield "a claim less", f"{header}.{base64url(b'{}')}.{signature}", "bad_signature"
