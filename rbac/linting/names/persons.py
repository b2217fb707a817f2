"""Warnings about names that stand for a person, and are no `sub` as the configured issuer gives one."""

import re
from collections.abc import Collection, Iterator
from functools import cached_property
from itertools import pairwise
from typing import Final

from rbac.background import paced
from rbac.document.names import COGNITO, PRESETS
from rbac.errors import Problem
from rbac.linting.names.callers_known import KnownCallers
from rbac.linting.reading.subject import Reading
from rbac.model.http_words import WordFault
from rbac.text.nearest import Nearest
from rbac.text.yaml_text import yaml_text

_HEX: Final = re.compile(r"[0-9A-Fa-f]")
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_ALONE: Final = re.compile(rf"(?<![0-9A-Fa-f-]){_UUID.pattern}(?![0-9A-Fa-f-])")
_ADDRESS: Final = re.compile(r"[^@\s|]+@[^@\s|]+")
_FULL_NAME: Final = re.compile(r"[^\W\d_a-z][\w'’.-]*(?:\s+[^\W\d_][\w'’.-]*)+")
_BEGINNING: Final = re.compile(
    r"(?P<shown>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{0,4}){0,4}-?)(?P<more>\.{2,3}|…|\*)?"
)
_LEAST_DIGITS, _DIGITS, _SHARE = 20, 32, 0.8
_EVERY_PATH: Final = frozenset(("/*", "*", "/.*", ".*"))


def check_persons(reading: Reading, named: Collection[str] = ()) -> Iterator[Problem]:
    """A problem for each place of such a name, in a model that asks with a person and with a role. ``named`` are the
    names that policy tests use."""
    shape = reading.document.definition.shape
    if shape.sub is None or shape.sub == shape.role:
        return
    locked_out = _locked_out(reading)
    roles = Nearest({name for _, _, name, _ in reading.names() if not _is_person(name)})
    holders = _Holders(reading, named)
    told: dict[str, WordFault | None] = {}
    for line, column, name, linked in reading.names():
        if name in reading.relations.constants or (linked and column == 1):
            continue
        if name not in told:
            told[name] = fault_of(name, reading)
        fault = told[name]
        if fault is None and line in locked_out and not reading.people.is_sub(name):
            fault = _full_name(name)
        elif fault is None and linked and not reading.people.is_sub(name):
            fault = holders.fault_of(name)
        if fault is not None:
            meant = roles.but_for_signs(name)
            hint = f"did you mean the role `{meant}`? else {fault.hint}" if meant else fault.hint
            yield reading.in_rule(line, column, "not-a-subject", fault.message, hint)


def _locked_out(reading: Reading) -> set[int]:
    """The lines that take everything from somebody."""
    effect, path = reading.column("eft"), reading.path_column
    if effect is None or path is None:
        return set()
    return {line for line, row in reading.rules() if row[effect] == "deny" and row[path] in _EVERY_PATH}


def _full_name(name: str) -> WordFault | None:
    if not _FULL_NAME.fullmatch(name):
        return None
    return WordFault(f"`{name}` is the name of a person, which no token has as its `sub`", _WHERE)


class _Holders:
    """Names that only stand on the left of links, and are written as people are called and no role is."""

    def __init__(self, reading: Reading, named: Collection[str]) -> None:
        self._reading = reading
        self._outside = KnownCallers(reading, named).outside_links

    def fault_of(self, name: str) -> WordFault | None:
        """What is wrong with such a name; ``None`` for any other."""
        if name in self._outside or name in self._ruled or not _FULL_NAME.fullmatch(name):
            return None
        words = _words(name)
        if any(map(_OF_ROLES.match, words)) or not words.isdisjoint(self._words_of_roles):
            return None
        message = f"`{name}` looks like the name of a person, which no token has as its `sub`"
        role = f"if it is a role that tokens carry, a policy test says so, with `role: {yaml_text(name)}`"
        return WordFault(message, f"{_WHERE}; {role}")

    @cached_property
    def _ruled(self) -> frozenset[str]:
        column = self._reading.relations.role_column
        return frozenset() if column is None else self._reading.words[column]

    @cached_property
    def _words_of_roles(self) -> frozenset[str]:
        return frozenset(word for role in paced(self._ruled) for word in _words(role))


def _words(name: str) -> set[str]:
    return {word.casefold() for word in _WORDS.findall(name)}


_WORDS: Final = re.compile(r"[^\W_]+")
# How words begin that stand in the names of roles, and in few names of people.
_OF_ROLES: Final = re.compile(
    "access|account|admin|agent|all|analyst|approv|assist|audit|board|chief|clerk|client|consult|contract|coordinat|custom|"
    "data|depart|desk|develop|direct|edit|employ|engineer|execut|extern|financ|global|group|guest|head|help|human|intern|junior|"
    "lead|legal|level|local|maintain|manag|market|member|moderat|night|offic|only|operat|owner|partner|payroll|people|platform|"
    "power|product|project|public|publish|qualit|read|region|report|represent|research|restrict|review|role|sales|second|"
    "secur|senior|servic|shift|special|staff|student|super|support|system|teach|team|tech|tenant|test|tier|train|trust|user|"
    "vendor|view|ware|work|writ"
)
_WHERE: Final = "write the person's `sub`, which the issuer's console and the decision log show"

_WHOLE: Final = "copy the whole `sub` anew: 32 digits in groups of 8, 4, 4, 4 and 12"


def fault_of(name: str, reading: Reading) -> WordFault | None:
    """Why a name that is a person's cannot be a `sub`; ``None`` for a `sub`, and for what may be a role."""
    people = reading.people
    if people.is_sub(name):
        return None
    issuer = f" as {people.issuer} gives one" if people.issuer else " by the pattern that is set"
    if _ADDRESS.fullmatch(name):
        return WordFault(f"`{name}` is an address, and no `sub`{issuer}", _WHERE)
    if not people.is_sub("00000000-0000-4000-8000-000000000000"):
        return WordFault(f"`{name}` is no `sub`{issuer}", _WHERE) if _is_person(name) else None
    found = _nearly_uuid(name, issuer)
    return found or (WordFault(f"`{name}` is no `sub`{issuer}", _WHERE) if _is_person(name) else None)


def _nearly_uuid(name: str, issuer: str) -> WordFault | None:
    """A name that holds a UUID, or is one but for some letters, or the beginning of one."""
    uuids = _ALONE.findall(name)
    if uuids:
        return _around(name, uuids, issuer)
    if _is_nearly_uuid(name):
        return _nearly(name, issuer)
    if _is_beginning(name):
        return WordFault(f"`{name}` is no `sub`{issuer}: it is the beginning of one", _WHOLE)
    return None


def _is_person(name: str) -> bool:
    """Whether nobody would call a role so, whoever the issuer is."""
    return PRESETS[COGNITO].is_person(name)


def _around(name: str, uuids: list[str], issuer: str) -> WordFault:
    """A name that holds one or several UUIDs."""
    if len(uuids) > 1:
        each = " and one for ".join(f"`{uuid.lower()}`" for uuid in uuids)
        return WordFault(f"`{name}` is one name, and not {len(uuids)} persons", f"write a line for {each}")
    (uuid,) = uuids
    if uuid == name:
        return WordFault(
            f"`{name}` is no `sub`{issuer}: it is written in small letters", f"write `{name.lower()}`"
        )
    if re.match(r"[a-z]{2}-[a-z]+-\d:", name):
        message = f"`{name}` is the name of an identity pool's identity, and no `sub`{issuer}"
        return WordFault(message, "write the `sub` that the person has in the user pool")
    return WordFault(
        f"`{name}` is no `sub`{issuer}: more than a UUID", f"write `{uuid.lower()}` if that is meant"
    )


def _is_nearly_uuid(name: str) -> bool:
    digits = len(_HEX.findall(name))
    return (
        "|" not in name
        and digits >= _LEAST_DIGITS
        and digits >= _SHARE * len(name)
        and any(map(str.isdigit, name))
    )


def _is_beginning(name: str) -> bool:
    """Whether a name is what a list shows of a UUID: `3b7e5c0a`, `3b7e5c0a-9d5e…`; letters and digits, for a word or a
    date is none."""
    found = _BEGINNING.fullmatch(name)
    if found is None:
        return False
    digits = sum(map(str.isdigit, found["shown"]))
    mixed = 1 < digits < len(found["shown"].replace("-", ""))
    changes = len(re.findall(r"(?<=[a-fA-F])\d|(?<=\d)[a-fA-F]", found["shown"]))
    return mixed and (bool(found["more"]) or changes > 1)


def _nearly(name: str, issuer: str) -> WordFault:
    digits = "".join(_HEX.findall(name)).lower()
    if len(digits) == _DIGITS:
        ends = (0, 8, 12, 16, 20, 32)
        uuid = "-".join(digits[start:end] for start, end in pairwise(ends))
        return WordFault(f"`{name}` is no `sub`{issuer}: it is written in five groups", f"write `{uuid}`")
    more = "more" if len(digits) > _DIGITS else "fewer"
    message = f"`{name}` is no `sub`{issuer}: it has {more} digits than a whole one"
    return WordFault(message, _WHOLE)
