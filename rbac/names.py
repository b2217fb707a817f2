"""Roles and subjects: which of a document's names are which, for they share Casbin's one name space."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from rbac.axes import Axes
from rbac.document import Document
from rbac.pacing import paced
from rbac.relations import Relations

_UUID: Final = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
# What stands for a person in any policy: a UUID, `google|1234`, an address. It need not be a `sub` of the issuer.
_PERSON: Final = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|.*[|@].*"

COGNITO: Final = "cognito"
SUBJECT: Final = COGNITO
"""What a person's name looks like unless somebody says otherwise."""


@dataclass(frozen=True, slots=True)
class Subjects:
    """What people are called: ``sub`` is the pattern of a `sub` as the issuer gives it, ``person`` that of every name
    that is taken for a person's and not for a role's. ``issuer`` is who gives them, for people."""

    sub: str
    person: str
    issuer: str

    @classmethod
    def of(cls, said: str) -> "Subjects":
        """What ``--subjects`` and ``POLICY_SUBJECTS`` say: a preset, or a pattern. Raises ``re.error`` for neither."""
        preset = PRESETS.get(said)
        if preset is not None:
            return preset
        re.compile(said)
        return cls(said, said, "")

    def is_sub(self, name: str) -> bool:
        """Whether the issuer may call a person so."""
        return re.fullmatch(self.sub, name, re.DOTALL) is not None

    def is_person(self, name: str) -> bool:
        """Whether a name is a person's and no role's."""
        return re.fullmatch(self.person, name, re.DOTALL) is not None


PRESETS: Final[Mapping[str, Subjects]] = {
    COGNITO: Subjects(_UUID, _PERSON, "Cognito"),
    # `auth0|5f7c8ec7c33c6c004bbafe82`, `google-oauth2|115…`, and `…@clients` for a program.
    "auth0": Subjects(r"[\w.+-]+\|\S+|[A-Za-z0-9]+@clients", _PERSON, "Auth0"),
    # Firebase takes any text of up to 128 characters for a user's name; its own are 28 letters and digits.
    "firebase": Subjects(
        ".{1,128}", rf"(?=[A-Za-z]*[0-9])(?=[A-Z0-9]*[a-z])[A-Za-z0-9]{{20,36}}|{_PERSON}", "Firebase"
    ),
}


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
    """The names of ``document``; ``subjects`` says what a subject's name looks like, as ``--subjects`` does.

    Only ``p`` rules and ``g`` links name roles: ``g2`` and its like relate resources or other things.
    """
    looks = Subjects.of(subjects).is_person
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
