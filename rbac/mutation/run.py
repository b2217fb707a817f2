"""Do the policy tests notice when the policy is broken? Each line is changed in turn, and the tests asked
again.

Whether a change matters at all is decided exactly, over the space of requests; whether a test notices is
asked of the changed policy itself.
"""

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

from rbac.asking import answer
from rbac.comparison.comparison import SpaceError
from rbac.comparison.search import DifferenceSearch
from rbac.errors import PolicyError
from rbac.mutation.mutants import Mutation, apply, mutations_of
from rbac.mutation.pool import MutantPool
from rbac.mutation.suggestion import askable, suggest
from rbac.policy import Policy
from rbac.policy_tests.questions import ScenarioQuestion, questions
from rbac.policy_tests.suite import ScenarioError, Suite
from rbac.routes import NO_ROUTES, KnownRoutes
from rbac.space.alike import told_apart
from rbac.space.callers import (
    Caller,
    Endpoint,
    callers_of,
    people_with_roles,
)
from rbac.space.endpoint_classes import EndpointClasses
from rbac.space.space import Request, Space

_MOST_ROLES = 100  # that a person is tried with
MutationProgress = Callable[[int, int], None]
"""Called with how many mutants are done, and how many there are."""


@dataclass(frozen=True, slots=True)
class Survivor:
    """A mutant that no test notices. ``suggested_test`` would: text to paste under ``tests:``.

    It is empty for a line that `rbac check` warns of: what is decided because of a mistake is not to be cemented.
    """

    line: int
    mutation: str
    suggested_test: str


@dataclass(frozen=True, slots=True)
class MutationReport:
    """What the tests are worth: ``mutants`` change somebody's access, ``killed`` of them fail a test.

    ``equivalent`` change nobody's access to anything that can be asked for, or take away only what no known route
    answers, and ``refused`` make a document that
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
    def suggestions(self) -> tuple[str, ...]:
        """The suggested tests, each once."""
        return tuple(dict.fromkeys(one.suggested_test for one in self.survived if one.suggested_test))

    @property
    def score(self) -> float:
        """The share of mutants that are killed, in percent; 100 when there are none."""
        return 100.0 * self.killed / self.mutants if self.mutants else 100.0

    def to_json(self) -> dict[str, Any]:
        """The report as ``rbac test --mutate --format json`` shows it."""
        return asdict(self)


def mutate(
    policy: Policy,
    suites: Iterable[Suite],
    routes: KnownRoutes = NO_ROUTES,
    progress: MutationProgress | None = None,
    *,
    warned: Container[int] = (),
) -> MutationReport:
    """Break ``policy`` in every way of :mod:`rbac.mutation.mutants` and see which breaks ``suites`` miss.

    What fails on the policy as it is is left out. For the lines ``warned`` of no test is suggested. Raises
    ScenarioError for tests that cannot be asked.
    """
    suites = tuple(suites)
    asked = [
        question
        for question in questions(policy, suites, routes)
        if question.ask(policy).allowed == question.expected
    ]
    run = _Run(policy, routes, asked, suites)
    mutations = mutations_of(policy)
    survived: list[Survivor] = []
    counts = dict.fromkeys(("killed", "survived", "equivalent", "refused"), 0)
    for done, mutation in enumerate(mutations, 1):
        outcome, found = run.try_one(mutation, suggests=mutation.line not in warned)
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
    def __init__(
        self, policy: Policy, routes: KnownRoutes, asked: Sequence[ScenarioQuestion], suites: Iterable[Suite]
    ) -> None:
        self._policy = policy
        self._routes = routes
        self._asked = asked
        self._wide = _wide(suites, asked)
        self._space = Space((policy,), routes)
        # The people and roles of the policy as it is: a suggested test can only be about these.
        everybody = callers_of(self._space)
        known = told_apart(policy) - {caller.name for caller in everybody if caller.kind == "subject"}
        self._callers = tuple(caller for caller in everybody if caller.kind != "role" or caller.name in known)
        self._people = frozenset(policy.names().singled_out)
        self._roles = [caller.name for caller in self._callers if caller.kind == "role"][:_MOST_ROLES]
        self._askable = askable(policy, routes)
        self._suggested: list[tuple[Request, bool, str]] = []
        self._pool = MutantPool.of(policy, routes, self._callers, self._askable)
        self.notes = (self._pool.space if self._pool else self._space).notes

    def try_one(self, mutation: Mutation, *, suggests: bool) -> tuple[str, Survivor | None]:
        """What became of one mutant, in a word, and the survivor if it is one."""
        try:
            mutant = Policy(apply(self._policy.document, mutation), subjects=self._policy.subjects_look_like)
        except PolicyError:
            return "refused", None
        if self._pool is not None and self._pool.knows(mutation):
            space, found = self._pool.space, self._pool.difference(mutation, self._person_in(mutation))
        else:
            # Another order of the same names: a mutant of a link names nothing new.
            like = self._space if mutation.ptype == "g" and self._space.tables else None
            space = Space((self._policy, mutant), self._routes, like=like)
            found = DifferenceSearch(space, self._callers, self._askable).first()
        if found is None:
            return "equivalent", None
        caller, endpoint = found
        request = space.request({**caller.words, **endpoint.words})
        before = answer(self._policy, request).allowed
        if before == answer(mutant, request).allowed:
            raise SpaceError(f"line {mutation.line}, {mutation.what}: {request}")
        if any(question.ask(mutant).allowed != question.expected for question in self._touched(mutation)):
            return "killed", None
        if self._wide and not self._hold(mutant):
            return "killed", None
        if before and self._routes and not self._exists(endpoint):
            return "equivalent", None
        test = self._suggestion(mutant, caller, endpoint, space, before=before) if suggests else ""
        return "survived", Survivor(mutation.line, mutation.what, test)

    def _suggestion(
        self, mutant: Policy, caller: Caller, endpoint: Endpoint, space: Space, *, before: bool
    ) -> str:
        """A test that fails on ``mutant``: one that was suggested already, if there is one."""
        for request, expected, test in self._suggested:
            if answer(mutant, request).allowed != expected:
                return test
        shown = (
            endpoint
            if self._holds_throughout(caller, endpoint, space, before=before)
            else replace(endpoint, known=False)
        )
        test = suggest(caller, shown, space, self._routes, self._policy, expected=before)
        self._suggested.append((space.request({**caller.words, **endpoint.words}), before, test))
        return test

    def _holds_throughout(self, caller: Caller, endpoint: Endpoint, space: Space, *, before: bool) -> bool:
        """Whether every kind of path in a route's template is decided as the one path that was asked about."""
        obj = self._space.shape.obj
        if not endpoint.known or obj is None:
            return True
        paths = self._endpoints.paths(endpoint.obj, endpoint.act)
        requests = (space.request({**caller.words, **endpoint.words, obj: path}) for path in paths)
        return all(answer(self._policy, request).allowed == before for request in requests)

    @cached_property
    def _endpoints(self) -> EndpointClasses:
        return EndpointClasses(self._policy, self._routes)

    def _exists(self, endpoint: Endpoint) -> bool:
        """Whether the application has the endpoint: that others stay open is a promise that nobody wants."""
        shape = self._space.shape
        act, obj = (endpoint.words.get(word or "", "") for word in (shape.act, shape.obj))
        return endpoint.known or bool(self._routes.matching(act, obj))

    def _hold(self, mutant: Policy) -> bool:
        """Whether the tests about templates and about everything else hold, asked for what the mutant tells apart."""
        try:
            asked = questions(mutant, self._wide, self._routes)
            return all(question.ask(mutant).allowed == question.expected for question in asked)
        except ScenarioError:
            return False

    def _person_in(self, mutation: Mutation) -> Sequence[Caller]:
        """The person whom a mutated rule names in a role's place, with each role that a token may hold: a lock-out
        takes away what others have by their role."""
        column = self._policy.relations.role_column
        if column is None or mutation.ptype != "p":
            return ()
        name = self._policy.document.rows["p"][mutation.index][column]
        return people_with_roles(self._space, name, self._roles) if name in self._people else ()

    def _touched(self, mutation: Mutation) -> Iterable[ScenarioQuestion]:
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
            for request in question.requests():
                mask |= space.masks(dict(zip(space.words, request, strict=True)))[0]
            masks.append(mask)
        return masks


def _wide(suites: Iterable[Suite], asked: Sequence[ScenarioQuestion]) -> tuple[Suite, ...]:
    """The tests that ask another policy other requests: those about templates, and those that close all the rest."""
    wide = {id(q.scenario) for q in asked if q.template or q.scenario.exactly is not None}
    found = (
        replace(suite, scenarios=tuple(scenario for scenario in suite.scenarios if id(scenario) in wide))
        for suite in suites
    )
    return tuple(suite for suite in found if suite.scenarios)
