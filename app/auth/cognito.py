"""Amazon Cognito user pools: ID tokens, as the AWS guide on verifying JSON web tokens describes them."""

from typing import Any

from fastapi_cloudauth.cognito import CognitoCurrentUser

from app.auth.claims import ClaimRules, required
from app.auth.errors import InvalidToken
from app.auth.hardened import HardenedAuth

USERNAME_CLAIMS = ("cognito:username",)
ROLE_LISTS = frozenset({"cognito:groups"})  # the one claim that Cognito writes as a list of names


class HardenedCognitoCurrentUser(HardenedAuth, CognitoCurrentUser):
    """The library's ``CognitoCurrentUser``, hardened."""


class CognitoRules(ClaimRules):
    """ID tokens only: an access token names no application and carries no custom attributes."""

    def check_use(self, claims: dict[str, Any]) -> None:
        """``token_use`` is "id"."""
        if required(claims, "token_use") != "id":
            raise InvalidToken("wrong_use")
