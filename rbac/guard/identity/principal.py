"""Who is calling: the :class:`Principal`, and how verified claims become one."""

import json
import logging
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, Self

from rbac.document.names import is_of_access_token
from rbac.revocations.table import SentAway
from rbac.text.visible import CONTROL, LINE_SEPARATORS, SURROGATES

log = logging.getLogger("rbac.guard")

MAX_NAME_LENGTH = 256
_CONTROL = re.compile(f"[{CONTROL}{LINE_SEPARATORS}{SURROGATES}]")


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller, shared by all requests that carry the same token: treat it as read-only
    throughout.

    ``claims`` is the verified token's claims set as the issuer wrote it. ``username`` and ``email`` are
    ``None`` when the token names none. ``through`` is the program that a person calls through, where it has to be allowed
    what the person wants as well.
    """

    sub: str
    roles: tuple[str, ...] = ()
    username: str | None = None
    email: str | None = field(default=None, repr=False)
    email_verified: bool = field(default=False, repr=False)
    claims: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}), repr=False, hash=False)
    through: "Principal | None" = field(default=None, repr=False)
    # The mark of the revocations that do not meet it (:class:`rbac.revocations.table.SentAway`).
    _cleared: object = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Raises ``TypeError`` for roles that are no list of texts: the letters of a name are no roles."""
        roles: object = self.roles
        if isinstance(roles, str) or not all(isinstance(role, str) for role in self.roles):
            raise TypeError(f"roles are a list of texts, and not {roles!r:.100}")
        if type(roles) is not tuple:
            object.__setattr__(self, "roles", tuple(self.roles))

    def cleared_by(self, table: SentAway) -> bool:
        """Whether ``table`` does not meet it. Looked up once for each table, for neither of the two ever changes."""
        if self._cleared is table.mark:
            return True
        if table.meets(self.sub, self.claims):
            return False
        object.__setattr__(self, "_cleared", table.mark)
        return True

    @property
    def role(self) -> str | None:
        """The first role, ``None`` without any: for showing. What decides is all of them."""
        return self.roles[0] if self.roles else None


# What sets the fields of a frozen object; by the dataclass's own way each would be looked up again.
_set_sub, _set_roles, _set_username, _set_email, _set_verified, _set_claims, _set_through, _set_cleared = (
    vars(Principal)[each.name].__set__ for each in fields(Principal)
)


def _made(
    sub: str,
    roles: tuple[str, ...],
    username: str | None,
    email: str | None,
    verified: bool,
    claims: dict[str, Any],
) -> Principal:
    """As the constructor makes it, of roles that are known to be texts: a principal is made for each new token."""
    principal = object.__new__(Principal)
    _set_sub(principal, sub)
    _set_roles(principal, roles)
    _set_username(principal, username)
    _set_email(principal, email)
    _set_verified(principal, verified)
    _set_claims(principal, MappingProxyType(claims))
    _set_through(principal, None)
    _set_cleared(principal, None)
    return principal


def flaw(value: object) -> str:
    """What keeps ``value`` from being a name that rules, logs and people agree on; "" when nothing does."""
    # What is printable holds no control character: most names need no second look.
    if type(value) is str and len(value) <= MAX_NAME_LENGTH and value.isprintable() and value.strip():
        return ""
    if not isinstance(value, str):
        return f"{_json_type(value)} where a string belongs"
    if len(value) > MAX_NAME_LENGTH:
        return f"longer than {MAX_NAME_LENGTH} characters"
    if _CONTROL.search(value):
        return "control characters"
    return "" if value.strip() else "blank"


def _json_type(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return "a number"
    return "a list" if isinstance(value, list) else "an object"


def _first_clean(claims: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    for name in names:
        value: str | None = claims.get(name)
        if not flaw(value):
            return value
    return None


@dataclass(frozen=True, slots=True)
class RoleClaim:
    """A claim that names roles. ``is_list``: its text is several roles, as ``custom:role:list`` says in settings.

    Where no claim is called ``name``, its dots lead into objects: ``realm_access.roles``, and ``\\.`` is a dot of a name.
    """

    name: str
    is_list: bool = False

    @classmethod
    def parse(cls, written: str) -> Self:
        """The claim that a setting names: ``custom:role``, or ``custom:role:list``."""
        name = written.removesuffix(_LIST)
        return cls(name, name != written)

    def of(self, claims: Mapping[str, Any]) -> Any:
        """Its value in ``claims``, ``None`` where there is none."""
        return claim_at(claims, self.name)


def claim_at(claims: Mapping[str, Any], name: str) -> Any:
    """The value of the claim ``name``, or where there is none of that name what its dots lead to; else ``None``."""
    if name in claims or "." not in name:
        return claims.get(name)
    value: Any = claims
    for part in _DOT.split(name):
        if not isinstance(value, Mapping):
            return None
        value = value.get(part.replace("\\.", "."))
    return value


_MOST_KNOWN = 256  # texts
_DOT = re.compile(r"(?<!\\)\.")
_LIST = ":list"


def listed(text: str) -> list[Any]:
    """The items of a text that holds several: ``user,admin``, Cognito's ``[user, admin]`` of a SAML attribute, or JSON.

    What is no list of any of these forms is one item.
    """
    text = text.strip()
    if text.startswith("[") and text.endswith("]"):
        with suppress(ValueError, RecursionError):
            items: list[Any] = json.loads(text)
            return items
        text = text[1:-1]
    return [item for item in (part.strip() for part in text.split(",")) if item]


def _looks_listed(text: str) -> bool:
    return "," in text or (text.startswith("[") and text.endswith("]"))


@dataclass(frozen=True, slots=True)
class PrincipalReader:
    """Reads principals from verified claims.

    A role claim that is a string is one role, and only a :class:`RoleClaim` that says so is split. ``role_lists`` names
    the claims in which each item of a list is a role (there a lone string is none); ``None`` means that any role claim
    may be a string or a list. What is not a clean string, or is a word of access tokens (``scope:orders/read``), is no
    role, and the log says so without repeating it.
    ``username_claims``: the first that is clean is the name.
    """

    role_claims: tuple[RoleClaim, ...]
    role_lists: frozenset[str] | None
    username_claims: tuple[str, ...]
    # Claims that were told of once: their text looks like several roles and is read as one.
    _told: set[str] = field(default_factory=set, init=False, repr=False, compare=False)
    # Texts of the claim of roles where there is one, and the roles that they are: an issuer writes few.
    _known: dict[str, tuple[str, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def read(self, claims: dict[str, Any]) -> Principal:
        """The principal of ``claims``, whose ``sub`` was verified to be clean. Keeps ``claims`` itself."""
        verified = claims.get("email_verified")
        return _made(
            claims["sub"],
            self._roles(claims),
            _first_clean(claims, self.username_claims),
            None if flaw(claims.get("email")) else claims["email"],
            verified is True or verified == "true",  # Cognito writes "true" for some federated users
            claims,
        )

    def _roles(self, claims: Mapping[str, Any]) -> tuple[str, ...]:
        text = claims.get(self.role_claims[0].name) if len(self.role_claims) == 1 else None
        known = self._known.get(text) if type(text) is str else None
        if known is not None:
            return known
        found: dict[str, None] = {}
        clean = [self._take_roles(claim, claims, found) for claim in self.role_claims]
        roles = tuple(found)
        if type(text) is str and all(clean):
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[text] = roles
        return roles

    def _take_roles(self, claim: RoleClaim, claims: Mapping[str, Any], roles: dict[str, None]) -> bool:
        """Adds the roles in ``claim`` to ``roles``; whether there was nothing else in it."""
        value = claim.of(claims)
        if value is None and claim.name not in claims:
            return True
        flaws: dict[str, None] = {}
        for candidate in self._candidates(claim, value, flaws):
            wrong = flaw(candidate) or ("a word of access tokens" if is_of_access_token(candidate) else "")
            (flaws if wrong else roles)[wrong or candidate] = None
        if flaws:
            reasons = ", ".join(flaws)
            log.warning("not a role in claim `%s` of subject `%s`: %s", claim.name, claims["sub"], reasons)
        return not flaws

    def _candidates(self, claim: RoleClaim, value: Any, flaws: dict[str, None]) -> list[Any]:
        if claim.is_list and isinstance(value, str):
            return listed(value)
        is_list_claim = claim.is_list or (self.role_lists is not None and claim.name in self.role_lists)
        if isinstance(value, list) and (is_list_claim or self.role_lists is None):
            return value
        if isinstance(value, str):
            if is_list_claim:
                flaws["a string where a list belongs"] = None
                return []
            self._tell_of_list(claim.name, value)
        return [value]

    def _tell_of_list(self, name: str, text: str) -> None:
        """Says once of a claim that its text looks like several roles, which no rule can name as one."""
        if _looks_listed(text) and name not in self._told:
            self._told.add(name)
            log.warning(
                "claim `%s` looks like several roles, and is read as one that no rule can name; "
                "the role claim `%s:list` reads it as a list",
                name,
                name,
            )
