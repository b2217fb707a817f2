"""A decision about one question, with all that it takes to ask the question again."""

from typing import NamedTuple, Protocol

from rbac import Decision, Policy


class Ruling(NamedTuple):
    """A decision, the words it was asked in (in the model's order), and the document that took it.

    ``role_index`` is the place of the word that several roles filled one after the other, ``None`` when the words were
    asked just as they are.
    """

    decision: Decision
    words: tuple[str, ...]
    policy: Policy
    role_index: int | None = None


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
