"""A policy broken one line at a time, in the ways that people break policies."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from rbac.document.document import Document
from rbac.document.rows import Refusal, split_line
from rbac.model.conditions import Condition, NoFormulaError, conditions_of
from rbac.model.functions import FALLIBLE, FUNCTIONS, PATH_FUNCTIONS
from rbac.model.patterns import invalid_pattern
from rbac.model.request_shape import with_word
from rbac.policy import Policy

EVERYBODY: Final = "everyone"
ANYTHING: Final = "*"
# How a pattern function writes "any one segment".
_SEGMENT: Final = {name: row.placeholder("x") for name, row in PATH_FUNCTIONS.items() if row.dialect}
_PATTERNS: Final = frozenset(name for name, row in FUNCTIONS.items() if row.kind in {"path", "regex"})
_PARAMETER: Final = re.compile(r"\{[^/{}]+\}|(?<=/):[^/]+")


@dataclass(frozen=True, slots=True)
class Mutation:
    """One line changed: ``row`` is what row ``index`` of its type becomes, ``None`` if it is removed."""

    ptype: str
    index: int
    line: int
    row: tuple[str, ...] | None
    what: str


def mutations_of(policy: Policy) -> tuple[Mutation, ...]:
    """Every rule removed, its effect flipped, its role exchanged, its method and path widened and narrowed,
    and granted to everyone; every role link removed and reversed. In the order of the lines."""
    return tuple(sorted(_Mutator(policy).all(), key=lambda mutation: mutation.line))


def apply(document: Document, mutation: Mutation) -> Document:
    """The document with the mutation in it, read as strictly as any: raises PolicyError, say for a cycle of
    roles."""
    last = mutation.row is None and len(document.rows["p"]) == 1
    if mutation.ptype == "p" and not last:
        return _with_rule(document, mutation)
    lines = document.policy_bytes.decode("utf-8-sig").split("\n")
    lines[mutation.line - 1] = ", ".join((mutation.ptype, *mutation.row)) if mutation.row is not None else ""
    return Document.parse(
        document.model_bytes,
        "\n".join(lines).encode(),
        model_name=document.model_name,
        functions=document.functions,
    )


def _with_rule(document: Document, mutation: Mutation) -> Document:
    """A rule is changed by putting another in its place: nothing that reading refuses can come of it, while a rule is
    left."""
    rows, lines = list(document.rows["p"]), document.lines["p"][:]
    if mutation.row is None:
        del rows[mutation.index], lines[mutation.index]
    else:
        rows[mutation.index] = list(mutation.row)
    return replace(document, rows={**document.rows, "p": rows}, lines={**document.lines, "p": lines})


class _Mutator:
    def __init__(self, policy: Policy) -> None:
        self._document = policy.document
        definition = self._document.definition
        self._columns = definition.policy_words
        self._role_column = policy.relations.role_column
        self._constants = policy.relations.constants
        conditions: Sequence[Condition] = ()
        try:
            conditions = tuple(conditions_of(definition.formula))
        except NoFormulaError:
            conditions = ()
        self._patterns = dict(_pattern_columns(conditions))
        self._starred = frozenset(_starred_columns(conditions))

    def all(self) -> Iterator[Mutation]:
        for ptype, make in (("p", self._of_rule), ("g", self._of_link)):
            rows, lines = self._document.rows.get(ptype, ()), self._document.lines.get(ptype, ())
            for index, (row, line) in enumerate(zip(rows, lines, strict=True)):
                seen: set[tuple[str, ...] | None] = {tuple(row)}
                for changed, what in make(row):
                    if changed not in seen and (ptype == "g" or self._is_valid(changed)):
                        seen.add(changed)
                        yield Mutation(ptype, index, line, changed, what)

    def _is_valid(self, row: Sequence[str] | None) -> bool:
        """Whether the rule could be loaded: `*` is a path to some matchers, and to others no pattern at all; half of
        `/x(a/b)` is no column."""
        if row is None:
            return True
        return _reads_back(row) and not any(
            function in FALLIBLE and invalid_pattern(function, row[self._columns.index(column)])
            for column, function in self._patterns.items()
        )

    def _of_rule(self, row: Sequence[str]) -> Iterator[tuple[tuple[str, ...] | None, str]]:
        yield None, "rule removed"
        if "eft" in self._columns:
            flipped = "deny" if row[self._columns.index("eft")] == "allow" else "allow"
            yield with_word(row, self._columns.index("eft"), flipped), f"effect flipped to {flipped}"
        if self._role_column is not None:
            yield from self._roles(row, self._role_column)
        for column in self._starred:
            yield from self._stars(row, self._columns.index(column))
        for column, function in self._patterns.items():
            yield from _reshaped(row, self._columns.index(column), function)

    def _of_link(self, row: Sequence[str]) -> Iterator[tuple[tuple[str, ...] | None, str]]:
        yield None, "role link removed"
        yield (row[1], row[0], *row[2:]), "role link reversed"

    def _roles(self, row: Sequence[str], column: int) -> Iterator[tuple[tuple[str, ...] | None, str]]:
        if EVERYBODY in self._constants:
            yield with_word(row, column, EVERYBODY), "granted to everyone"
        role = row[column]
        related = list(self._constants)
        for user, granted, *_ in self._document.rows.get("g", ()):
            related += [granted] if user == role else [user] if granted == role else []
        for other in related:
            yield with_word(row, column, other), f"role {role} replaced by {other}"

    def _stars(self, row: Sequence[str], column: int) -> Iterator[tuple[tuple[str, ...] | None, str]]:
        name = self._columns[column]
        shown = "method" if name in {"act", "method", "verb"} else name
        if row[column] != ANYTHING:
            yield with_word(row, column, ANYTHING), f"{shown} widened from {row[column]} to {ANYTHING}"
            return
        named = sorted({other[column] for other in self._document.rows["p"]} - {ANYTHING})
        for value in named[:1] or (["GET"] if shown == "method" else []):
            yield with_word(row, column, value), f"{shown} narrowed to {value}"


def _reads_back(row: Sequence[str]) -> bool:
    """Whether a line of the file can hold the rule."""
    try:
        pieces = split_line(", ".join(("p", *row)))
    except Refusal:
        return False
    return [piece.strip() for piece in pieces] == ["p", *row]


def _reshaped(row: Sequence[str], column: int, function: str) -> Iterator[tuple[tuple[str, ...] | None, str]]:
    pattern = row[column]
    for verb, shapes in (("widened", _wider(pattern, function)), ("narrowed", _narrower(pattern, function))):
        for shape in shapes:
            yield with_word(row, column, shape), f"path {verb} from {pattern} to {shape}"


def _wider(pattern: str, function: str) -> Iterator[str]:
    """Patterns that match all this one does, and more."""
    if FUNCTIONS[function].kind == "regex":
        yield ".*"
        return
    body = pattern.removesuffix("/*") if pattern != "/*" else ""
    parent, slash, last = body.rpartition("/")
    if slash:
        yield f"{parent}/*"
    if function in _SEGMENT and last and body == pattern and not _PARAMETER.fullmatch(f"/{last}", 1):
        yield f"{parent}/{_SEGMENT[function]}"


def _narrower(pattern: str, function: str) -> Iterator[str]:
    """Patterns that match some of what this one does, and not all."""
    if FUNCTIONS[function].kind == "regex":
        branches = pattern.split("|")
        if len(branches) > 1 and all(branch.count("(") == branch.count(")") for branch in branches):
            yield "|".join(branches[:-1])
        return
    if "*" in pattern:
        yield pattern.replace("*", _SEGMENT.get(function, "x"))
    parameters = list(_PARAMETER.finditer(pattern)) if function in _SEGMENT else []
    if parameters:
        start, end = parameters[-1].span()
        yield f"{pattern[:start]}x{pattern[end:]}"


def _pattern_columns(conditions: Sequence[Condition]) -> Mapping[str, str]:
    """The columns that hold patterns, each with its function."""
    return {
        condition.operands[1].name: condition.function
        for condition in conditions
        if condition.function in _PATTERNS and condition.operands[1].kind == "rule"
    }


def _starred_columns(conditions: Sequence[Condition]) -> Iterator[str]:
    """The columns in which the matcher reads ``*`` as anything."""
    for condition in conditions:
        if condition.function == "==" and any(operand.name == ANYTHING for operand in condition.operands):
            yield from (operand.name for operand in condition.operands if operand.kind == "rule")
