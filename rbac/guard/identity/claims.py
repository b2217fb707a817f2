"""What a token's claims must say once its signature is known to be good."""

from dataclasses import dataclass, field
from typing import Any

from rbac.document.names import is_of_access_token
from rbac.guard.identity.clock import Clock
from rbac.guard.identity.errors import InvalidToken
from rbac.guard.identity.principal import flaw

LEEWAY = 60.0  # seconds that the issuer's clock may be ahead of ours
LAST_DATE = 253_402_300_799  # the end of the year 9999: what every calendar can show
# Types, because a boolean is an `int` to Python but not a number to JSON.
_NUMBERS = frozenset({int, float})


@dataclass(frozen=True, slots=True)
class ClaimRules:
    """``iss``, ``aud``, ``exp``, ``iat`` and ``sub`` are required, exact and well typed; ``iat`` and ``nbf``
    get 60 s of leeway, ``exp`` none. Issuers with further rules override the two methods in between.
    """

    issuer: str
    audiences: frozenset[str]
    clock: Clock = field(default_factory=Clock)

    def check(self, claims: dict[str, Any]) -> None:
        """Raises :class:`InvalidToken` for claims that do not hold."""
        try:
            self.check_use(claims)
            if claims["iss"] != self.issuer:
                raise InvalidToken("wrong_issuer")
            self.check_audience(claims)
            self.check_dates(claims, self.clock.now())
            if flaw(claims["sub"]) or is_of_access_token(claims["sub"]):
                raise InvalidToken("bad_claim")
        except KeyError:
            raise InvalidToken("missing_claim") from None

    def check_use(self, claims: dict[str, Any]) -> None:
        """Whether this kind of token may identify a caller at all. A ``KeyError`` of these three is a claim that lacks."""

    def check_audience(self, claims: dict[str, Any]) -> None:
        """``aud`` is one of our clients, as a lone string."""
        audience = claims["aud"]
        if not isinstance(audience, str):
            raise InvalidToken("bad_claim")
        if audience not in self.audiences:
            raise InvalidToken("wrong_audience")

    def check_dates(self, claims: dict[str, Any], now: float) -> None:
        """``now`` lies between ``iat`` (and ``nbf``) and ``exp``, at which a token has expired (RFC 7519)."""
        if now >= date(claims["exp"]):
            raise InvalidToken("expired")
        latest = now + LEEWAY
        if date(claims["iat"]) > latest or ("nbf" in claims and date(claims["nbf"]) > latest):
            raise InvalidToken("not_yet_valid")
        if "auth_time" in claims:
            date(claims["auth_time"])


def audiences_of(claims: dict[str, Any]) -> list[str]:
    """Whom ``aud`` names, one or several (RFC 7519, section 4.1.3). Raises :class:`InvalidToken` for anything else."""
    audience = claims["aud"]
    audiences = [audience] if isinstance(audience, str) else audience
    if not isinstance(audiences, list) or not all(isinstance(name, str) for name in audiences):
        raise InvalidToken("bad_claim")
    return audiences


def date(value: Any) -> float:
    """``value``, which is seconds since 1970 (RFC 7519's NumericDate). Raises :class:`InvalidToken` for any other."""
    if type(value) in _NUMBERS and 0 <= value <= LAST_DATE:
        return value  # type: ignore[no-any-return]  # a number
    raise InvalidToken("bad_claim")
