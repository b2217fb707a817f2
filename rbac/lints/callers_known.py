"""Who is known to exist, by a document and the tests beside it, and which roles one of them may hold together."""

import re
from collections.abc import Collection, Iterable
from functools import cached_property

from rbac.axes import Axes
from rbac.lints.reading import Reading, ancestors
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
        self._known: dict[str, tuple[str, ...]] = {}
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

    def above(self, name: str) -> tuple[str, ...]:
        """The name itself, and every role that it holds through links."""
        return (name, *ancestors(self._reading.links, name, self._known))

    @cached_property
    def _holders(self) -> dict[str, set[str]]:
        """For each role, the names that lead to it."""
        found: dict[str, set[str]] = {}
        for name in paced(self._reading.links):
            for role in self.above(name):
                found.setdefault(role, set()).add(name)
        return found

    @cached_property
    def _held_by_people(self) -> frozenset[str]:
        """What names on the left of links hold that may be persons: beside it, their tokens carry any role."""
        if not self.apart or self._column is None:
            return frozenset()
        ruled = {row[self._column] for row in paced(self._reading.document.rows["p"])}
        given = {role for roles in self._reading.links.values() for role in roles}
        people = [name for name in self._reading.links if self.person(name) or name not in ruled | given]
        return frozenset(role for name in people for role in self.above(name))

    def together_with(self, role: str) -> Iterable[str] | None:
        """The names of rules that may meet a known caller whom a rule for ``role`` meets; ``None`` for all of them."""
        if role in self.classes or self.person(role) or role in self._held_by_people:
            return None
        holders = self._holders.get(role, set()) | {role}
        found = {name for holder in holders for name in self.above(holder)}
        return found | self.classes | self._held_by_people
