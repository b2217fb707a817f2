"""The strict reading of a token's form, before the library sees it: one compact JWS (RFC 7515, section 7.1)
holding a claims set (RFC 7519) that everything behind it can carry, log and answer with.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from math import isfinite
from typing import Any, NoReturn

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


def _decode_segment(segment: bytes) -> bytes:
    try:
        decoded = urlsafe_b64decode(segment + b"=" * (-len(segment) % 4))
    except ValueError:
        raise InvalidToken("malformed") from None
    # Python skips what is not base64; only the one canonical spelling comes back the same.
    if not decoded or urlsafe_b64encode(decoded).rstrip(b"=") != segment:
        raise InvalidToken("malformed")
    return decoded


def _decode_object(text: bytes) -> dict[str, Any]:
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
