"""Who is known to exist, by a document and the tests beside it, and which roles one of them may hold together."""

import re
from collections.abc import Collection, Iterable, Mapping
from functools import cached_property

from rbac.background import paced, take_apart
from rbac.document.role_links import CameFrom, turned, walk
from rbac.linting.reading.subject import Reading
from rbac.matching.languages import Budget, in_proportion


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
        self._steps = in_proportion(sum(map(len, reading.document.rows.values())))
        shape = reading.document.definition.shape
        self.apart = shape.sub is not None and shape.sub != shape.role
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
        return frozenset({*self._reading.links, *self.outside_links})

    @cached_property
    def outside_links(self) -> frozenset[str]:
        """The names that the matcher or policy tests use, and the roles that links give."""
        given = {role for roles in paced(self._reading.links.values()) for role in roles}
        spelled = {text for _, text in self._reading.relations.spelled}
        return frozenset({*given, *spelled, *self._tested, *self.classes})

    @cached_property
    def _holders(self) -> dict[str, list[str]]:
        return turned(self._reading.links)

    @cached_property
    def _held_by_people(self) -> CameFrom:
        """What names on the left of links hold that may be persons: beside it, their tokens carry any role."""
        if not self.apart or self._column is None:
            return {}
        roles = {row[self._column] for row in paced(self._reading.document.rows["p"])}
        roles.update(role for given in paced(self._reading.links.values()) for role in given)
        people = [name for name in paced(self._reading.links) if self.person(name) or name not in roles]
        return _reached(people, self._reading.links)

    @cached_property
    def with_anyone(self) -> CameFrom:
        """The names of rules that may meet a known caller whatever role a rule meets them by."""
        return dict.fromkeys((*sorted(self.classes), *self._held_by_people))

    def family(self, role: str) -> tuple[str, ...] | None:
        """The names of rules that, beside :attr:`with_anyone`, may meet a known caller whom a rule for ``role`` meets,
        nearest first; ``None`` for all of them, also where it takes too many steps to tell."""
        if role not in self._families:
            everybody = role in self.classes or self.person(role) or role in self._held_by_people
            self._families[role] = None if everybody else self._kin(role)
        return self._families[role]

    def take_apart(self) -> None:
        """Frees bit by bit what was found out about each name, for whoever needs it last."""
        take_apart(self._families)
        take_apart(vars(self).get("_holders", {}))

    def _kin(self, role: str) -> tuple[str, ...] | None:
        """All that anyone holds who holds ``role``."""
        if self._steps.left <= 0:
            return None
        found = _reached(_reached([role], self._holders, self._steps), self._reading.links, self._steps)
        return tuple(found) if self._steps.left > 0 else None


def _reached(
    names: Iterable[str], links: Mapping[str, Collection[str]], steps: Budget | None = None
) -> CameFrom:
    """The names and all that links lead to from them, nearest first; each link takes one of the ``steps``, and once they
    are spent, some are missing."""

    def led_to(name: str) -> Collection[str]:
        roles = links.get(name, ())
        return roles if steps is None or steps.spend(1 + len(roles)) else ()

    return walk(led_to, names)
