"""Firebase Authentication: ID tokens, as Firebase's guide on verifying them with a third-party library
describes them.
"""

from typing import Any

from rbac.guard.identity.claims import LEEWAY, ClaimRules, date
from rbac.guard.identity.errors import InvalidToken

USERNAME_CLAIMS = ("name", "email", "user_id")
MAX_SUBJECT_LENGTH = 128


class FirebaseRules(ClaimRules):
    """Besides the common rules: who signed in did so in the past, and ``sub`` is a Firebase ``uid``."""

    def check_dates(self, claims: dict[str, Any], now: float) -> None:
        """``auth_time`` is required, and lies in the past."""
        super().check_dates(claims, now)
        if date(claims["auth_time"]) > now + LEEWAY:
            raise InvalidToken("not_yet_valid")
        subject = claims["sub"]
        if isinstance(subject, str) and len(subject) > MAX_SUBJECT_LENGTH:
            raise InvalidToken("bad_claim")
