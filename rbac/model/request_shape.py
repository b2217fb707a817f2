"""Which words of a request say who asks, and which say what for."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rbac.errors import RequestError
from rbac.text.wording import quoted

HTTP_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")

_ACTIONS: Final = ("act", "action", "verb", "method", "permission", "operation")
OBJECTS: Final = ("obj", "object", "path", "resource", "res", "url", "uri", "thing")
_ROLES: Final = ("role", "sub", "subject", "user", "principal")
_SUBJECTS: Final = ("sub", "subject", "user", "principal")


@dataclass(frozen=True, slots=True)
class RequestShape:
    """The words of a model's request by what they are for; ``None`` for what the model does not ask about.

    ``role`` is the word that a role stands in, ``sub`` the one a person stands in: the same word where the
    model has only one (``r = sub, obj, act``).
    """

    words: tuple[str, ...]
    role: str | None
    sub: str | None
    obj: str | None
    act: str | None

    @classmethod
    def of(cls, words: tuple[str, ...]) -> "RequestShape":
        """By name (``role``, ``sub``, ``obj``, ``act`` and what others call them), else by place: who,
        what, how."""
        role = _first(_ROLES, words) or (words[0] if words[0] not in {*_ACTIONS, *OBJECTS} else None)
        rest = [word for word in words if word != role and word not in _SUBJECTS]
        act = _first(_ACTIONS, rest) or (rest[-1] if rest and rest[-1] not in OBJECTS else None)
        left = [word for word in rest if word != act]
        obj = _first(OBJECTS, left) or (left[-1] if left else None)
        return cls(words, role, _first(_SUBJECTS, words), obj, act)

    @property
    def person(self) -> str | None:
        """The word that a person is asked about in."""
        return self.sub or self.role

    @property
    def caller(self) -> tuple[str, ...]:
        """The words that say who asks."""
        return tuple(word for word in self.words if word in {self.role, self.sub})


def _first(wanted: tuple[str, ...], words: "tuple[str, ...] | list[str]") -> str | None:
    return next((name for name in wanted if name in words), None)


def check_words(asked: Iterable[str], words: Collection[str]) -> None:
    """Raises RequestError for what is no word of a request of these ``words``."""
    if unknown := [word for word in asked if word not in words]:
        raise RequestError(f"the model's request has no word {quoted(unknown)}; it has {quoted(words)}")


def with_word(words: Sequence[Any], place: int, value: Any) -> tuple[Any, ...]:
    """``words`` with ``value`` at ``place``."""
    return (*words[:place], value, *words[place + 1 :])
