"""What locks a person out of everything: the line for the policy, found out and not guessed, and the test for it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import ClassVar, Final

from rbac.diff.diff import diff
from rbac.diff.differences import Change, Diff
from rbac.diff.shown import is_left_nothing
from rbac.document.document import Document
from rbac.document.names import Subjects
from rbac.errors import PolicyError, RbacError
from rbac.mutation.suggestion import suggest
from rbac.policy import Policy
from rbac.routes import KnownRoutes
from rbac.space.endpoint_classes import EndpointClasses
from rbac.space.space import Space
from rbac.text.wording import counted, quoted
from rbac.text.yaml_text import yaml_text

# What says "all of them" in one model or another.
_ALL: Final = ("/*", "*", ".*")
_MOST_TRIED: Final = 81
_MOST_SUGGESTED: Final = 5


class LockOutError(RbacError):
    """There is no line that locks the person out, and nobody but them: nothing is written."""

    code: ClassVar[str] = "lock_out_impossible"


@dataclass(frozen=True, slots=True)
class LockOut:
    """A person's lock-out. ``row`` is the rule's text, and ``after`` the policy with it; ``notes`` say why the look at
    what it changes may have missed something. Where the person is let in nowhere before, ``changes`` is empty."""

    person: str
    row: str
    added: bytes
    after: Policy
    changes: tuple[Change, ...]
    notes: tuple[str, ...]


def lock_out_of(before: Policy, person: str, reason: str) -> LockOut:
    """The line that takes everything from ``person`` and nothing from anybody else.

    Each that may is tried: the policy with it is compared with the one ``before``, for every request there is. Raises
    :class:`LockOutError` where none does.
    """
    others: list[str] = []
    left = False
    # Some issuers call people as others call roles: this name is a person's, whatever it looks like.
    people = f"(?:{Subjects.of(before.subjects_look_like).person})|{re.escape(person)}"
    for row in _rows(before.document, person):
        added = _lines(before.document.policy_bytes, f"p, {', '.join(row)}", reason)
        after = _with(before, added)
        if after is None:
            continue
        found = diff(before, after, subjects=people)
        met = _met_besides(found, person)
        if met:
            others = others or met
        elif is_left_nothing(after, person, subjects=people):
            changes = tuple(found.people)
            return LockOut(person, f"p, {', '.join(row)}", added, after, changes, found.notes)
        else:
            left = True
    raise LockOutError(_why_none(before.document, person, others, left=left))


def rules_about(policy: Policy, person: str) -> Iterator[str]:
    """``policy.csv:90: p, …`` for each rule that denies something to the person by name."""
    document, column = policy.document, policy.relations.role_column
    columns = document.definition.policy_words
    if column is None or "eft" not in columns:
        return
    effect = columns.index("eft")
    for rule in document.rules():
        if rule.ptype == "p" and rule.fields[column] == person and rule.fields[effect] == "deny":
            yield f"{document.policy_name}:{rule.line}: {rule.text}"


def noticing(locked: LockOut, routes: KnownRoutes, why: str) -> tuple[str, ...]:
    """Policy tests that hold with the lock-out, and would fail without it; none where it takes nothing."""
    if not locked.changes:
        return ()
    after, shape = locked.after, locked.after.document.definition.shape
    plain = set(shape.words) == {*shape.caller, shape.obj, shape.act} and shape.sub is not None
    if not plain or not EndpointClasses(after, routes).asks_for_paths:
        return _suggested(locked, routes)
    person = yaml_text(locked.person)
    lines = [f"- name: {yaml_text(f'{locked.person} is locked out')}", f"  why: {yaml_text(why)}"]
    lines.append(f"  sub: {person}")
    roles = _roles(locked)
    if roles:
        lines.append(f"  roles-each: [{', '.join(map(yaml_text, roles))}]")
    lines += ["  cannot:", "    - below: /"]
    return ("\n".join(lines) + "\n",)


def _rows(document: Document, person: str) -> Iterator[tuple[str, ...]]:
    """Every row that may be the one, likely ones first."""
    columns = document.definition.policy_words
    column = document.definition.relations.role_column
    if column is None or "eft" not in columns:
        return
    shape, words = document.definition.shape, document.definition.request_words
    paths = {
        relation.column
        for relation in document.definition.relations.pairs
        if words[relation.word] == shape.obj
    }
    choices: list[Sequence[str]] = []
    for number, name in enumerate(columns):
        if number == column:
            choices.append((person,))
        elif name == "eft":
            choices.append(("deny",))
        else:
            choices.append(_ALL if number in paths else (_ALL[1], _ALL[0], _ALL[2]))
    for tried, row in enumerate(product(*choices)):
        if tried < _MOST_TRIED:
            yield row


def _lines(content: bytes, row: str, reason: str) -> bytes:
    """The row below its reason, as they go behind what the file holds, whose lines end as they do there."""
    end = "\r\n" if b"\r\n" in content else "\n"
    before = "" if not content or content.endswith(b"\n") else end
    return f"{before}{end}# Locked out: {reason}{end}{row}{end}".encode()


def _with(policy: Policy, added: bytes) -> Policy | None:
    document = policy.document
    try:
        return Policy.parse(
            document.model_bytes,
            document.policy_bytes + added,
            model_name=document.model_name,
            policy_name=document.policy_name,
            subjects=policy.subjects_look_like,
            functions=document.functions,
        )
    except PolicyError:
        return None


def _met_besides(found: Diff, person: str) -> list[str]:
    """Who else is let in elsewhere with the line; the person, too, where it lets them in."""
    changes = (*found.cells, *found.people)
    return sorted(
        {change.caller.name for change in changes if change.granted or change.caller.name != person}
    )


def _why_none(document: Document, person: str, others: Sequence[str], *, left: bool) -> str:
    instead = "send them away with `rbac revoke`, and disable them at the issuer"
    columns = document.definition.policy_words
    if document.definition.relations.role_column is None or "eft" not in columns:
        said = f"a rule of this model ({', '.join(columns)}) cannot deny anything to one person"
    elif others:
        more = f" and {counted(len(others) - 3, 'other')}" if len(others) > 3 else ""
        said = (
            f"a line about `{person}` would mean somebody else in this model, too: {quoted(others[:3])}{more}"
        )
    elif left:
        said = f"no line at the end of the policy takes everything from `{person}`: in this model another rule wins"
    else:
        said = f"no line about `{person}` can be read in this policy"
    return f"{said}; {instead}"


def _roles(locked: LockOut) -> tuple[str, ...]:
    """So few roles that with one of them each in their token the person would have all that the line takes."""
    taken: dict[str, set[str]] = {}
    space = Space((locked.after,))
    known = locked.after.names().roles
    role_word = space.shape.role or ""
    for change in locked.changes:
        role = change.caller.words.get(role_word, "") if space.shape.role != space.shape.sub else ""
        taken.setdefault(role, set()).add(change.endpoint.label)
    left = set().union(*taken.values()) - taken.get("", set())
    found: list[str] = []
    while left:
        best = max(sorted(taken), key=lambda role: len(taken[role] & left))
        if best not in known or not taken[best] & left:
            break
        found.append(best)
        left -= taken[best]
    return tuple(found)


def _suggested(locked: LockOut, routes: KnownRoutes) -> tuple[str, ...]:
    """A test for each of the first changes, where no line of a test stands for all requests."""
    space = Space((locked.after,), routes)
    tests = (
        suggest(change.caller, change.endpoint, space, routes, locked.after, expected=False)
        for change in locked.changes[:_MOST_SUGGESTED]
    )
    return tuple(dict.fromkeys(tests))
