"""Warnings about a matcher that is true of what a rule does not name: `!g(r.sub, p.sub)`, `r.act != p.act`."""

import ast
from collections.abc import Iterator
from typing import NamedTuple

from casbin.constant.constants import DENY_OVERRIDE_EFFECT

from rbac.errors import Problem
from rbac.linting.model.ways import Atom, Way
from rbac.linting.reading.subject import Reading
from rbac.model.functions import MATCHING


class _Comparison(NamedTuple):
    """A word of the request beside a column of the rules, by a function or by ``""`` (the same text)."""

    function: str
    word: str
    column: str
    negated: bool


def check_negations(reading: Reading, ways: tuple[Way, ...]) -> Iterator[Problem]:
    """Each comparison that is true where a rule's word is not met; none where another column says what is met, as in
    `keyMatch(r.obj, p.obj) && !keyMatch(r.obj, p.except)`, and where rules only deny."""
    definition = reading.document.definition
    if definition.effect == DENY_OVERRIDE_EFFECT:
        return
    told: set[_Comparison] = set()
    for way in ways:
        found = [one for one in map(_comparison, way) if one is not None]
        met = {(one.word, one.column) for one in found if not one.negated}
        for one in found:
            column = reading.column(one.column)
            elsewhere = any(word == one.word and other != one.column for word, other in met)
            if not one.negated or elsewhere or one in told or column is None:
                continue
            told.add(one)
            yield reading.in_model(
                "m", f"!{one.function}" if one.function else "!=", *_told(one, reading, column)
            )
    yield from _ruled_out(reading, ways)


def _ruled_out(reading: Reading, ways: tuple[Way, ...]) -> Iterator[Problem]:
    """A column of which one way says only what it is not, while others compare it."""
    told: set[str] = set()
    for way in ways:
        for name, text in filter(None, (atom.rules_out for atom in way)):
            alone = not any(name in atom.names for atom in way if not atom.rules_out)
            compared = any(name in atom.names for other in ways for atom in other if not atom.rules_out)
            column = reading.column(name.removeprefix("p_")) if name.startswith("p_") else None
            if name in told or not alone or not compared or column is None:
                continue
            told.add(name)
            mine = name.replace("_", ".", 1)
            message = f'where the matcher asks `{mine} != "{text}"`, every rule but those with `{text}` is for whoever asks'
            if column != reading.relations.role_column:
                message = f'where the matcher asks `{mine} != "{text}"`, it compares `{mine}` with nothing'
            hint = f'write `{mine} == "{text}"`'
            yield reading.in_model("m", "!=", "negated-comparison", message, hint)


def _comparison(atom: Atom) -> _Comparison | None:
    node, function, negated = atom.node, "", atom.negated
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        sides, function = node.args[:2], node.func.id
    elif (
        isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], (ast.Eq, ast.NotEq))
    ):
        sides = [node.left, *node.comparators]
        negated = negated is not isinstance(node.ops[0], ast.NotEq)
    else:
        return None
    names = sorted((side.id for side in sides if isinstance(side, ast.Name)), reverse=True)
    if [name[:2] for name in names] != ["r_", "p_"]:
        return None
    word, column = (name[2:] for name in names)
    return _Comparison(function, word, column, negated)


def _told(one: _Comparison, reading: Reading, column: int) -> tuple[str, str, str]:
    word, mine = f"r.{one.word}", f"p.{one.column}"
    plain = f"{one.function}({word}, {mine})" if one.function else f"{word} == {mine}"
    text = f"!{plain}" if one.function else f"{word} != {mine}"
    name = next((row[column] for _, row in reading.rules()), "")
    if one.function in reading.document.definition.roles:
        whom, rest = "whoever is not in the rule's role", "for everybody else"
        example = f"a rule for `{name}`"
    elif one.function in MATCHING:
        whom, rest = "all that the rule's pattern does not meet", "about everything else"
        example = f"a rule about `{name}`"
    else:
        whom, rest = "every word but the rule's", "about every other"
        example = f"a rule about `{name}`"
    means = f": {example} is one {rest}" if name else ""
    hint = f"write `{plain}`"
    if "eft" in reading.document.definition.policy_words:
        hint += ", and a rule with `deny` for what is left out"
    return "negated-comparison", f"`{text}` is true of {whom}{means}", hint
