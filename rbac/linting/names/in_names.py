"""Warnings about names: empty and invisible ones, look-alikes, people used as roles, roles that come from nowhere."""

import re
from collections.abc import Iterator

from rbac.background import paced, take_apart
from rbac.errors import Problem
from rbac.linting.reading.subject import Reading
from rbac.text.hidden import hidden_in_words
from rbac.text.nearest import Nearest, foreign_letters, skeleton


def check_names(reading: Reading) -> Iterator[Problem]:
    yield from _invisible(reading)
    yield from _empty(reading)
    yield from _look_alikes(reading)
    yield from _people_as_roles(reading)
    yield from _roles_not_granted(reading)


def _invisible(reading: Reading) -> Iterator[Problem]:
    yield from hidden_in_words(reading.policy_text, reading.document.policy_name)
    yield from hidden_in_words(reading.model_text, reading.document.model_name)


def _empty(reading: Reading) -> Iterator[Problem]:
    for line, column, name, _ in reading.names():
        if not name:
            message = "the name is empty, and so is the role of a caller without a token"
            yield reading.in_rule(
                line, column, "empty-name", message, "name a role, or write `everyone` if you mean it"
            )


def _look_alikes(reading: Reading) -> Iterator[Problem]:
    first: dict[str, tuple[int, int]] = {}
    for line, column, name, _ in reading.names():
        if name not in first or line < first[name][0]:
            first[name] = (line, column)
    alike: dict[str, list[str]] = {}
    for name in paced(first):
        alike.setdefault(skeleton(name), []).append(name)
    for names in paced(alike.values()):
        original, *others = sorted(names, key=lambda name: first[name])
        for name in others:
            line, column = first[name]
            where = f"`{original}` on line {first[original][0]}"
            message = f"`{name}`{foreign_letters(name)} looks like {where}, and is another name"
            hint = f"write `{original}` if you mean the same, else choose a name that cannot be mistaken"
            yield reading.in_rule(line, column, "look-alike-name", message, hint)
    take_apart(alike)
    take_apart(first)


def _people_as_roles(reading: Reading) -> Iterator[Problem]:
    looks = re.compile(reading.subjects, re.DOTALL).fullmatch
    column = reading.relations.role_column
    named = frozenset() if column is None else reading.words[column]
    rules = Nearest(named)
    told = set()
    for who, roles in paced(reading.links.items()):
        for role, line in roles.items():
            if role not in told and looks(role):
                told.add(role)
                if role not in named and rules.but_for_signs(role):
                    continue  # it is told as a role without rules, with the one that is meant
                message = f"`{role}` looks like a person, and stands where a role is given"
                hint = "write `g, who, role`, and give people a role of their own to share"
                if who in named and role not in named and not looks(who):
                    hint = f"the two are the wrong way round: write `g, {role}, {who}`"
                yield reading.in_rule(line, 1, "subject-as-role", message, hint)


def _roles_not_granted(reading: Reading) -> Iterator[Problem]:
    """Where roles come from links alone (no word of the request but the caller's own name is looked up), and the
    document's people look like people, a role that no link gives is out of reach."""
    column = reading.relations.role_column
    sources = {relation.word for relation in reading.relations.pairs if relation.how == "role"}
    words = reading.document.definition.request_words
    looks = re.compile(reading.subjects, re.DOTALL).fullmatch
    if column is None or {words[word] for word in sources} != {"sub"} or not reading.links:
        return
    granted = {role for roles in reading.links.values() for role in roles}
    if not all(looks(name) for name in reading.links if name not in granted):
        return
    told = {*granted, *reading.relations.constants}
    for line, row in reading.rules():
        role = row[column]
        if role not in told and not looks(role):
            told.add(role)
            message = f"nothing gives anyone the role `{role}`"
            yield reading.in_rule(
                line, column, "role-not-granted", message, f"add a link such as `g, who, {role}`"
            )
