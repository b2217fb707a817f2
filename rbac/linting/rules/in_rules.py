"""Warnings about rules beside others: repeated, contradictory, without effect, or pointless beside a wider one."""

from collections.abc import Iterator

from casbin.constant.constants import PRIORITY_EFFECT, SUBJECT_PRIORITY_EFFECT

from rbac.background import paced, take_apart
from rbac.errors import Problem
from rbac.linting.reading.subject import Reading
from rbac.linting.rules.pointless import IGNORED, Covering

_FIRST_DECIDES = frozenset((PRIORITY_EFFECT, SUBJECT_PRIORITY_EFFECT))


def check_rules(reading: Reading) -> Iterator[Problem]:
    yield from _duplicates(reading)
    yield from _ignored(reading)
    yield from _contradictions(reading)
    if reading.document.definition.effect != SUBJECT_PRIORITY_EFFECT:
        yield from Covering(reading).problems()


def _duplicates(reading: Reading) -> Iterator[Problem]:
    for ptype, rows in reading.document.rows.items():
        lines = reading.document.lines[ptype]
        first: dict[tuple[str, ...], int] = {}
        for line, row in paced(zip(lines, rows, strict=True)):
            before = first.setdefault(tuple(row), line)
            if before != line:
                message = f"this line repeats line {before}"
                yield reading.in_rule(line, -1, "duplicate-rule", message, "delete one of the two")
        take_apart(first)


def _ignored(reading: Reading) -> Iterator[Problem]:
    ignored = IGNORED.get(reading.document.definition.effect)
    column = reading.column("eft")
    if ignored is None or column is None:
        return
    for line, row in reading.rules():
        if row[column] == ignored:
            message = f"the effect of the model never looks at `{ignored}`, so this rule does nothing"
            hint = "delete the rule, or use the effect `some(where (p.eft == allow)) && !some(where (p.eft == deny))`"
            yield reading.in_rule(line, column, f"ignored-{ignored}", message, hint)


def _contradictions(reading: Reading) -> Iterator[Problem]:
    """Two rules of one kind with two effects, where the first decides; where a deny wins, that is what it is for."""
    column = reading.column("eft")
    if column is None or reading.document.definition.effect not in _FIRST_DECIDES:
        return
    first: dict[tuple[str, ...], tuple[int, str]] = {}
    for line, row in reading.rules():
        key = (*row[:column], *row[column + 1 :])
        before, effect = first.setdefault(key, (line, row[column]))
        if effect != row[column]:
            message = f"this rule says `{row[column]}` where line {before} says `{effect}` of the same"
            yield reading.in_rule(line, column, "contradictory-rules", message, "keep the one that is meant")
    take_apart(first)
