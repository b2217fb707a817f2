"""Warnings about a matcher that asks for a person and for a role, and compares rules with one of the two alone."""

import ast
import re
from collections.abc import Iterator

from rbac.errors import Problem
from rbac.linting.reading.subject import Reading
from rbac.text.wording import also_on


def check_callers(reading: Reading) -> Iterator[Problem]:
    """Rules and links that are for a caller whom the matcher never compares with them."""
    definition = reading.document.definition
    shape, column = definition.shape, reading.relations.role_column
    if column is None or shape.sub is None or shape.role is None or shape.sub == shape.role:
        return
    name = f"p.{definition.policy_words[column]}"
    sub, role = shape.words.index(shape.sub), shape.words.index(shape.role)
    compared = {pair.word for pair in reading.relations.pairs if pair.column == column}
    followed = {pair.word for pair in reading.relations.pairs if pair.how == "role"}
    if not compared & {sub, role} or not _is_plain(reading, column):
        return
    looks = re.compile(reading.subjects, re.DOTALL).fullmatch
    if role not in compared:
        message = f"no rule is met by a role: the matcher never compares `r.{shape.role}` with `{name}`"
        hint = f"ask for it, as in `g(r.{shape.role}, {name})`"
        yield reading.in_model("m", "", "unasked-definition", message, hint)
    elif role not in followed and followed:
        linked = [row[0] for row in reading.document.rows.get("g", ()) if not looks(row[0])]
        if linked:
            asked = f"`r.{shape.role}` is compared with `{name}` as it stands"
            message = f"{asked}: a role such as `{linked[0]}` has nothing by its links"
            hint = f"follow the links, as in `g(r.{shape.role}, {name})`"
            yield reading.in_model("m", f"r.{shape.role}", "unasked-definition", message, hint)
    if sub not in compared:
        lines = [line for line, row in reading.rules() if looks(row[column])]
        if lines:
            message = (
                f"a person stands here, and the matcher never compares `r.{shape.sub}` with `{name}`: "
                f"the rule is met by nobody{also_on(lines)}"
            )
            hint = f"let the matcher ask for the person, too, as in `g(r.{shape.sub}, {name})`"
            yield reading.in_rule(lines[0], column, "unasked-definition", message, hint)


def _is_plain(reading: Reading, column: int) -> bool:
    """Whether nothing but comparisons that are understood reads a column: no function of one's own, no condition."""
    word = f"p_{reading.document.definition.policy_words[column]}"
    used = sum(isinstance(node, ast.Name) and node.id == word for node in ast.walk(reading.tree))
    pairs = sum(pair.column == column for pair in reading.relations.pairs)
    return used <= pairs + len(reading.relations.constants)
