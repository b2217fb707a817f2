"""The strict reading of a token's form, before the library sees it: one compact JWS (RFC 7515, section 7.1)
holding a claims set (RFC 7519) that everything behind it can carry, log and answer with.
"""

import json
from binascii import a2b_base64
from collections.abc import Iterator
from math import isfinite
from typing import Any, NoReturn

import orjson
from fastapi.security import HTTPAuthorizationCredentials

from app.auth.errors import InvalidToken
from app.auth.principal import flaw

MAX_TOKEN_LENGTH = 8 * 1024
MAX_DEPTH = 16
_MAX_INTEGER_DIGITS = 18  # what every JSON writer can carry: fits 64 bits

# Header members that bring a key along, or change what the signature or the payload means. No issuer of ours
# writes them.
_FORBIDDEN_HEADERS = frozenset({"b64", "crit", "enc", "jku", "jwk", "x5c", "x5u", "zip"})


class IdToken(HTTPAuthorizationCredentials):
    """A token whose form was read strictly and of which nothing is verified; the library's credentials."""

    kid: str
    claims: dict[str, Any]

    def __repr__(self) -> str:
        return "<IdToken>"

    __str__ = __repr__


def read_strictly(token: str) -> IdToken:
    """The header's ``kid`` and the claims of ``token``. Raises :class:`InvalidToken` for any other form."""
    if len(token) > MAX_TOKEN_LENGTH:
        raise InvalidToken("too_large")
    if not token.isascii():
        raise InvalidToken("malformed")
    segments = token.encode("ascii").split(b".")
    if len(segments) != 3:
        raise InvalidToken("malformed")
    header, payload, _signature = map(_decode_segment, segments)
    kid = _key_id(_decode_object(header))
    claims = _decode_object(payload)
    return IdToken.model_construct(scheme="Bearer", credentials=token, kid=kid, claims=claims)


# From the alphabet of RFC 4648, section 5, to the one of section 4; what only section 4 has becomes what neither has.
_ALPHABET = bytes.maketrans(b"-_+/=", b"+/!!!")
# The last character of a segment whose length leaves this rest by four, where the bits beyond the last byte are zero.
_LAST = {0: b"", 2: b"AQgw", 3: b"AEIMQUYcgkosw048"}


def _decode_segment(segment: bytes) -> bytes:
    """base64url without padding, in its one canonical spelling."""
    rest = len(segment) % 4
    if not segment or rest not in _LAST or (rest and segment[-1] not in _LAST[rest]):
        raise InvalidToken("malformed")
    try:
        return a2b_base64(segment.translate(_ALPHABET) + b"=" * (-rest % 4), strict_mode=True)
    except ValueError:
        raise InvalidToken("malformed") from None


def _decode_object(text: bytes) -> dict[str, Any]:
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


def _key_id(header: dict[str, Any]) -> str:
    if header.get("alg") != "RS256":
        raise InvalidToken("bad_algorithm")
    typ = header.get("typ", "JWT")
    if not isinstance(typ, str) or typ.upper() != "JWT":
        raise InvalidToken("bad_header")
    if not _FORBIDDEN_HEADERS.isdisjoint(header) or flaw(header.get("kid")):
        raise InvalidToken("bad_header")
    kid: str = header["kid"]
    return kid
