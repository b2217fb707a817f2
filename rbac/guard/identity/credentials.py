"""Where a request keeps its caller's token: the ``Authorization`` header, or a cookie besides."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rbac.guard.http.asgi import Scope
from rbac.guard.identity.errors import InvalidToken
from rbac.guard.identity.token_format import MAX_TOKEN_LENGTH

# RFC 6750, section 2.1: a scheme in any case (RFC 9110, 11.1), at least one space, one b64token
_BEARER = re.compile(rb"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9._~+/-]+=*)")
# RFC 6265, section 4.1.1: a token, and a value of visible ASCII, perhaps in quotes.
_COOKIE_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_COOKIE_VALUE = re.compile(rb'("?)([!#-+\--:<-\[\]-~]*)\1')

USUAL_SCHEME = b"Bearer "  # what nearly everybody writes before a token
LONGEST_CREDENTIALS = MAX_TOKEN_LENGTH + len(USUAL_SCHEME)

# Of the characters of a token: those that stand before the padding.
_OF_TOKENS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/"

Credentials = Callable[[Scope], str | None]
"""The token of a request, ``None`` without any. Raises :class:`InvalidToken` for what is none and pretends to be."""


def bearer(scope: Scope) -> str | None:
    """The token of the ``Authorization`` header (RFC 6750, section 2.1).

    Raises :class:`InvalidToken` for anything but exactly one Bearer token: whoever presents credentials that
    mean nothing here must not pass for somebody who presents none.
    """
    values = _values(scope, b"authorization")
    return bearer_token(values) if values else None


@dataclass(frozen=True, slots=True)
class Cookie:
    """The token of the ``Authorization`` header, and without one that of a cookie."""

    name: str

    def __call__(self, scope: Scope) -> str | None:
        token = bearer(scope)
        wanted = self.name.encode("ascii")
        return token if token is not None else _cookie_token(_values(scope, b"cookie"), wanted)


def cookie(name: str) -> Credentials:
    """The token of the ``Authorization`` header, and without one that of the cookie ``name``.

    For a browser's WebSocket, which cannot send the header. A cookie is sent by whatever page asks: give it
    ``SameSite=Strict``. Raises ``ValueError`` for a name that no cookie can have.
    """
    if not _COOKIE_NAME.fullmatch(name):
        raise ValueError(f"`{name}` is not the name of a cookie")
    return Cookie(name)


def bearer_token(values: Sequence[bytes]) -> str:
    """The token in the values of a request's ``Authorization`` headers: exactly one, or :class:`InvalidToken`."""
    if len(values) != 1:
        raise InvalidToken("malformed_credentials")
    value = values[0].strip(b" \t")
    if len(value) > LONGEST_CREDENTIALS:
        raise InvalidToken("too_large")
    match = _BEARER.fullmatch(value)
    if match is None:
        raise InvalidToken("malformed_credentials")
    return match[1].decode("ascii")


def is_usual(token: bytes) -> bool:
    """Whether :func:`bearer` finds ``token`` as it is behind the usual scheme; ``False`` says nothing."""
    return token != b"" and not token.translate(None, _OF_TOKENS)


def _cookie_token(headers: Sequence[bytes], wanted: bytes) -> str | None:
    """The value of the cookie; raises :class:`InvalidToken` for two of them, of which nobody knows which is meant."""
    found = [
        value.strip(b" \t")
        for header in headers
        for name, equals, value in (pair.partition(b"=") for pair in header.split(b";"))
        if equals and name.strip(b" \t") == wanted
    ]
    if not found or found == [b""]:  # how a browser is told to forget one
        return None
    if len(found) > 1:
        raise InvalidToken("malformed_credentials")
    match = _COOKIE_VALUE.fullmatch(found[0])
    if match is None or not match[2]:
        raise InvalidToken("malformed_credentials")
    if len(match[2]) > MAX_TOKEN_LENGTH:
        raise InvalidToken("too_large")
    return match[2].decode("ascii")


def _values(scope: Scope, wanted: bytes) -> list[bytes]:
    return [value for name, value in scope["headers"] if name == wanted]
