"""What an examination finds, and what it could not look at."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, Literal

from rbac.errors import RbacError

# Every code, and what it says. docs/doctor.md is this as a table.
CODES: Final[Mapping[str, str]] = {
    "region_unknown": "AWS has no such region",
    "pool_missing": "the region has no such user pool",
    "pool_unprotected": "the pool can be deleted by one call",
    "mfa_off": "a password alone signs in",
    "attribute_missing": "the policy decides by an attribute that the pool does not have",
    "client_missing": "the pool has no such app client",
    "attribute_writable": "users can write what the policy decides by",
    "attribute_unreadable": "what the policy decides by is not in the tokens",
    "token_lives_long": "a withdrawn role lives on in tokens for more than an hour",
    "session_lives_long": "a sign-in lasts longer than 30 days",
    "revocation_off": "tokens have no id of their session to revoke",
    "password_in_clear": "a sign-in sends the password instead of proving it (SRP)",
    "implicit_grant": "tokens come in a URL",
    "callback_insecure": "a sign-in may lead to plain http or to any host",
    "callback_local": "in production a sign-in may lead to the user's own machine",
    "domain_missing": "there is no such domain for the sign-in",
    "domain_of_another_pool": "the domain is another pool's",
    "domain_not_active": "the domain does not work yet, or failed",
    "issuer_insecure": "the issuer is not https",
    "issuer_differs": "the issuer calls itself otherwise",
    "discovery_refused": "the issuer's description of itself cannot be gone by",
    "algorithms_foreign": "the issuer signs with nothing that is verified here",
    "keys_refused": "the issuer's keys cannot be gone by",
    "clock_skew": "this machine's clock and the issuer's disagree",
    "role_of_nobody": "the policy names a role that no user and no group has",
    "person_of_nobody": "the policy names a person whom the pool does not have",
    "client_of_nobody": "the policy names a program that is no app client of the pool",
    "scope_of_nobody": "the policy names a scope that no resource server has",
    "role_without_rules": "users or groups have a role that the policy does not name",
}

Weight = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to mend: ``code`` is one of :data:`CODES`, ``about`` what it is about.

    ``fix`` is a command, a setting, or where to click; capitals in it (``NAME``) are for a person to fill in.
    """

    code: str
    weight: Weight
    about: str
    message: str
    fix: str


@dataclass(frozen=True, slots=True)
class Unseen:
    """A check that could not be made, why, and what would let it."""

    check: str
    reason: str
    fix: str = ""


class CannotSee(RbacError):  # noqa: N818 - a state, not a mistake
    """What a check wanted to look at is not to be seen from here."""

    code: ClassVar[str] = "cannot_see"

    def __init__(self, reason: str, fix: str = "") -> None:
        self.reason = reason
        self.fix = fix
        super().__init__(reason)
