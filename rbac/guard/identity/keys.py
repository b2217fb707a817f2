"""Which keys of an issuer's answer may verify tokens, and by which algorithm. A key set is filtered, never trusted whole."""

import json
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any, ClassVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePublicKey,
    EllipticCurvePublicNumbers,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import (
    MGF1,
    PSS,
    AsymmetricPadding,
    PKCS1v15,
)
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from jose.backends.base import Key
from jose.utils import base64_to_long, base64url_decode

from rbac.guard.identity.fetching import IssuerAnswerError
from rbac.guard.identity.principal import flaw
from rbac.guard.identity.token_format import EDDSA, ES256, PS256, RS256

MAX_KEYS = 100
_MIN_BITS, _MAX_BITS = 2048, 8192
_MAX_EXPONENT_BITS = 32
_COORDINATE_BYTES = 32  # of P-256, and of Ed25519's one


class KeySetError(IssuerAnswerError):
    """An answer from the issuer that is not a key set to go by. The last good one stays."""

    code: ClassVar[str] = "key_set_refused"


class SigningKey:
    """One usable key: its ``kid``, the ``algorithm`` that it is for and no other, its ``numbers`` (by which it is
    compared), and what verifies, as the library's ``key``.
    """

    __slots__ = ("algorithm", "key", "kid", "numbers")

    def __init__(self, kid: str, algorithm: str, numbers: tuple[int, ...], key: Key) -> None:
        self.kid = kid
        self.algorithm = algorithm
        self.numbers = numbers
        self.key = key

    def is_same(self, other: "SigningKey") -> bool:
        """Whether the two verify the same signatures."""
        return (self.algorithm, self.numbers) == (other.algorithm, other.numbers)

    def is_in(self, keys: Mapping[str, "SigningKey"]) -> bool:
        """Whether ``keys`` holds this very key: the same numbers for the same algorithm under the same ``kid``."""
        other = keys.get(self.kid)
        return other is not None and other.is_same(self)


_SHA256 = SHA256()


class _RsaKey(Key):
    # RFC 7518, sections 3.3 and 3.5: the salt is as long as the hash.
    _paddings: ClassVar[Mapping[str, AsymmetricPadding]] = {
        RS256: PKCS1v15(),
        PS256: PSS(MGF1(_SHA256), SHA256.digest_size),
    }

    def __init__(self, public: RSAPublicKey, algorithm: str) -> None:
        super().__init__(public, algorithm)
        self._public = public
        self._padding = self._paddings[algorithm]

    def verify(self, msg: bytes, sig: bytes) -> bool:
        try:
            self._public.verify(sig, msg, self._padding, _SHA256)
        except InvalidSignature:
            return False
        return True


class _P256Key(Key):
    def __init__(self, public: EllipticCurvePublicKey) -> None:
        super().__init__(public, ES256)
        self._public = public

    def verify(self, msg: bytes, sig: bytes) -> bool:
        """RFC 7518, section 3.4: two numbers of 32 bytes, and nothing of DER."""
        if len(sig) != 2 * _COORDINATE_BYTES:
            return False
        r, s = (int.from_bytes(half, "big") for half in (sig[:_COORDINATE_BYTES], sig[_COORDINATE_BYTES:]))
        try:
            self._public.verify(encode_dss_signature(r, s), msg, ECDSA(_SHA256))
        except InvalidSignature:
            return False
        return True


class _Ed25519Key(Key):
    def __init__(self, public: Ed25519PublicKey) -> None:
        super().__init__(public, EDDSA)
        self._public = public

    def verify(self, msg: bytes, sig: bytes) -> bool:
        """RFC 8037, section 3.1."""
        try:
            self._public.verify(sig, msg)
        except InvalidSignature:
            return False
        return True


def read_key_set(answer: bytes, algorithms: Collection[str] = frozenset({RS256})) -> dict[str, SigningKey]:
    """The usable keys of a JWK Set (RFC 7517, section 5) for ``algorithms``, by ``kid``: at least one.

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
        key = _usable(member, algorithms)
        if key is not None and not keys.setdefault(key.kid, key).is_same(key):
            ambiguous.add(key.kid)
    keys = {kid: key for kid, key in keys.items() if kid not in ambiguous}
    if not keys:
        raise KeySetError(f"the answer holds no public key that is fit for {' or '.join(sorted(algorithms))}")
    return keys


def _usable(member: Any, algorithms: Collection[str]) -> SigningKey | None:
    """A public key for one of ``algorithms``; ``None`` for anything else."""
    if not isinstance(member, dict) or not _is_for_verifying(member):
        return None
    kid, algorithm = member.get("kid"), _algorithm(member)
    if not isinstance(kid, str) or flaw(kid) or algorithm not in algorithms:
        return None
    try:
        numbers, key = _READERS[algorithm](member)
    except (ValueError, TypeError):  # not base64url, not a point of the curve, an exponent of 1
        return None
    return SigningKey(kid, algorithm, numbers, key)


# What a key that does not say so is for. OpenID Connect Discovery 1.0, section 3, has every issuer support RS256.
_USUAL = {("RSA", None): RS256, ("EC", "P-256"): ES256, ("OKP", "Ed25519"): EDDSA}
_FITTING = {("RSA", None): {RS256, PS256}, ("EC", "P-256"): {ES256}, ("OKP", "Ed25519"): {EDDSA}}


def _algorithm(member: dict[str, Any]) -> str:
    """The one algorithm that a key is for; "" for none of ours. INVARIANT: a token has no say in this."""
    kind = member.get("kty"), None if member.get("kty") == "RSA" else member.get("crv")
    if not all(part is None or isinstance(part, str) for part in kind) or kind not in _USUAL:
        return ""
    said = member.get("alg", _USUAL[kind])
    return said if isinstance(said, str) and said in _FITTING[kind] else ""


def _is_for_verifying(member: dict[str, Any]) -> bool:
    operations = member.get("key_ops", ["verify"])
    return (
        member.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
        and "d" not in member  # whoever publishes a private key has given it to everybody
    )


_Read = tuple[tuple[int, ...], Key]


def _rsa_numbers(member: dict[str, Any]) -> tuple[int, int]:
    modulus, exponent = (base64_to_long(_text(member, name)) for name in ("n", "e"))
    if not _MIN_BITS <= modulus.bit_length() <= _MAX_BITS or exponent.bit_length() > _MAX_EXPONENT_BITS:
        raise ValueError("an RSA key that is too small, or so large that verifying takes milliseconds")
    if modulus % 2 == 0:
        raise ValueError("an RSA modulus is a product of odd primes")
    return modulus, exponent


def _rsa(algorithm: str, member: dict[str, Any]) -> _Read:
    modulus, exponent = _rsa_numbers(member)
    return (modulus, exponent), _RsaKey(RSAPublicNumbers(exponent, modulus).public_key(), algorithm)


def _es256(member: dict[str, Any]) -> _Read:
    x, y = (int.from_bytes(_coordinate(member, name), "big") for name in ("x", "y"))
    return (x, y), _P256Key(EllipticCurvePublicNumbers(x, y, SECP256R1()).public_key())


def _eddsa(member: dict[str, Any]) -> _Read:
    point = _coordinate(member, "x")
    number = int.from_bytes(point, "little") % (1 << 255)
    if number in _SMALL_ORDER:
        raise ValueError("a point that anybody can sign for")
    return (int.from_bytes(point, "big"),), _Ed25519Key(Ed25519PublicKey.from_public_bytes(point))


_READERS: Mapping[str, Callable[[dict[str, Any]], _Read]] = {
    RS256: partial(_rsa, RS256),
    PS256: partial(_rsa, PS256),
    ES256: _es256,
    EDDSA: _eddsa,
}

# The y of every point of Ed25519 whose order divides eight, also as it is not to be written (RFC 8032, section 5.1.3).
_P = 2**255 - 19
_ORDER_8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD83D3D706A17C7
_SMALL_ORDER = frozenset({0, 1, _P - 1, _P, _P + 1, _ORDER_8, _P - _ORDER_8})


def _text(member: dict[str, Any], name: str) -> str:
    value = member.get(name)
    if not isinstance(value, str):
        raise TypeError(f"`{name}` is no text")
    return value


def _coordinate(member: dict[str, Any], name: str) -> bytes:
    value = base64url_decode(_text(member, name).encode("ascii"))
    if len(value) != _COORDINATE_BYTES:
        raise ValueError(f"`{name}` has {len(value)} bytes")
    return value
