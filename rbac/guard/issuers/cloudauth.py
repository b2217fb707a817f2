"""fastapi-cloudauth 0.4.3, hardened through what it lets one override: key set and verifier.

As shipped it fetches keys with a blocking call when it is constructed, and accepts tokens that lack ``exp``,
``aud`` or ``token_use``. Here it keeps what it does well, the way from a header's ``kid`` to a verified RSA
signature; the form of a token is read before (:mod:`rbac.guard.identity.token_format`), its claims behind
(:mod:`rbac.guard.identity.claims`). Nothing else in the guard knows the library, or the framework that it brings.
"""

from collections.abc import Awaitable, Mapping
from typing import Any

from fastapi.security import HTTPAuthorizationCredentials
from fastapi_cloudauth.auth0 import Auth0CurrentUser
from fastapi_cloudauth.base import UserInfoAuth
from fastapi_cloudauth.cognito import CognitoCurrentUser
from fastapi_cloudauth.firebase import FirebaseCurrentUser
from fastapi_cloudauth.verification import JWKS, JWKsVerifier
from jose.backends.base import Key
from pydantic import BaseModel, ValidationError

from rbac.guard.identity.errors import InvalidToken
from rbac.guard.identity.key_set import KeySet
from rbac.guard.identity.token_format import SignedToken, TokenForm, read_strictly
from rbac.guard.issuers.provider import TokenRules

Presented = HTTPAuthorizationCredentials | SignedToken
"""What the library verifies. Of its own credentials it uses nothing but the text, which a token that was read has, too."""


def as_read(presented: Presented, form: TokenForm) -> SignedToken:
    """``presented``, read strictly once. Raises :class:`InvalidToken`."""
    return presented if isinstance(presented, SignedToken) else read_strictly(presented.credentials, form)


class LibraryKeys(JWKS):
    """A :class:`KeySet` where the library looks for its own."""

    def __init__(self, keys: KeySet) -> None:
        super().__init__(fixed_keys={})  # the only way past the library's blocking fetch
        self.key_set = keys

    async def get_publickey(self, kid: str) -> Key:
        """The key called ``kid``, as of :meth:`KeySet.signing_key`."""
        return (await self.key_set.signing_key(kid)).key


class StrictVerifier(JWKsVerifier):
    """Form, key, signature, claims, in that order: ``True``, or an :class:`rbac.guard.identity.errors.AuthError`
    raised.
    """

    def __init__(self, keys: LibraryKeys, rules: TokenRules, form: TokenForm) -> None:
        super().__init__(keys, auto_error=False)
        self._rules = rules
        self._form = form

    async def verify_token(self, http_auth: Presented) -> bool:
        """``True`` for a token that the issuer signed and whose claims hold."""
        read: Any = as_read(http_auth, self._form)
        if not await super().verify_token(read):
            raise InvalidToken("bad_signature")
        return True

    # What the library's own way asks for, in this order, of a token that was read before.

    async def _get_publickey(self, http_auth: SignedToken) -> Key | None:  # type: ignore[override]
        # The library's own reads the header a second time.
        keys: Any = self._jwks  # not kept twice: a clone must share it
        found = await keys.key_set.signing_key(http_auth.kid)
        if found.algorithm != http_auth.algorithm:
            raise InvalidToken("bad_algorithm")
        key: Key = found.key
        return key

    def _verify_claims(self, http_auth: SignedToken) -> bool:  # type: ignore[override]
        # The library's own knows no leeway, only one audience, and requires no claim at all.
        claims = http_auth.claims
        self._rules.of(claims, http_auth.kind).check(claims)
        return True


class HardenedAuth(UserInfoAuth):
    """Before one of the library's ``…CurrentUser`` classes, it replaces their constructor, which does
    network.
    """

    def __init__(self, keys: KeySet, rules: TokenRules, form: TokenForm) -> None:
        library_keys = LibraryKeys(keys)
        UserInfoAuth.__init__(self, library_keys, auto_error=False)
        self._form = form
        self.verifier = StrictVerifier(library_keys, rules, form)

    def verify(self, token: SignedToken) -> Awaitable[bool]:
        """``True`` for a token that the issuer signed and whose claims hold. Any other raises an
        :class:`rbac.guard.identity.errors.AuthError`."""
        verifier: Any = self.verifier
        verified: Awaitable[bool] = verifier.verify_token(token)
        return verified

    async def call(self, http_auth: HTTPAuthorizationCredentials) -> BaseModel | dict[str, Any] | None:
        """The verified claims, or the model that the library's ``claim()`` asked for."""
        claims = as_read(http_auth, self._form).claims
        if self.user_info is None:
            return claims
        try:
            return self.user_info.model_validate(claims)
        except ValidationError:
            raise InvalidToken("bad_claim") from None


class HardenedCognitoCurrentUser(HardenedAuth, CognitoCurrentUser):
    """The library's ``CognitoCurrentUser``, hardened."""


class HardenedAuth0CurrentUser(HardenedAuth, Auth0CurrentUser):
    """The library's ``Auth0CurrentUser``, hardened."""


class HardenedFirebaseCurrentUser(HardenedAuth, FirebaseCurrentUser):
    """The library's ``FirebaseCurrentUser``, hardened.

    The library reads Google's keys as X.509 certificates; Google publishes the same ones as a JWK Set, which
    is the form that the key set of every other provider has, and the one that the settings point at.
    """


class HardenedOpenIdUser(HardenedAuth):
    """Any OpenID provider's users, of whom the library knows no more than that their tokens are signed."""


HARDENED: Mapping[str, type[HardenedAuth]] = {
    "cognito": HardenedCognitoCurrentUser,
    "auth0": HardenedAuth0CurrentUser,
    "firebase": HardenedFirebaseCurrentUser,
    "oidc": HardenedOpenIdUser,
}
"""By :attr:`rbac.guard.issuers.provider.Dialect.name`."""
