"""Access tokens: what must be in them, and whom they stand for: a program, or a person who calls through one."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from rbac.document.names import CLIENT, SCOPE
from rbac.guard.identity.claims import ClaimRules, audiences_of
from rbac.guard.identity.errors import InvalidToken
from rbac.guard.identity.principal import MAX_NAME_LENGTH, Principal, flaw

TokenUse = Literal["id", "access", "both"]
"""Which tokens are accepted."""

Scopes = Literal["ignored", "required"]
"""Whether a person's access token is allowed only what the scopes of its client allow, too."""

AT_JWT = "at+jwt"
"""The ``typ`` of an access token (RFC 9068, section 2.1)."""

_SCOPES = re.compile(r"[!#-\[\]-~]+(?: [!#-\[\]-~]+)*")  # RFC 6749, section 3.3


@dataclass(frozen=True, slots=True)
class AccessRules(ClaimRules):
    """The common rules, of a token that names its client. ``resource``: whom it must be bound to (RFC 8707)."""

    resource: str = ""

    def check(self, claims: dict[str, Any]) -> None:
        """Raises :class:`InvalidToken` for claims that do not hold."""
        ClaimRules.check(self, claims)
        self.is_machine(claims)
        scopes_of(claims)

    def is_machine(self, claims: Mapping[str, Any]) -> bool:
        """Whether nobody calls through the client but itself. Raises :class:`InvalidToken` where that is not plain."""
        raise NotImplementedError


class CognitoAccessRules(AccessRules):
    """As the AWS guide on verifying JSON web tokens has it: ``token_use`` and ``client_id``, and ``aud`` of a token that
    is bound to a resource. One that is bound to another resource, or to any where none is expected, is another's.
    """

    def check_use(self, claims: dict[str, Any]) -> None:
        """``token_use`` is "access"."""
        if claims["token_use"] != "access":
            raise InvalidToken("wrong_use")

    def check_audience(self, claims: dict[str, Any]) -> None:
        """``client_id`` is one of ours, and ``aud`` the resource."""
        if client_of(claims) not in self.audiences:
            raise InvalidToken("wrong_audience")
        if not self.resource and "aud" not in claims:
            return
        audience = claims["aud"]
        if not isinstance(audience, str):
            raise InvalidToken("bad_claim")
        if not self.resource or audience != self.resource:
            raise InvalidToken("wrong_audience")

    def is_machine(self, claims: Mapping[str, Any]) -> bool:
        """A machine's ``sub`` is its client's id, and it has no ``username``; a person's is another, with one."""
        is_client: bool = client_of(claims) == claims["sub"]
        if is_client is ("username" in claims) or flaw(claims.get("username", "-")):
            raise InvalidToken("bad_claim")
        return is_client


class JwtAccessRules(AccessRules):
    """RFC 9068, section 4: ``aud`` holds the resource; ``client_id`` and ``jti`` are required. Keycloak calls the client
    ``azp``."""

    # What a program's `sub` is besides its client's id. Auth0 puts this behind it.
    machines: ClassVar[tuple[str, ...]] = ("", "@clients")

    def check_use(self, claims: dict[str, Any]) -> None:
        """Nothing says that it is another kind of token. Keycloak calls the type "Bearer"."""
        if claims.get("typ", "Bearer") != "Bearer" or "events" in claims:
            raise InvalidToken("wrong_use")

    def check_audience(self, claims: dict[str, Any]) -> None:
        """``aud`` holds the resource."""
        if self.resource not in audiences_of(claims):
            raise InvalidToken("wrong_audience")
        if flaw(claims["jti"]):
            raise InvalidToken("bad_claim")

    def is_machine(self, claims: Mapping[str, Any]) -> bool:
        """A machine's ``sub`` is its client's id. INVARIANT: a person who chose that name is refused and never taken for it
        (section 5): nobody has signed in to a program."""
        client = client_of(claims)
        if claims["sub"] not in {client + suffix for suffix in self.machines}:
            return False
        if not _OF_PERSONS.isdisjoint(claims):
            raise InvalidToken("bad_claim")
        return True


_OF_PERSONS = frozenset(
    {"acr", "amr", "auth_time", "email", "name", "nonce", "preferred_username", "sid", "username"}
)


def client_of(claims: Mapping[str, Any]) -> str:
    """The client that a token was issued to. Raises :class:`InvalidToken` where none is named, or two."""
    named = [claims[name] for name in ("client_id", "azp") if name in claims]
    if not named:
        raise InvalidToken("missing_claim")
    if any(flaw(name) for name in named) or named[0] != named[-1] or len(named[0]) > _MAX_CLIENT_LENGTH:
        raise InvalidToken("bad_claim")
    client: str = named[0]
    return client


_MAX_CLIENT_LENGTH = MAX_NAME_LENGTH - len(CLIENT)


def scopes_of(claims: Mapping[str, Any]) -> tuple[str, ...]:
    """The scopes of an access token, each once. Raises :class:`InvalidToken` for what is none."""
    written = claims.get("scope", "")
    if not isinstance(written, str) or (written and not _SCOPES.fullmatch(written)):
        raise InvalidToken("bad_claim")
    scopes = tuple(dict.fromkeys(written.split(" "))) if written else ()
    if any(len(scope) > MAX_NAME_LENGTH - len(SCOPE) for scope in scopes):
        raise InvalidToken("bad_claim")
    return scopes


def program_of(claims: Mapping[str, Any]) -> Principal:
    """The program that a token was issued to: ``client:<id>``, with a word for each of its scopes."""
    name = f"{CLIENT}{client_of(claims)}"
    return Principal(
        sub=name, roles=(name, *(f"{SCOPE}{scope}" for scope in scopes_of(claims))), claims=claims
    )
