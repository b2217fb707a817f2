"""Who is known to exist, by a document and the tests beside it, and which roles one of them may hold together."""

import re
from collections.abc import Collection, Iterable, Mapping
from functools import cached_property

from rbac.axes import Axes
from rbac.lints.reading import Reading
from rbac.pacing import paced


class KnownCallers:
    """The callers that a document or a policy test speaks of: one role each, or one person.

    ``named`` are the names that policy tests use.
    """

    def __init__(self, reading: Reading, named: Collection[str] = ()) -> None:
        self._reading = reading
        self._tested = frozenset(named)
        self._column = reading.relations.role_column
        self._looks = re.compile(reading.subjects, re.DOTALL).fullmatch
        self._families: dict[str, tuple[str, ...] | None] = {}
        axes = Axes.of(reading.document.definition)
        self.apart = axes.sub is not None and axes.sub != axes.role
        """Whether a person and their role are two words of a request."""

    def person(self, name: str) -> bool:
        """Whether a name looks like a person's."""
        return bool(self._looks(name))

    @cached_property
    def classes(self) -> frozenset[str]:
        """The words of a rule that the matcher gives to a whole class of callers."""
        return frozenset(self._reading.relations.constants)

    @cached_property
    def outside_rules(self) -> frozenset[str]:
        """The names that links, the matcher or policy tests use."""
        links = self._reading.links
        given = {role for roles in paced(links.values()) for role in roles}
        spelled = {text for _, text in self._reading.relations.spelled}
        return frozenset({*links, *given, *spelled, *self._tested, *self.classes})

    @cached_property
    def _holders(self) -> dict[str, list[str]]:
        """The links the other way round: for each role, the names that hold it directly."""
        found: dict[str, list[str]] = {}
        for name, roles in paced(self._reading.links.items()):
            for role in roles:
                found.setdefault(role, []).append(name)
        return found

    @cached_property
    def _held_by_people(self) -> dict[str, None]:
        """What names on the left of links hold that may be persons: beside it, their tokens carry any role."""
        if not self.apart or self._column is None:
            return {}
        roles = {row[self._column] for row in paced(self._reading.document.rows["p"])}
        roles.update(role for given in paced(self._reading.links.values()) for role in given)
        people = [name for name in paced(self._reading.links) if self.person(name) or name not in roles]
        return _reached(people, self._reading.links)

    @cached_property
    def with_anyone(self) -> dict[str, None]:
        """The names of rules that may meet a known caller whatever role a rule meets them by."""
        return dict.fromkeys(sorted(self.classes)) | self._held_by_people

    def family(self, role: str) -> tuple[str, ...] | None:
        """The names of rules that, beside :attr:`with_anyone`, may meet a known caller whom a rule for ``role`` meets,
        nearest first; ``None`` for all of them."""
        if role not in self._families:
            everybody = role in self.classes or self.person(role) or role in self._held_by_people
            self._families[role] = None if everybody else self._kin(role)
        return self._families[role]

    def _kin(self, role: str) -> tuple[str, ...]:
        """All that anyone holds who holds ``role``."""
        return tuple(_reached(_reached([role], self._holders), self._reading.links))


def _reached(names: Iterable[str], links: Mapping[str, Iterable[str]]) -> dict[str, None]:
    """The names and all that links lead to from them, nearest first."""
    found = dict.fromkeys(names)
    waiting = list(found)
    for name in waiting:  # it grows meanwhile
        for other in links.get(name, ()):
            if other not in found:
                found[other] = None
                waiting.append(other)
    return found
