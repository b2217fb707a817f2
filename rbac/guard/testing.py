"""Tests of an application behind a guard: callers without an issuer, a token or a setting."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

from rbac.decision_log.record import NO_TOKEN, REMEMBERED
from rbac.guard.identity.principal import Principal
from rbac.guard.identity.recognition import Recognised

# Whom the requests of this context are taken for (`None`: for nobody), and by which guard.
_stand_in: ContextVar[tuple[object, Principal | None] | None] = ContextVar("sekisho_stand_in", default=None)

SOMEBODY = "somebody"


class StandIns:
    """Whom a guard takes callers for. ``used`` says whether it ever took one for somebody else."""

    def __init__(self) -> None:
        self.used = False

    def now(self) -> Recognised | None:
        """Whom a request of this context is taken for; ``None``: for whoever its token says."""
        found = _stand_in.get()
        if found is None or found[0] is not self:
            return None
        return found[1], NO_TOKEN if found[1] is None else REMEMBERED

    @contextmanager
    def acting(self, principal: Principal | None) -> Iterator[None]:
        """Takes the callers of this context for ``principal``, ``None`` for nobody."""
        self.used = True
        token = _stand_in.set((self, principal))
        try:
            yield
        finally:
            _stand_in.reset(token)


def stand_in(roles: tuple[str, ...], sub: str, claims: dict[str, object]) -> Principal | None:
    """A principal as a token with these claims would name it; ``None``, who sends no token, for an empty ``sub``.

    Raises ``ValueError`` for roles or claims of nobody.
    """
    if not sub:
        if roles or claims:
            raise ValueError(
                "somebody with roles or claims has a `sub`: an empty one is a caller without a token"
            )
        return None
    username, email = claims.get("username"), claims.get("email")
    return Principal(
        sub=sub,
        roles=roles,
        username=username if isinstance(username, str) else None,
        email=email if isinstance(email, str) else None,
        claims=MappingProxyType({"sub": sub, **claims}),
    )
