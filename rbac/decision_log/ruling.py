"""A decision about one question, with all that it takes to ask the question again."""

import logging
from collections.abc import Sequence
from typing import NamedTuple, Protocol, Self

from rbac import Decision, EvaluationError, Policy, RequestError

log = logging.getLogger("rbac.decision_log")


class Ruling(NamedTuple):
    """A decision, the words it was asked in (in the model's order), and the document that took it.

    ``role_index`` is the place of the word that several roles filled one after the other, ``None`` when the words were
    asked just as they are. ``halves`` are the two decisions that this one is made of, where somebody calls through a
    program; words are the person's then.
    """

    decision: Decision
    words: tuple[str, ...]
    policy: Policy
    role_index: int | None = None
    halves: "Halves | None" = None

    @classmethod
    def of(
        cls, policy: Policy, words: tuple[str, ...], role_index: int | None = None, roles: Sequence[str] = ()
    ) -> Self:
        """What ``policy`` decides; once for each of several ``roles``. What its matcher fails over is denied.

        Raises :class:`rbac.RequestError` for several roles under a priority effect.
        """
        try:
            if len(roles) < 2 or role_index is None:  # as `cls` does it: a call less in every question
                return tuple.__new__(cls, (policy.decide_request(words), words, policy, None, None))
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
            if len(roles) < 2 or role_index is None:  # as `of` does it: a call less in every request
                return cls(policy.decide_request(words), words, policy)
            return cls.of(policy, words, role_index, roles)
        except (RequestError, EvaluationError) as error:
            return cls.denied(policy, words, role_index, error)

    def bounded_by(self, client: "Ruling", program: "Subject") -> "Ruling":
        """This ruling about a person who calls through ``program``, about whom ``client`` is: only both allow.

        INVARIANT: nothing is allowed that either of the two alone is not, so an agent is never more than its human.
        """
        decisive = client.decision if self.decision.allowed and not client.decision.allowed else self.decision
        return self._replace(decision=decisive, halves=Halves(self.decision, client, program))

    @classmethod
    def denied(cls, policy: Policy, words: tuple[str, ...], role_index: int | None, error: Exception) -> Self:
        """The denial of what could not be decided."""
        log.warning("denied what could not be decided: %s", error)
        return cls(policy.denied, words, policy, role_index)


class Subject(Protocol):
    """Whom a question is about: a :class:`rbac.guard.identity.principal.Principal`, or :class:`Asked`."""

    @property
    def sub(self) -> str: ...

    @property
    def roles(self) -> tuple[str, ...]: ...

    @property
    def email(self) -> str | None: ...


class Halves(NamedTuple):
    """What was decided about a person, and about the ``program`` that they call through."""

    person: Decision
    client: Ruling
    program: Subject


class Asked(NamedTuple):
    """Somebody whom another program asks about, and who is not calling."""

    sub: str
    roles: tuple[str, ...] = ()
    email: str | None = None
