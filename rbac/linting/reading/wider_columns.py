"""What it takes for one rule to meet every request that another meets, column by column.

A matcher is taken as a conjunction. A column that one conjunct alone compares, with a known comparison, may be
wider in the wider rule; any other column must be equal. So "covers" is certain, "does not cover" is not.
"""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from rbac.linting.reading.subject import Reading, ancestors
from rbac.matching.languages import Budget
from rbac.model.comparisons import required_texts
from rbac.model.functions import MATCHING

Alternatives = Callable[[str], tuple[str, ...]]


@dataclass(slots=True)
class Column:
    """How the matcher uses one column: ``free`` not at all, ``exact`` in a way that is not understood."""

    kind: Literal["free", "exact", "words", "pattern"] = "free"
    always: list[str] = field(default_factory=list)
    often: list[str] = field(default_factory=list)
    by_role: bool = False
    function: str = ""


def read_columns(reading: Reading) -> list[Column]:
    """One :class:`Column` for each word of a ``p`` rule."""
    words = reading.document.definition.policy_words
    columns = [Column() for _ in words]
    for conjunct in _flat(reading.tree, ast.And):
        named = [index for index, word in enumerate(words) if f"p_{word}" in _names(conjunct)]
        for index in named:
            alone = len(named) == 1 and columns[index].kind == "free"
            columns[index] = _column(conjunct, f"p_{words[index]}") if alone else Column("exact")
    return columns


def alternatives(
    column: Column, reading: Reading, known: dict[str, tuple[str, ...]], budget: Budget
) -> Alternatives:
    """The function from a word in this column to every word that would meet at least the same requests; without those
    that take a link once the ``budget`` is spent."""
    linked = column.by_role and reading.document.definition.roles.get("g") == 2
    constants = {*column.always, *column.often}
    function = MATCHING.get(column.function)

    def of(word: str) -> tuple[str, ...]:
        wider = [word, *column.always]
        if function is not None:
            wider += [*function.everything, *(function.every_path if word.startswith("/") else ())]
        if word not in constants:
            wider += column.often
            if linked:
                wider += ancestors(reading.links, word, known, budget)
        return tuple(dict.fromkeys(wider))

    return of


def _flat(node: ast.expr, kind: type[ast.boolop]) -> Iterator[ast.expr]:
    if isinstance(node, ast.BoolOp) and isinstance(node.op, kind):
        for value in node.values:
            yield from _flat(value, kind)
    else:
        yield node


def _names(node: ast.AST) -> set[str]:
    return {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}


def _column(conjunct: ast.expr, name: str) -> Column:
    column = Column("words")
    comparisons = 0
    for part in _flat(conjunct, ast.Or):
        if texts := required_texts(part, name):
            column.always += texts
            continue
        constant = _constant_of_somebody(part, name)
        if constant is not None:
            column.often.append(constant)
            continue
        comparisons += 1
        function = _called(part, name)
        if function == "g":
            column.by_role = comparisons == 1 or column.by_role
        elif function in MATCHING and comparisons == 1:
            column.kind, column.function = "pattern", function
        elif _equals_request(part, name):
            column.by_role = False
        else:
            return Column("exact")
    if column.kind == "pattern" and comparisons > 1:
        return Column("exact")
    return column


def _equality(node: ast.expr) -> tuple[ast.expr, ast.expr] | None:
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq):
        return node.left, node.comparators[0]
    return None


def _constant_of_somebody(node: ast.expr, name: str) -> str | None:
    """The text in ``p.column == "text" && r.sub != ""``: true of every caller who is somebody."""
    parts = list(_flat(node, ast.And))
    texts = [text for part in parts for text in required_texts(part, name)]
    others = [part for part in parts if not required_texts(part, name)]
    return texts[0] if len(texts) == 1 and others and all(map(_is_somebody, others)) else None


def _is_somebody(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Compare)
        and len(node.ops) == 1
        and isinstance(node.ops[0], ast.NotEq)
        and isinstance(node.left, ast.Name)
        and isinstance(node.comparators[0], ast.Constant)
        and node.comparators[0].value == ""
    )


def _called(node: ast.expr, name: str) -> str:
    """The function in ``function(r.word, p.column)``."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) == 2:
        first, second = node.args
        if isinstance(first, ast.Name) and isinstance(second, ast.Name) and second.id == name:
            return node.func.id
    return ""


def _equals_request(node: ast.expr, name: str) -> bool:
    sides = _equality(node) or ()
    return len(sides) == 2 and {type(side) for side in sides} == {ast.Name} and name in _names(node)
