"""Firebase Authentication: ID tokens, as Firebase's guide on verifying them with a third-party library
describes them.
"""

from typing import Any

from fastapi_cloudauth.firebase import FirebaseCurrentUser

from app.auth.claims import LEEWAY, ClaimRules, date, required
from app.auth.errors import InvalidToken
from app.auth.hardened import HardenedAuth

USERNAME_CLAIMS = ("name", "email", "user_id")
MAX_SUBJECT_LENGTH = 128


class HardenedFirebaseCurrentUser(HardenedAuth, FirebaseCurrentUser):
    """The library's ``FirebaseCurrentUser``, hardened.

    The library reads Google's keys as X.509 certificates; Google publishes the same ones as a JWK Set, which
    is the form that the key set of every other provider has, and the one that the settings point at.
    """


class FirebaseRules(ClaimRules):
    """Besides the common rules: who signed in did so in the past, and ``sub`` is a Firebase ``uid``."""

    def check_dates(self, claims: dict[str, Any], now: float) -> None:
        """``auth_time`` is required, and lies in the past."""
        super().check_dates(claims, now)
        if date(required(claims, "auth_time")) > now + LEEWAY:
            raise InvalidToken("not_yet_valid")
        subject = required(claims, "sub")
        if isinstance(subject, str) and len(subject) > MAX_SUBJECT_LENGTH:
            raise InvalidToken("bad_claim")
