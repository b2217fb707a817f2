"""fastapi-cloudauth 0.4.3, hardened through what it lets one override: key set, verifier, extra verifier.

As shipped it fetches keys with a blocking call when it is constructed, and accepts tokens that lack ``exp``,
``aud`` or ``token_use``. Here it keeps what it does well, the way from a header's ``kid`` to a verified RSA
signature; the form of a token is read before (:mod:`app.auth.compact`), its claims behind
(:mod:`app.auth.claims`).
"""

from typing import Any

from fastapi.security import HTTPAuthorizationCredentials
from fastapi_cloudauth.base import UserInfoAuth
from fastapi_cloudauth.verification import JWKsVerifier
from jose.backends.base import Key
from pydantic import BaseModel, ValidationError

from app.auth.claims import ClaimRules
from app.auth.compact import IdToken, read_strictly
from app.auth.errors import InvalidToken
from app.auth.jwks import KeySet


def as_id_token(http_auth: HTTPAuthorizationCredentials) -> IdToken:
    """``http_auth``, read strictly once. Raises :class:`InvalidToken`."""
    return http_auth if isinstance(http_auth, IdToken) else read_strictly(http_auth.credentials)


class StrictVerifier(JWKsVerifier):
    """Form, key, signature, claims, in that order: ``True``, or an :class:`app.auth.errors.AuthError`
    raised.
    """

    def __init__(self, keys: KeySet, rules: ClaimRules) -> None:
        super().__init__(keys, auto_error=False, extra=rules)
        self._rules = rules

    async def _get_publickey(self, http_auth: HTTPAuthorizationCredentials) -> Key | None:
        # The library's own reads the header a second time.
        return await self._jwks.get_publickey(as_id_token(http_auth).kid)

    async def verify_token(self, http_auth: HTTPAuthorizationCredentials) -> bool:
        """``True`` for a token that the issuer signed and whose claims hold."""
        if not await super().verify_token(as_id_token(http_auth)):
            raise InvalidToken("bad_signature")
        return True

    def _verify_claims(self, http_auth: HTTPAuthorizationCredentials) -> bool:
        # The library's own knows no leeway, only one audience, and requires no claim at all.
        return self._rules(as_id_token(http_auth).claims)


class HardenedAuth(UserInfoAuth):
    """Before one of the library's ``…CurrentUser`` classes, it replaces their constructor, which does
    network.
    """

    def __init__(self, keys: KeySet, rules: ClaimRules) -> None:
        UserInfoAuth.__init__(self, keys, extra=rules, auto_error=False)
        self.verifier = StrictVerifier(keys, rules)

    async def call(self, http_auth: HTTPAuthorizationCredentials) -> BaseModel | dict[str, Any] | None:
        """The verified claims, or the model that the library's ``claim()`` asked for."""
        claims = as_id_token(http_auth).claims
        if self.user_info is None:
            return claims
        try:
            return self.user_info.model_validate(claims)
        except ValidationError:
            raise InvalidToken("bad_claim") from None
