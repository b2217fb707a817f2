"""Which keys of an issuer's answer may verify tokens. A key set is filtered, never trusted whole."""

import json
from collections.abc import Mapping
from typing import Any

from jose import jwk
from jose.backends.base import Key
from jose.exceptions import JWKError
from jose.utils import base64_to_long

from app.auth.principal import flaw

MAX_KEYS = 100
_MIN_BITS, _MAX_BITS = 2048, 8192
_MAX_EXPONENT_BITS = 32


class KeySetError(Exception):
    """An answer from the issuer that is not a key set to go by. The last good one stays."""

    code = "key_set_refused"


class SigningKey:
    """One usable key: its ``kid``, its ``numbers`` (by which it is compared), and the library's ``key``."""

    __slots__ = ("key", "kid", "numbers")

    def __init__(self, kid: str, modulus: str, exponent: str) -> None:
        self.kid = kid
        self.numbers = (base64_to_long(modulus), base64_to_long(exponent))
        bits, exponent_bits = (number.bit_length() for number in self.numbers)
        if not _MIN_BITS <= bits <= _MAX_BITS or exponent_bits > _MAX_EXPONENT_BITS:
            raise ValueError("an RSA key that is too small, or so large that verifying takes milliseconds")
        if self.numbers[0] % 2 == 0:
            raise ValueError("an RSA modulus is a product of odd primes")
        self.key: Key = jwk.construct({"kty": "RSA", "n": modulus, "e": exponent}, algorithm="RS256")

    def is_in(self, keys: Mapping[str, "SigningKey"]) -> bool:
        """Whether ``keys`` holds this very key: the same numbers under the same ``kid``."""
        other = keys.get(self.kid)
        return other is not None and other.numbers == self.numbers


def read_key_set(answer: bytes) -> dict[str, SigningKey]:
    """The usable keys of a JWK Set (RFC 7517, section 5) by ``kid``: at least one.

    A key that is unusable does not spoil the others; two different usable ones under one ``kid`` are both
    unusable. Raises :class:`KeySetError` for what is not a key set, or holds nothing usable.
    """
    try:
        decoded = json.loads(answer)
    except (ValueError, RecursionError):
        raise KeySetError("the answer is not JSON") from None
    members = decoded.get("keys") if isinstance(decoded, dict) else None
    if not isinstance(members, list) or len(members) > MAX_KEYS:
        raise KeySetError(f"the answer is not a key set of at most {MAX_KEYS} keys")
    keys: dict[str, SigningKey] = {}
    ambiguous: set[str] = set()
    for member in members:
        key = _usable(member)
        if key is not None and keys.setdefault(key.kid, key).numbers != key.numbers:
            ambiguous.add(key.kid)
    keys = {kid: key for kid, key in keys.items() if kid not in ambiguous}
    if not keys:
        raise KeySetError("the answer holds no RSA key of at least 2048 bits for RS256 signatures")
    return keys


def _usable(member: Any) -> SigningKey | None:
    """A public RSA key of 2,048 bits or more for RS256 signatures; ``None`` for anything else."""
    if not isinstance(member, dict) or not _is_for_verifying(member):
        return None
    kid, modulus, exponent = member.get("kid"), member.get("n"), member.get("e")
    if not isinstance(kid, str) or flaw(kid):
        return None
    if not isinstance(modulus, str) or not isinstance(exponent, str):
        return None
    try:
        return SigningKey(kid, modulus, exponent)
    except (ValueError, JWKError):  # not base64url, or not RSA at all: an even modulus, an exponent of 1
        return None


def _is_for_verifying(member: dict[str, Any]) -> bool:
    operations = member.get("key_ops", ["verify"])
    return (
        member.get("kty") == "RSA"
        and member.get("use", "sig") == "sig"
        and member.get("alg", "RS256") == "RS256"
        and isinstance(operations, list)
        and "verify" in operations
        and "d" not in member  # whoever publishes a private key has given it to everybody
    )
