"""The rules of a policy and of all its mutants in one table, and what tells them apart."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from rbac.comparison.search import Askable, DifferenceSearch
from rbac.mutation.mutants import Mutation, mutations_of
from rbac.policy import Policy
from rbac.routes import KnownRoutes
from rbac.space.callers import Caller, Endpoint
from rbac.space.space import Space


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
        self._search = DifferenceSearch(space, callers, asked)
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
        return self._search.first((self._original, self._original & ~gone | come), more)
