"""A decision about one question, with all that it takes to ask the question again."""

import logging
from collections.abc import Sequence
from typing import NamedTuple, Protocol, Self

from rbac import Decision, EvaluationError, Policy, RequestError

log = logging.getLogger("app.ruling")

# What a named tuple's own constructor calls. For the records of every request, because it takes a third of the time.
made = tuple.__new__


class Ruling(NamedTuple):
    """A decision, the words it was asked in (in the model's order), and the document that took it.

    ``role_index`` is the place of the word that several roles filled one after the other, ``None`` when the words were
    asked just as they are.
    """

    decision: Decision
    words: tuple[str, ...]
    policy: Policy
    role_index: int | None = None

    @classmethod
    def of(
        cls, policy: Policy, words: tuple[str, ...], role_index: int | None = None, roles: Sequence[str] = ()
    ) -> Self:
        """What ``policy`` decides; once for each of several ``roles``. What its matcher fails over is denied.

        Raises :class:`rbac.RequestError` for several roles under a priority effect.
        """
        try:
            if len(roles) < 2 or role_index is None:
                return made(cls, (policy.decide_request(words), words, policy, None))
            return cls(policy.decide_roles(words, role_index, roles), words, policy, role_index)
        except EvaluationError as error:
            return cls.denied(policy, words, role_index, error)

    @classmethod
    def of_caller(
        cls, policy: Policy, words: tuple[str, ...], role_index: int | None, roles: Sequence[str]
    ) -> Self:
        """What ``policy`` decides about whoever is calling. Several roles that it cannot take are denied: the start is
        refused where they can be foreseen, and no token is answered with an error of the server's."""
        try:
            return cls.of(policy, words, role_index, roles)
        except RequestError as error:
            return cls.denied(policy, words, role_index, error)

    @classmethod
    def denied(cls, policy: Policy, words: tuple[str, ...], role_index: int | None, error: Exception) -> Self:
        """The denial of what could not be decided."""
        log.warning("denied what could not be decided: %s", error)
        decision = Decision(allowed=False, rule=None, reason="denied_by_default", revision=policy.revision)
        return cls(decision, words, policy, role_index)


class Subject(Protocol):
    """Whom a question is about: a :class:`app.auth.principal.Principal`, or :class:`Asked`."""

    @property
    def sub(self) -> str: ...

    @property
    def roles(self) -> tuple[str, ...]: ...

    @property
    def email(self) -> str | None: ...


class Asked(NamedTuple):
    """Somebody whom another program asks about, and who is not calling."""

    sub: str
    roles: tuple[str, ...] = ()
    email: str | None = None
