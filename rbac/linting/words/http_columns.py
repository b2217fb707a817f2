"""Which columns of a rule hold the paths and the methods of HTTP requests, if that is what the model asks about."""

from dataclasses import dataclass, field
from functools import cached_property

from rbac.background import paced
from rbac.linting.reading.subject import Reading
from rbac.model.functions import FUNCTIONS, PATH_FUNCTIONS, CasbinFunction
from rbac.model.http_words import are_paths
from rbac.model.request_shape import HTTP_METHODS, RequestShape

_MOST = 0.5  # of the values: a column of paths may hold some that are mistyped
_FEW = 3


@dataclass(frozen=True)
class HttpColumn:
    """A column that the matcher compares with one word of a request: by these functions, or as it stands (``equal``).

    ``texts`` are what the matcher itself compares the column with (`p.act == "*"`).
    """

    column: int
    functions: tuple[CasbinFunction, ...]
    equal: bool
    texts: frozenset[str]
    values: frozenset[str] = field(repr=False)

    def meets(self, value: str, word: str) -> bool:
        """Whether a rule with ``word`` here meets a request with ``value``."""
        return (self.equal and value == word) or any(
            _true(function, value, word) for function in self.functions
        )


def _true(function: CasbinFunction, value: str, word: str) -> bool:
    try:
        return bool(function.call(value, word))
    except Exception:  # noqa: BLE001 - Casbin's functions raise what they like over a pattern; it meets nothing
        return False


@dataclass(frozen=True)
class HttpColumns:
    """The columns of paths and of methods; ``None`` where the model or the rules are about something else."""

    reading: Reading

    @cached_property
    def role(self) -> int | None:
        return self.reading.relations.role_column

    @cached_property
    def path(self) -> HttpColumn | None:
        found = self._column(self._axes.obj)
        if found is None:
            return None
        words = found.values - found.texts - {"", "*"}
        if are_paths(words):
            return found
        if self._names_the_caller_apart and any(row.name in PATH_FUNCTIONS for row in found.functions):
            return found if len(words) < _FEW or any(word.startswith("/") for word in words) else None
        return None

    @cached_property
    def method(self) -> HttpColumn | None:
        found = self._column(self._axes.act)
        if found is None or self.path is None:
            return None
        words = found.values - found.texts - {"", "*"}
        known = sum(any(found.meets(method, word) for method in HTTP_METHODS) for word in words)
        if self._names_the_caller_apart and found.equal and not found.functions:
            return found if known or len(words) < _FEW else None
        return found if words and known > _MOST * len(words) else None

    @cached_property
    def _axes(self) -> RequestShape:
        return self.reading.document.definition.shape

    @property
    def _names_the_caller_apart(self) -> bool:
        """Whether a request has a word for the person and one for their role, as a request of this service does."""
        return self._axes.sub is not None and self._axes.sub != self._axes.role

    def _column(self, word: str | None) -> HttpColumn | None:
        """The one column that the matcher compares with this word of the request, and with no role link."""
        if word is None:
            return None
        relations = self.reading.relations.of_word(self._axes.words.index(word))
        columns = {relation.column for relation in relations if relation.how != "role"}
        if len(columns) != 1 or any(relation.how == "role" for relation in relations):
            return None
        column = columns.pop()
        name = f"p_{self.reading.document.definition.policy_words[column]}"
        return HttpColumn(
            column,
            tuple(FUNCTIONS[function] for function in self.reading.functions.get(column, ())),
            any(relation.how == "equal" for relation in relations),
            frozenset(self.reading.relations.texts.get(name, ())),
            frozenset(row[column] for row in paced(self.reading.document.rows["p"])),
        )
