"""Roles and subjects: which of a document's names are which, for they share Casbin's one name space."""

import re
from dataclasses import dataclass

from rbac.axes import Axes
from rbac.document import Document
from rbac.pacing import paced
from rbac.relations import Relations

# A Cognito sub is a UUID; other issuers write `google|1234`, and people are named by their address.
SUBJECT = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|.*[|@].*"


@dataclass(frozen=True, slots=True)
class Names:
    """The names of a document, each tuple sorted.

    ``roles``: what a rule or the right side of a link names, or stands on the left of links without looking
    like a subject. ``subjects``: what only ever stands on the left of links and looks like a subject.
    ``singled_out``: the roles that look like subjects because a rule names a person in a role's place (the
    lock-out ``p, <sub>, /*, *, deny``). They are in ``roles`` too; who lists people adds them to
    ``subjects``. The words that the matcher itself gives a meaning (``everyone``) are none of these: nobody
    holds them as a role.
    """

    roles: tuple[str, ...]
    subjects: tuple[str, ...]
    singled_out: tuple[str, ...]


def read_names(document: Document, relations: Relations, subjects: str = SUBJECT) -> Names:
    """The names of ``document``; ``subjects`` is the pattern that all of a subject's name must match.

    Only ``p`` rules and ``g`` links name roles: ``g2`` and its like relate resources or other things.
    """
    looks = re.compile(subjects, re.DOTALL).fullmatch
    named = {row[1] for row in paced(document.rows.get("g", ()))}
    if relations.role_column is not None:
        named |= {row[relations.role_column] for row in paced(document.rows["p"])}
    left = {row[0] for row in paced(document.rows.get("g", ()))} - named
    people = {name for name in left if looks(name)}
    spelled_roles, spelled_people = _spelled(document, relations)
    roles = (named | left | spelled_roles) - people - set(relations.constants)
    people |= spelled_people - roles - set(relations.constants)
    return Names(
        roles=tuple(sorted(roles)),
        subjects=tuple(sorted(people)),
        singled_out=tuple(sorted(name for name in named & roles if looks(name))),
    )


def _spelled(document: Document, relations: Relations) -> tuple[set[str], set[str]]:
    """The roles and the people that the matcher names."""
    axes = Axes.of(document.definition)
    words = document.definition.request_words
    people = {text for word, text in relations.spelled if words[word] == axes.sub}
    roles = {text for word, text in relations.spelled if words[word] == axes.role != axes.sub}
    return roles, people
