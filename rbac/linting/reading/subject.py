"""What the checks share: a document, its matcher as a tree, and what each column of a rule is there for."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from rbac.background import paced
from rbac.document.document import Document
from rbac.document.names import PRESETS, SUBJECT, Subjects
from rbac.document.role_links import Graph, walk
from rbac.document.rows import FieldPlaces
from rbac.errors import Problem
from rbac.matching.languages import Budget
from rbac.model.comparisons import Relations
from rbac.model.entries import ModelEntry, ModelFile
from rbac.model.functions import MATCHING
from rbac.model.patterns import pattern_columns
from rbac.text.source import decode

_PATHS = ("obj", "path", "url")
_METHODS = ("act", "method", "verb")


@dataclass(frozen=True)
class Reading:
    """A document on its way through the checks."""

    document: Document
    people: Subjects = PRESETS[SUBJECT]
    places: FieldPlaces = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "places", FieldPlaces(self.policy_text))

    @property
    def subjects(self) -> str:
        """The pattern of a person's name."""
        return self.people.person

    @cached_property
    def policy_text(self) -> str:
        return decode(self.document.policy_bytes, self.document.policy_name).text or ""

    @cached_property
    def model_text(self) -> str:
        return decode(self.document.model_bytes, self.document.model_name).text or ""

    @cached_property
    def entries(self) -> dict[str, ModelEntry]:
        """The entries of the model file by key."""
        return {entry.key: entry for entry in ModelFile(self.model_text, self.document.model_name).entries}

    @property
    def tree(self) -> ast.expr:
        return self.document.definition.tree

    @property
    def relations(self) -> Relations:
        return self.document.definition.relations

    @cached_property
    def links(self) -> Graph:
        """The links of ``g``, whatever their domain: each name to the roles it is given, with their lines."""
        return self.document.links(domains=False).get("", {})

    def column(self, word: str) -> int | None:
        """The position of a column of ``p``, ``None`` if rules have none of that name."""
        words = self.document.definition.policy_words
        return words.index(word) if word in words else None

    @cached_property
    def functions(self) -> dict[int, tuple[str, ...]]:
        """The functions that read each column of ``p`` as a pattern."""
        named = pattern_columns(self.tree, MATCHING)
        words = self.document.definition.policy_words
        return {
            index: tuple(sorted(named[f"p_{word}"]))
            for index, word in enumerate(words)
            if f"p_{word}" in named
        }

    @cached_property
    def opaque(self) -> tuple[int, ...]:
        """The columns of ``p`` that a function of one's own reads: nobody knows what their words mean to it."""
        calls = (node for node in ast.walk(self.tree) if isinstance(node, ast.Call))
        own = [call for call in calls if ast.unparse(call.func) in self.document.functions]
        read = {node.id for call in own for node in ast.walk(call) if isinstance(node, ast.Name)}
        words = self.document.definition.policy_words
        return tuple(index for index, word in enumerate(words) if f"p_{word}" in read)

    def about_opaque(self, problem: Problem) -> bool:
        """Whether the problem is a word in one of the :attr:`opaque` columns of a rule."""
        return (
            problem.file == self.document.policy_name
            and problem.line in self._rule_lines
            and any(problem.column == self.places.column(problem.line, column) for column in self.opaque)
        )

    @cached_property
    def _rule_lines(self) -> frozenset[int]:
        return frozenset(self.document.lines["p"])

    @cached_property
    def path_column(self) -> int | None:
        return next((column for word in _PATHS if (column := self.column(word)) is not None), None)

    @cached_property
    def method_column(self) -> int | None:
        return next((column for word in _METHODS if (column := self.column(word)) is not None), None)

    @cached_property
    def words(self) -> tuple[frozenset[str], ...]:
        """The words that rules have in each column of ``p``."""
        rows = self.document.rows["p"]
        columns = range(len(self.document.definition.policy_words))
        return tuple(frozenset(row[column] for row in paced(rows)) for column in columns)

    def rules(self) -> Iterator[tuple[int, list[str]]]:
        """Every ``p`` rule with its line, in file order."""
        return iter(paced(zip(self.document.lines["p"], self.document.rows["p"], strict=True)))

    def names(self) -> Iterator[tuple[int, int, str, bool]]:
        """Every name of a role or a subject: line, column, the name, and whether in a link; in no order."""
        column = self.relations.role_column
        if column is not None:
            for line, row in self.rules():
                yield line, column, row[column], False
        links = zip(self.document.lines.get("g", ()), self.document.rows.get("g", ()), strict=True)
        for line, row in paced(links):
            yield line, 0, row[0], True
            yield line, 1, row[1], True

    def in_rule(self, line: int, column: int, code: str, message: str, hint: str) -> Problem:
        """A warning at a column (from 0, behind the type; -1 is the type) of the row on ``line``."""
        place = self.places.column(line, column)
        return Problem(self.document.policy_name, line, place, code, "warning", message, hint)

    def in_model(self, key: str, needle: str, code: str, message: str, hint: str) -> Problem:
        """A warning at the first ``needle`` in an entry of the model."""
        line, column = self.entries[key].find(needle)
        return Problem(self.document.model_name, line, column, code, "warning", message, hint)


def ancestors(links: Graph, name: str, known: dict[str, tuple[str, ...]], budget: Budget) -> tuple[str, ...]:
    """Every role that ``name`` holds through links, nearest first; ``known`` remembers answers. Each link that is
    followed takes a step of the ``budget``; once it is spent, nothing is found."""
    if name not in links or budget.left <= 0:
        return ()

    def held(user: str) -> Iterable[str]:
        budget.spend(len(links.get(user, ())))
        return links.get(user, ())

    if name not in known:
        known[name] = tuple(walk(held, [name]))[1:]
    return known[name]
