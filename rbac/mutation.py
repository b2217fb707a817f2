"""Do the policy tests notice when the policy is broken? Each line is changed in turn, and the tests asked
again.

Whether a change matters at all is decided exactly, over the space of requests; whether a test notices is
asked of the changed policy itself.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from rbac.callers import Caller, Endpoint, callers_of, endpoints_of
from rbac.compare import Comparison, SpaceError
from rbac.diff import MOST_REQUESTS
from rbac.document import Document
from rbac.errors import PolicyError
from rbac.mutants import Mutation, apply, mutations_of
from rbac.policy import Policy
from rbac.questions import Question, questions
from rbac.routes import NO_ROUTES, KnownRoutes
from rbac.scenario_file import Suite
from rbac.space import Group, Request, Space, decide
from rbac.suggestion import askable, suggest

Askable = Callable[[Mapping[str, str]], bool]
Progress = Callable[[int, int], None]
"""Called with how many mutants are done, and how many there are."""


@dataclass(frozen=True, slots=True)
class Survivor:
    """A mutant that no test notices. ``suggested_test`` would: text to paste under ``tests:``."""

    line: int
    mutation: str
    suggested_test: str


@dataclass(frozen=True, slots=True)
class MutationReport:
    """What the tests are worth: ``mutants`` change somebody's access, ``killed`` of them fail a test.

    ``equivalent`` change nobody's access to anything that can be asked for, and ``refused`` make a document that
    does not load (a reversed link that closes a cycle): neither is counted among ``mutants``. ``notes`` say where
    that could not be told for sure.
    """

    mutants: int
    killed: int
    equivalent: int
    refused: int
    survived: tuple[Survivor, ...]
    notes: tuple[str, ...]

    @property
    def score(self) -> float:
        """The share of mutants that are killed, in percent; 100 when there are none."""
        return 100.0 * self.killed / self.mutants if self.mutants else 100.0


def mutate(
    policy: Policy, suites: Iterable[Suite], routes: KnownRoutes = NO_ROUTES, progress: Progress | None = None
) -> MutationReport:
    """Break ``policy`` in every way of :mod:`rbac.mutants` and see which breaks ``suites`` miss.

    Tests that fail on the policy as it is are left out. Raises ScenarioError for tests that cannot be asked.
    """
    asked = [
        question
        for question in questions(policy, suites, routes)
        if question.ask(policy).allowed == question.expected
    ]
    run = _Run(policy, routes, asked)
    mutations = mutations_of(policy)
    survived: list[Survivor] = []
    counts = dict.fromkeys(("killed", "survived", "equivalent", "refused"), 0)
    for done, mutation in enumerate(mutations, 1):
        outcome, found = run.try_one(mutation)
        counts[outcome] += 1
        if found is not None:
            survived.append(found)
        if progress is not None:
            progress(done, len(mutations))
    return MutationReport(
        mutants=counts["killed"] + counts["survived"],
        killed=counts["killed"],
        equivalent=counts["equivalent"],
        refused=counts["refused"],
        survived=tuple(survived),
        notes=run.notes,
    )


class _Run:
    def __init__(self, policy: Policy, routes: KnownRoutes, asked: Sequence[Question]) -> None:
        self._policy = policy
        self._routes = routes
        self._asked = asked
        self._space = Space((policy,), routes)
        # The people and roles of the policy as it is: a suggested test can only be about these.
        self._callers = callers_of(self._space)
        self._askable = askable(policy, routes)
        self._pool = _Pool.of(policy, routes, self._callers, self._askable)
        self.notes = (self._pool.space if self._pool else self._space).notes

    def try_one(self, mutation: Mutation) -> tuple[str, Survivor | None]:
        """What became of one mutant, in a word, and the survivor if it is one."""
        try:
            mutant = Policy(apply(self._policy.document, mutation))
        except PolicyError:
            return "refused", None
        if self._pool is not None and self._pool.knows(mutation):
            space, found = self._pool.space, self._pool.difference(mutation)
        else:
            # Another order of the same names: a mutant of a link names nothing new.
            like = self._space if mutation.ptype == "g" and self._space.tables else None
            space = Space((self._policy, mutant), self._routes, like=like)
            found = _difference(space, self._callers, self._askable)
        if found is None:
            return "equivalent", None
        caller, endpoint = found
        request = space.request({**caller.words, **endpoint.words})
        before = decide(self._policy, request).allowed
        if before == decide(mutant, request).allowed:
            raise SpaceError(f"line {mutation.line}, {mutation.what}: {request}")
        if any(question.ask(mutant).allowed != question.expected for question in self._touched(mutation)):
            return "killed", None
        test = suggest(caller, endpoint, space, self._routes, expected=before)
        return "survived", Survivor(mutation.line, mutation.what, test)

    def _touched(self, mutation: Mutation) -> Iterable[Question]:
        """The questions whose answer the mutation can change, as far as that is known."""
        if self._pool is None or not self._pool.knows(mutation):
            return self._asked
        bits = sum(self._pool.bits(mutation))
        return (
            question for question, mask in zip(self._asked, self._question_masks, strict=True) if mask & bits
        )

    @cached_property
    def _question_masks(self) -> list[int]:
        """For each question the rules of the pool that match one of its requests."""
        if self._pool is None:
            return []
        space = self._pool.space
        masks = []
        for question in self._asked:
            mask = 0
            for request in _requests(question):
                mask |= space.masks(dict(zip(space.words, request, strict=True)))[0]
            masks.append(mask)
        return masks


def _requests(question: Question) -> Iterator[Request]:
    if len(question.roles) < 2:
        yield question.request
    for role in question.roles if len(question.roles) > 1 else ():
        yield (*question.request[: question.role_index], role, *question.request[question.role_index + 1 :])


def _difference(space: Space, callers: Iterable[Caller], asked: Askable) -> tuple[Caller, Endpoint] | None:
    """A request that the two policies of ``space`` answer differently; these callers and known routes first."""
    old, new = space.policies
    if not space.tables:
        return _tried(space, asked)
    comparison = Comparison(space)
    endpoints = [endpoint for endpoint in endpoints_of(space) if asked(endpoint.words)]
    for caller in callers:
        if comparison.changed(comparison.masks(caller.words)) == (0, 0):
            continue
        for endpoint in endpoints:
            request = space.request({**caller.words, **endpoint.words})
            if decide(old, request).allowed != decide(new, request).allowed:
                return caller, endpoint
        for words in filter(asked, comparison.cells(caller.words)):
            return caller, _endpoint(space, words)
    found = next(filter(asked, comparison.everywhere()), None)
    return None if found is None else _split(space, found)


def _tried(space: Space, asked: Askable) -> tuple[Caller, Endpoint] | None:
    """Where nothing is known of the matcher: the requests of the space one by one, as far as patience
    goes."""
    old, new = space.policies
    for request in islice(space, MOST_REQUESTS):
        if decide(old, request).allowed != decide(new, request).allowed:
            caller, endpoint = _split(space, dict(zip(space.words, request, strict=True)))
            if asked(endpoint.words):
                return caller, endpoint
    return None


def _split(space: Space, words: dict[str, str]) -> tuple[Caller, Endpoint]:
    who = {word: words[word] for word in space.axes.caller}
    name = ", ".join(f"{word} {value!r}" for word, value in who.items())
    rest = {word: value for word, value in words.items() if word not in who}
    return Caller("subject", name, name, who), _endpoint(space, rest)


def _endpoint(space: Space, words: dict[str, str]) -> Endpoint:
    axes = space.axes
    return Endpoint(words.get(axes.act or "", ""), words.get(axes.obj or "", ""), words, known=False)


class _Pool:
    """The rules of a policy and of all its mutants in one table, so that one space serves them all.

    A mutant of a rule is then the policy without one bit and with another. Mutants of role links have no
    place here.
    """

    def __init__(
        self,
        space: Space,
        callers: Sequence[Caller],
        asked: Askable,
        rules: int,
        bits: dict[tuple[int, tuple[str, ...] | None], int],
    ) -> None:
        self.space = space
        self._people = callers
        self._asked = asked
        self._table = space.tables[0]
        self._original = (1 << rules) - 1
        self._bits = bits

    @classmethod
    def of(
        cls, policy: Policy, routes: KnownRoutes, callers: Sequence[Caller], asked: Askable
    ) -> "_Pool | None":
        """The pool, or ``None`` where order matters, or where the matcher has no formula."""
        document = policy.document
        rows = document.rows["p"]
        rules = [mutation for mutation in mutations_of(policy) if mutation.ptype == "p"]
        added: dict[tuple[int, tuple[str, ...] | None], int] = {}
        text = [document.policy_bytes.decode("utf-8-sig")]
        for mutation in rules:
            key = (mutation.index, mutation.row)
            added[key] = 0
            if mutation.row is not None:
                added[key] = 1 << (len(rows) + len(text) - 1)
                text.append(", ".join(("p", *mutation.row)))
        if len(rows) < 2:
            return None
        pool = Policy(Document.parse(document.model_bytes, "\n".join(text).encode()))
        space = Space((pool,), routes)
        if not space.tables or space.tables[0].ordered:
            return None
        return cls(space, callers, asked, len(rows), added)

    def knows(self, mutation: Mutation) -> bool:
        """Whether the mutation is one of a rule."""
        return mutation.ptype == "p"

    def bits(self, mutation: Mutation) -> tuple[int, int]:
        """The bit of the rule that goes and of the one that comes (0: none comes)."""
        return 1 << mutation.index, self._bits[mutation.index, mutation.row]

    def difference(self, mutation: Mutation) -> tuple[Caller, Endpoint] | None:
        """A request that the mutant answers differently; callers as they come and known routes first."""
        gone, come = self.bits(mutation)
        for caller, who in self._callers:
            if not who & (gone | come):
                continue
            for endpoint, what in self._endpoints:
                if self._differs(who & what, gone, come):
                    return caller, endpoint
        for caller, who in self._callers:
            words = self._walk(self._what, 0, who, gone, come)
            if words is not None:
                return caller, _endpoint(self.space, words)
        found = self._walk(self.space.groups, 0, self._table.all, gone, come)
        return None if found is None else _split(self.space, found)

    @cached_property
    def _what(self) -> Sequence[Group]:
        asking = set(self.space.axes.caller)
        return [self.space.group(words) for words in self.space.tied if asking.isdisjoint(words)]

    @cached_property
    def _callers(self) -> list[tuple[Caller, int]]:
        """Callers as they come, with the rules that they leave possible; none where a matcher ties them to
        the rest."""
        asking = set(self.space.axes.caller)
        tied = {word for words in self.space.tied if not asking.isdisjoint(words) for word in words}
        comparison = Comparison(self.space, 0, 0)
        return [
            (caller, comparison.masks(caller.words)[0])
            for caller in self._people
            if tied <= caller.words.keys()
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
