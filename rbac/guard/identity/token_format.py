"""The strict reading of a token's form, before the library sees it: one compact JWS (RFC 7515, section 7.1)
holding a claims set (RFC 7519) that everything behind it can carry, log and answer with.
"""

import json
from binascii import a2b_base64
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite
from typing import Any, NamedTuple, NoReturn

import orjson

from rbac.guard.identity.errors import InvalidToken
from rbac.guard.identity.principal import flaw

MAX_TOKEN_LENGTH = 8 * 1024
MAX_DEPTH = 16
_MAX_INTEGER_DIGITS = 18  # what every JSON writer can carry: fits 64 bits

# Header members that bring a key along, or change what the signature or the payload means. No issuer of ours
# writes them.
_FORBIDDEN_HEADERS = frozenset({"b64", "crit", "enc", "jku", "jwk", "x5c", "x5u", "zip"})


RS256, PS256, ES256, EDDSA = "RS256", "PS256", "ES256", "EdDSA"
ALGORITHMS = frozenset({RS256, PS256, ES256, EDDSA})

JWT = "jwt"
"""The ``typ`` of a token that says nothing of its kind (RFC 7519, section 5.1)."""


class SignedToken(NamedTuple):
    """A token whose form was read strictly and of which nothing is verified. It never shows what is in it.

    ``algorithm`` and ``kind`` are the header's ``alg`` and ``typ``, the latter in lower case. ``encoded`` are the bytes of
    ``credentials``, and ``payload`` is what the ``claims`` were read from.
    """

    credentials: str
    encoded: bytes
    kid: str
    claims: dict[str, Any]
    payload: bytes
    algorithm: str
    kind: str

    def __repr__(self) -> str:
        return f"SignedToken(algorithm={self.algorithm!r}, kind={self.kind!r})"


@dataclass(frozen=True, slots=True, eq=False)
class TokenForm:
    """What the header of a token may say: ``algorithms`` for ``alg``, and ``kinds``, in lower case, for ``typ``."""

    algorithms: frozenset[str] = frozenset({RS256})
    kinds: frozenset[str] = frozenset({JWT})


ID_TOKENS_OF_RS256 = TokenForm()


def read_strictly(token: str, form: TokenForm = ID_TOKENS_OF_RS256) -> SignedToken:
    """The header and the claims of ``token``. Raises :class:`InvalidToken` for any other form."""
    if len(token) > MAX_TOKEN_LENGTH:
        raise InvalidToken("too_large")
    if not token.isascii():
        raise InvalidToken("malformed")
    encoded = token.encode("ascii")
    segments = encoded.split(b".")
    if len(segments) != 3:
        raise InvalidToken("malformed")
    header, body, signature = segments
    payload = _decode_segment(body)
    _check_segment(signature)
    algorithm, kind, kid = _read_header(header, form)
    return SignedToken(token, encoded, kid, read_claims(payload), payload, algorithm, kind)


# From the alphabet of RFC 4648, section 5, to the one of section 4; what only section 4 has becomes what neither has.
_ALPHABET = bytes.maketrans(b"-_+/=", b"+/!!!")
_CHARACTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
# By the rest that a segment's length leaves by four: what is missing there, and the last characters that it may have, where
# the bits beyond the last byte are zero.
_ENDS = (
    (b"", bytes(range(256))),
    (b"", b""),
    (b"==", b"AQgw"),
    (b"=", b"AEIMQUYcgkosw048"),
)


def _decode_segment(segment: bytes) -> bytes:
    """base64url without padding, in its one canonical spelling."""
    missing, last = _ENDS[len(segment) % 4]
    if not segment or segment[-1] not in last:
        raise InvalidToken("malformed")
    try:
        return a2b_base64(segment.translate(_ALPHABET) + missing, strict_mode=True)
    except ValueError:
        raise InvalidToken("malformed") from None


def _check_segment(segment: bytes) -> None:
    """Raises where :func:`_decode_segment` does; what is in the segment is read elsewhere."""
    if not segment or segment[-1] not in _ENDS[len(segment) % 4][1] or segment.translate(None, _CHARACTERS):
        raise InvalidToken("malformed")


def read_claims(text: bytes) -> dict[str, Any]:
    """The object in ``text``, which can be read in one way only. Raises :class:`InvalidToken`."""
    if text.count(b"[") + text.count(b"{") <= MAX_DEPTH:
        decoded = _usual(text)
        if decoded is not None:
            return decoded
    try:
        decoded = _DECODER.decode(text.decode("utf-8"))
        if not isinstance(decoded, dict):
            raise InvalidToken("malformed")
        # Only these can hide what is checked here: it spares the walk for nearly every token.
        if b"\\u" in text or text.count(b"[") + text.count(b"{") > MAX_DEPTH:
            _check_values(decoded)
    except (ValueError, RecursionError):
        raise InvalidToken("malformed") from None
    return decoded


def _usual(text: bytes) -> dict[str, Any] | None:
    """The object in ``text``, if it is written as nearly every issuer writes it: ``None`` says nothing.

    What comes back byte for byte when it is written again names no member twice and holds no number or character that
    could be read in two ways. Nothing that the strict reading refuses does.
    """
    try:
        decoded = orjson.loads(text)
        same = orjson.dumps(decoded, option=orjson.OPT_STRICT_INTEGER) == text
    except (ValueError, TypeError):
        return None
    return decoded if same and isinstance(decoded, dict) else None


def _unique(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """RFC 7519, section 4: claim names must be unique, or two readers see two different tokens."""
    decoded = dict(members)
    if len(decoded) != len(members):
        raise ValueError("a member twice")
    return decoded


def _integer(text: str) -> int:
    if len(text) > _MAX_INTEGER_DIGITS + 1:
        raise ValueError("an integer beyond 64 bits")
    return int(text)


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError("a number beyond a double")
    return number


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_int=_integer, parse_float=_finite, parse_constant=_no_constant
)


def _check_values(decoded: dict[str, Any]) -> None:
    """Raises ``ValueError`` for nesting deeper than ``MAX_DEPTH``, and for half a surrogate pair anywhere."""
    level: list[Any] = [decoded]
    for _ in range(MAX_DEPTH):
        level = [child for value in level for child in _children(value)]
        if not level:
            return
    raise ValueError("nested too deeply")


def _children(value: Any) -> Iterator[Any]:
    if isinstance(value, str):
        value.encode("utf-8")
    elif isinstance(value, list):
        yield from value
    elif isinstance(value, dict):
        yield from value
        yield from value.values()


# An issuer writes the same header for each of its keys, and what is refused is not remembered.
@lru_cache(maxsize=16)
def _read_header(segment: bytes, form: TokenForm) -> tuple[str, str, str]:
    header = read_claims(_decode_segment(segment))
    algorithm, typ = header.get("alg"), header.get("typ", JWT)
    if not isinstance(algorithm, str) or algorithm not in form.algorithms:
        raise InvalidToken("bad_algorithm")
    # Media types mean the same in any case, and with or without their first half (RFC 7515, section 4.1.9).
    kind = typ.lower().removeprefix("application/") if isinstance(typ, str) else ""
    if kind not in form.kinds:
        raise InvalidToken("bad_header")
    kid = header.get("kid")
    if not _FORBIDDEN_HEADERS.isdisjoint(header) or flaw(kid):
        raise InvalidToken("bad_header")
    return algorithm, kind, str(kid)
