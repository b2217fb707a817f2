"""The rules of a policy and of all its mutants in one table, and what tells them apart."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property

from rbac.comparison.comparison import Comparison
from rbac.comparison.search import Askable
from rbac.mutation.mutants import Mutation, mutations_of
from rbac.policy import Policy
from rbac.routes import KnownRoutes
from rbac.space.callers import Caller, Endpoint, endpoint_at, endpoints_of, split
from rbac.space.space import Group, Space


class MutantPool:
    """The rules of a policy and of all its mutants in one table, so that one space serves them all.

    A mutant of a rule is then the policy without one bit and with another. Mutants of role links have no
    place here.
    """

    def __init__(
        self,
        space: Space,
        callers: Sequence[Caller],
        asked: Askable,
        rules: Sequence[int],
        bits: dict[tuple[int, tuple[str, ...] | None], int],
    ) -> None:
        """``rules`` are the bits of the policy's own rules, ``bits`` those of its mutants."""
        self.space = space
        self._people = callers
        self._asked = asked
        self._table = space.tables[0]
        self._rules = rules
        self._original = sum(rules)
        self._bits = bits

    @classmethod
    def of(
        cls, policy: Policy, routes: KnownRoutes, callers: Sequence[Caller], asked: Askable
    ) -> "MutantPool | None":
        """The pool, or ``None`` where order matters, or where the matcher has no formula."""
        document = policy.document
        rows, lines = list(document.rows["p"]), document.lines["p"][:]
        own = len(rows)
        if own < 2:
            return None
        rules = [mutation for mutation in mutations_of(policy) if mutation.ptype == "p"]
        added: dict[tuple[int, tuple[str, ...] | None], int | None] = {}
        for mutation in rules:
            added[mutation.index, mutation.row] = None if mutation.row is None else len(rows)
            if mutation.row is not None:
                rows.append(list(mutation.row))
                lines.append(mutation.line)
        pool = Policy(
            replace(document, rows={**document.rows, "p": rows}, lines={**document.lines, "p": lines}),
            subjects=policy.subjects_look_like,
        )
        space = Space((pool,), routes)
        if not space.tables or space.tables[0].ordered:
            return None
        # A column of priorities sorts the rules, also where their order decides nothing.
        bits = {pool.document_index(position): 1 << position for position in range(len(rows))}
        mutants = {key: 0 if index is None else bits[index] for key, index in added.items()}
        return cls(space, callers, asked, [bits[index] for index in range(own)], mutants)

    def knows(self, mutation: Mutation) -> bool:
        """Whether the mutation is one of a rule."""
        return mutation.ptype == "p"

    def bits(self, mutation: Mutation) -> tuple[int, int]:
        """The bit of the rule that goes and of the one that comes (0: none comes)."""
        return self._rules[mutation.index], self._bits[mutation.index, mutation.row]

    def difference(self, mutation: Mutation, more: Iterable[Caller] = ()) -> tuple[Caller, Endpoint] | None:
        """A request that the mutant answers differently; callers as they come, then ``more`` of them, and known routes
        first."""
        gone, come = self.bits(mutation)
        callers = [*self._callers, *self._possible(more)]
        for caller, who in callers:
            if not who & (gone | come):
                continue
            for endpoint, what in self._endpoints:
                if self._differs(who & what, gone, come):
                    return caller, endpoint
        for caller, who in callers:
            words = self._walk(self._what, 0, who, gone, come)
            if words is not None:
                return caller, endpoint_at(self.space, words)
        found = self._walk(self.space.groups, 0, self._table.all, gone, come)
        return None if found is None else split(self.space, found, self._people)

    @cached_property
    def _what(self) -> Sequence[Group]:
        asking = set(self.space.shape.caller)
        return [self.space.group(words) for words in self.space.tied if asking.isdisjoint(words)]

    @cached_property
    def _callers(self) -> list[tuple[Caller, int]]:
        """Callers as they come, with the rules that they leave possible; none where a matcher ties them to
        the rest."""
        return self._possible(self._people)

    def _possible(self, callers: Iterable[Caller]) -> list[tuple[Caller, int]]:
        asking = set(self.space.shape.caller)
        tied = {word for words in self.space.tied if not asking.isdisjoint(words) for word in words}
        comparison = Comparison(self.space, 0, 0)
        return [
            (caller, comparison.masks(caller.words)[0]) for caller in callers if tied <= caller.words.keys()
        ]

    @cached_property
    def _endpoints(self) -> list[tuple[Endpoint, int]]:
        comparison = Comparison(self.space, 0, 0)
        return [
            (endpoint, comparison.masks(endpoint.words)[0])
            for endpoint in endpoints_of(self.space)
            if endpoint.known
        ]

    def _differs(self, mask: int, gone: int, come: int) -> bool:
        if not mask & (gone | come):
            return False
        old = mask & self._original
        return self._table.allows(old) != self._table.allows((old & ~gone) | (mask & come))

    def _walk(
        self, groups: Sequence[Group], depth: int, mask: int, gone: int, come: int
    ) -> dict[str, str] | None:
        """Words for these groups with which the answers differ, looking only where one of the two rules
        matches."""
        if not mask & (gone | come):
            return None
        if depth == len(groups):
            return {} if self._differs(mask, gone, come) else None
        for member in groups[depth].members:
            if not self._asked(dict(zip(groups[depth].words, member.values, strict=True))):
                continue
            found = self._walk(groups, depth + 1, mask & member.masks[0], gone, come)
            if found is not None:
                return {**dict(zip(groups[depth].words, member.values, strict=True)), **found}
        return None
