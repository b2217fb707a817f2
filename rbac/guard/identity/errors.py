"""Why a caller is not who a token says: :class:`AuthError` and its leaves. None repeats a token or a
claim.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal

from rbac.errors import RbacError

RejectionReason = Literal[
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
    "revoked",
]

# Sentences end up in `error_description`, so they keep to its characters (RFC 6750, section 3: no quote, no
# backslash).
SENTENCES: Mapping[RejectionReason, str] = {
    "malformed_credentials": "the Authorization header must be one Bearer token",
    "too_large": "the token is larger than 8 KiB",
    "malformed": "the token is not a well-formed signed JWT",
    "bad_header": "the token's header is not one that the issuer writes",
    "bad_algorithm": "the token is not signed with the algorithm of the issuer's key",
    "unknown_key": "the token is signed with a key that the issuer does not publish",
    "bad_signature": "the token's signature is not valid",
    "missing_claim": "the token lacks a claim that is required",
    "bad_claim": "a claim of the token has a value that it cannot have",
    "wrong_use": "the token is of a kind that is not accepted here",
    "wrong_issuer": "the token comes from another issuer",
    "wrong_audience": "the token was issued to another application",
    "expired": "the token has expired",
    "not_yet_valid": "the token is not valid yet",
    "subject_is_role": "the subject of the token is the name of a role",
    "revoked": "the token was revoked",
}


SEND_ID_TOKEN = "send the ID token"  # noqa: S105 a sentence, no password
"""What is to be done where an ID token would be accepted instead."""


class AuthError(RbacError):
    """The base of every refusal to authenticate."""

    code: ClassVar[str] = "authentication_failed"


class Unauthenticated(AuthError):  # noqa: N818 - what an application raises of its caller
    """Credentials were presented and are nobody's. ``str()`` is a sentence that the caller may read."""

    code: ClassVar[str] = "invalid_token"
    reason: str = "unauthenticated"

    def __init__(self, sentence: str = "the credentials were not accepted") -> None:
        super().__init__(sentence)


class InvalidToken(Unauthenticated):
    """A token that is not valid: ``reason`` is a stable code, ``str()`` its sentence, with what is to be done instead where
    that is known."""

    def __init__(self, reason: RejectionReason, instead: str = "") -> None:
        self.reason: RejectionReason = reason
        super().__init__(f"{SENTENCES[reason]}; {instead}" if instead else SENTENCES[reason])


class KeysUnavailable(AuthError):  # noqa: N818 - a state, not a mistake
    """The keys that it takes to verify a token are out of reach: never fetched, too old, or without the token's.

    ``retry_after``: seconds, from 1.
    """

    code: ClassVar[str] = "keys_unavailable"

    def __init__(self, retry_after: int) -> None:
        self.retry_after = max(1, retry_after)
        super().__init__("the issuer's keys are out of reach")
