"""Any OpenID provider: ID tokens by OpenID Connect Core 1.0, sections 2 and 3.1.3.7."""

from typing import Any

from rbac.guard.identity.claims import ClaimRules, audiences_of
from rbac.guard.identity.errors import SEND_ID_TOKEN, InvalidToken

USERNAME_CLAIMS = ("preferred_username", "nickname", "name", "email")

# What providers write into the access tokens, and logout tokens, that they sign with the same keys and call no more
# than `JWT`. None of it belongs into an ID token. Entra's token of an application for itself has no scope, and names that
# application as its audience: how it proved who it is (`azpacr`, `appidacr`) is all that tells it from an ID token.
_OF_OTHER_TOKENS = frozenset(
    {"scope", "scp", "client_id", "cid", "appid", "appidacr", "azpacr", "idtyp", "events"}
)


class OpenIdRules(ClaimRules):
    """``aud`` may list several; then ``azp`` must say which of them the token was issued to.

    A ``nonce`` ties a token to the browser session that asked for it, which only the application there can check.
    """

    def check_use(self, claims: dict[str, Any]) -> None:
        """``nonce``, if there is one, could be a nonce."""
        if not isinstance(claims.get("nonce", ""), str):
            raise InvalidToken("bad_claim")

    def check_audience(self, claims: dict[str, Any]) -> None:
        """One of our clients is in ``aud``, and is the one that the token was issued to."""
        audiences = audiences_of(claims)
        if self.audiences.isdisjoint(audiences):
            raise InvalidToken("wrong_audience")
        if len(audiences) == 1 and "azp" not in claims:
            return
        party = claims["azp"]
        if not isinstance(party, str):
            raise InvalidToken("bad_claim")
        if party not in self.audiences:
            raise InvalidToken("wrong_audience")


class ProviderRules(OpenIdRules):
    """OpenID Connect's rules, for providers whose access tokens look like ID tokens but for their claims."""

    def check_use(self, claims: dict[str, Any]) -> None:
        """Nothing that belongs into another kind of token. Keycloak says in ``typ`` which kind it is."""
        if not _OF_OTHER_TOKENS.isdisjoint(claims) or claims.get("typ", "ID") != "ID":
            raise InvalidToken("wrong_use", SEND_ID_TOKEN)
        super().check_use(claims)
