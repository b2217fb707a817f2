"""Why a caller is not who a token says: :class:`AuthError` and its leaves. None repeats a token or a
claim.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal

Reason = Literal[
    "malformed_credentials",
    "too_large",
    "malformed",
    "bad_header",
    "bad_algorithm",
    "unknown_key",
    "bad_signature",
    "missing_claim",
    "bad_claim",
    "wrong_use",
    "wrong_issuer",
    "wrong_audience",
    "expired",
    "not_yet_valid",
    "subject_is_role",
]

# Sentences end up in `error_description`, so they keep to its characters (RFC 6750, section 3: no quote, no
# backslash).
SENTENCES: Mapping[Reason, str] = {
    "malformed_credentials": "the Authorization header must be one Bearer token",
    "too_large": "the token is larger than 8 KiB",
    "malformed": "the token is not a well-formed signed JWT",
    "bad_header": "the token's header is not one that the issuer writes",
    "bad_algorithm": "the token must be signed with RS256",
    "unknown_key": "the token is signed with a key that the issuer does not publish",
    "bad_signature": "the token's signature is not valid",
    "missing_claim": "the token lacks a claim that is required",
    "bad_claim": "a claim of the token has a value that it cannot have",
    "wrong_use": "the token is not an ID token",
    "wrong_issuer": "the token comes from another issuer",
    "wrong_audience": "the token was issued to another application",
    "expired": "the token has expired",
    "not_yet_valid": "the token is not valid yet",
    "subject_is_role": "the subject of the token is the name of a role",
}


class AuthError(Exception):
    """The base of every refusal to authenticate."""

    code: ClassVar[str] = "authentication_failed"


class InvalidToken(AuthError):  # noqa: N818 - what RFC 6750 calls it
    """Credentials were presented and are not valid: ``reason`` is a stable code, ``str()`` its sentence."""

    code: ClassVar[str] = "invalid_token"

    def __init__(self, reason: Reason) -> None:
        self.reason: Reason = reason
        super().__init__(SENTENCES[reason])


class KeysUnavailable(AuthError):  # noqa: N818 - a state, not a mistake
    """The keys that it takes to verify a token are out of reach: never fetched, too old, or without the token's.

    ``retry_after``: seconds, from 1.
    """

    code: ClassVar[str] = "keys_unavailable"

    def __init__(self, retry_after: int) -> None:
        self.retry_after = max(1, retry_after)
        super().__init__("the issuer's keys are out of reach")
