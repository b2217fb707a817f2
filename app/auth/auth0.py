"""Auth0 tenants: ID tokens by OpenID Connect Core 1.0, sections 2 and 3.1.3.7."""

from typing import Any

from fastapi_cloudauth.auth0 import Auth0CurrentUser

from app.auth.claims import ClaimRules, required
from app.auth.errors import InvalidToken
from app.auth.hardened import HardenedAuth

USERNAME_CLAIMS = ("nickname", "name", "email")


class HardenedAuth0CurrentUser(HardenedAuth, Auth0CurrentUser):
    """The library's ``Auth0CurrentUser``, hardened."""


class Auth0Rules(ClaimRules):
    """``aud`` may list several; then ``azp`` must say which of them the token was issued to.

    A ``nonce`` ties a token to the browser session that asked for it, which only the application there can
    check. The library as shipped refuses every token that has one, which is every token of Auth0's own
    browser SDK.
    """

    def check_use(self, claims: dict[str, Any]) -> None:
        """``nonce``, if there is one, could be a nonce."""
        if not isinstance(claims.get("nonce", ""), str):
            raise InvalidToken("bad_claim")

    def check_audience(self, claims: dict[str, Any]) -> None:
        """One of our clients is in ``aud``, and is the one that the token was issued to."""
        audience = required(claims, "aud")
        audiences = [audience] if isinstance(audience, str) else audience
        if not isinstance(audiences, list) or not all(isinstance(name, str) for name in audiences):
            raise InvalidToken("bad_claim")
        if self.audiences.isdisjoint(audiences):
            raise InvalidToken("wrong_audience")
        if len(audiences) == 1 and "azp" not in claims:
            return
        party = required(claims, "azp")
        if not isinstance(party, str):
            raise InvalidToken("bad_claim")
        if party not in self.audiences:
            raise InvalidToken("wrong_audience")
