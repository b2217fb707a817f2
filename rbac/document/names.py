"""Roles and subjects: which of a document's names are which, for they share Casbin's one name space."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import ClassVar, Final

from rbac.background import in_order, paced
from rbac.document.document import Document
from rbac.errors import RbacError
from rbac.model.comparisons import Relations

_UUID: Final = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
# What stands for a person in any policy: a UUID, `google|1234`, an address. It need not be a `sub` of the issuer.
_PERSON: Final = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|.*[|@].*"
# Methods to ask with where any will do, those that change something first.
METHODS: Final = ("PATCH", "DELETE", "PUT", "POST", "GET", "OPTIONS", "TRACE")

CLIENT: Final = "client:"
SCOPE: Final = "scope:"
"""What the words begin with that an access token brings: ``client:<id>`` is a program, ``scope:<name>`` what it was
given. No person and no role of a person is called so."""

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
        """Whether the issuer may call a person, or a program, so."""
        if is_of_access_token(name):
            return name.startswith(CLIENT) and len(name) > len(CLIENT)
        return re.fullmatch(self.sub, name, re.DOTALL) is not None

    def is_person(self, name: str) -> bool:
        """Whether a name is a person's, or a program's, and no role's."""
        if is_of_access_token(name):
            return name.startswith(CLIENT)
        return re.fullmatch(self.person, name, re.DOTALL) is not None


def is_of_access_token(name: str) -> bool:
    """Whether a name is one that access tokens alone bring."""
    return name.startswith((CLIENT, SCOPE))


PRESETS: Final[Mapping[str, Subjects]] = {
    COGNITO: Subjects(_UUID, _PERSON, "Cognito"),
    # `auth0|5f7c8ec7c33c6c004bbafe82`, `google-oauth2|115…`, and `…@clients` for a program.
    "auth0": Subjects(r"[\w.+-]+\|\S+|[A-Za-z0-9]+@clients", _PERSON, "Auth0"),
    # Firebase takes any text of up to 128 characters for a user's name; its own are 28 letters and digits.
    "firebase": Subjects(
        ".{1,128}", rf"(?=[A-Za-z]*[0-9])(?=[A-Z0-9]*[a-z])[A-Za-z0-9]{{20,36}}|{_PERSON}", "Firebase"
    ),
    # OpenID Connect takes any text of up to 255 characters. Keycloak's are UUIDs, Okta's `00u…`, Google's 21 digits,
    # Entra's 43 letters of base64url.
    "oidc": Subjects(
        ".{1,255}",
        rf"00u[A-Za-z0-9]{{17}}|[0-9]{{15,30}}|(?=.*[0-9])(?=.*[a-z])(?=.*[A-Z])[\w-]{{43}}|{_PERSON}",
        "the issuer",
    ),
}


class SubjectsError(RbacError):
    """What people are called is said by neither a preset nor a pattern."""

    code: ClassVar[str] = "subjects_unknown"


def checked_subjects(said: str) -> str:
    """``said``, if it is a preset or a pattern. Raises SubjectsError."""
    try:
        Subjects.of(said)
    except re.error as error:
        presets = ", ".join(PRESETS)
        raise SubjectsError(
            f"{said!r} is neither a preset ({presets}) nor a regular expression: {error}"
        ) from error
    return said


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
        named.update(row[relations.role_column] for row in paced(document.rows["p"]))
    left = {row[0] for row in paced(document.rows.get("g", ())) if row[0] not in named}
    people = {name for name in paced(left) if looks(name)}
    spelled_roles, spelled_people = _spelled(document, relations)
    others = people.union(relations.constants)
    roles = {name for name in paced(chain(named, left, spelled_roles)) if name not in others}
    people |= spelled_people - roles - set(relations.constants)
    return Names(
        roles=tuple(in_order(roles)),
        subjects=tuple(in_order(people)),
        singled_out=tuple(in_order(name for name in paced(named) if name in roles and looks(name))),
    )


def _spelled(document: Document, relations: Relations) -> tuple[set[str], set[str]]:
    """The roles and the people that the matcher names."""
    shape = document.definition.shape
    words = document.definition.request_words
    people = {text for word, text in relations.spelled if words[word] == shape.sub}
    roles = {text for word, text in relations.spelled if words[word] == shape.role != shape.sub}
    return roles, people


def stranger(word: str, names: Iterable[str]) -> str:
    """A value of ``word`` that is not in ``names``: a method for methods, else a word that says what it
    is."""
    taken = frozenset(names)
    if not taken.isdisjoint(METHODS) or (word == "act" and taken <= {"", "*"}):
        for method in METHODS:
            if method not in taken:
                return method
    plain = {"sub": "somebody", "role": "no-such-role", "act": "OTHER"}.get(word, f"other-{word}")
    value, number = plain, 2
    while value in taken:
        value, number = f"{plain}-{number}", number + 1
    return value
