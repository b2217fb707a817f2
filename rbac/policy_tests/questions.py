"""From scenarios to the requests that they put to a policy, each with the answer that it must have.

What a policy cannot be asked (a role that it does not know, a path that no route has) is an error at its place in
the test file: a `cannot` about something misspelled would pass for ever.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain

from rbac.asking import (
    bounded,
    decided,
)
from rbac.decision import Decision
from rbac.errors import Problem
from rbac.model.request_shape import with_word
from rbac.policy import Policy
from rbac.policy_tests.asked_callers import AskedCallers, Asker
from rbac.policy_tests.asked_endpoints import AskedEndpoints, AskedRequest
from rbac.policy_tests.suite import Assertion, Scenario, ScenarioError, Suite
from rbac.policy_tests.yaml_nodes import Place
from rbac.routes import NO_ROUTES, KnownRoutes


@dataclass(frozen=True, slots=True)
class ScenarioQuestion:
    """One request of a scenario and whether it must be allowed.

    ``request`` holds the words in the model's order; ``roles`` the roles of a caller with several, to be put in turn
    in the place ``role_index``. ``caller`` is who asks, for people; ``role`` is set when it is one role (or
    `nobody`, or `any valid token`), for coverage. ``template`` is the path as the test has it where ``obj`` is one
    of several that it stands for. ``others`` are people of whom the answer is true as well, by their names, which
    would stand in the place ``person_index``. ``program`` is the question about the program that a person calls through.
    """

    suite: str
    scenario: Scenario
    place: Place
    caller: str
    role: str | None
    roles: tuple[str, ...]
    role_index: int
    request: tuple[str, ...]
    act: str
    obj: str
    expected: bool
    template: str = ""
    others: tuple[str, ...] = ()
    person_index: int = -1
    program: "ScenarioQuestion | None" = None

    def each(self) -> Iterator["ScenarioQuestion"]:
        """The same question about the others, one by one."""
        for name in self.others:
            request = with_word(self.request, self.person_index, name)
            yield replace(self, caller=name, role=name, request=request, others=())

    def everybody(self) -> Iterator["ScenarioQuestion"]:
        """The same question about everybody of whom the answer is true, one by one."""
        yield replace(self, others=()) if self.others else self
        yield from self.each()

    def ask(self, policy: Policy) -> Decision:
        """What ``policy`` decides. Raises RequestError for several roles under a priority effect."""
        if len(self.roles) > 1:
            own = policy.decide_roles(self.request, self.role_index, self.roles)
        else:
            own = policy.decide_request(self.request)
        return own if self.program is None else bounded(own, self.program.ask(policy))

    def deciding(self, policy: Policy) -> Iterator[tuple[Decision, tuple[str, ...]]]:
        """Each decision that the answer rests on, with the request that led to it: of a person who calls through a program
        both where both allow, else the one that denies."""
        own = decided(policy, self.request, self.roles, self.role_index)
        other = None if self.program is None else self.program.ask(policy)
        if other is None or self.program is None or not own[0].allowed:
            yield own
        else:
            if other.allowed:
                yield own
            yield from self.program.deciding(policy)

    def decided_by(self, policy: Policy) -> tuple[str, ...]:
        """The request, with one role, that led to what ``policy`` decides."""
        return decided(policy, self.request, self.roles, self.role_index)[1]

    def requests(self) -> Iterator[tuple[str, ...]]:
        """The requests that it comes to: one for each of several roles."""
        if len(self.roles) < 2:
            yield self.request
        for role in self.roles if len(self.roles) > 1 else ():
            yield with_word(self.request, self.role_index, role)
        if self.program is not None:
            yield from self.program.requests()


def questions(
    policy: Policy, suites: Iterable[Suite], routes: KnownRoutes = NO_ROUTES, *, one_of_each: bool = False
) -> tuple[ScenarioQuestion, ...]:
    """Everything that ``suites`` ask of ``policy``; raises :class:`ScenarioError` with all that cannot be asked.

    With ``one_of_each``, people whom nothing tells apart are asked about once (:mod:`rbac.space.alike`).
    """
    suites = tuple(suites)
    asking = _Asking(policy, routes, frozenset(chain.from_iterable(map(_values, suites))))
    found = tuple(question for suite in suites for question in asking.suite(suite))
    if not one_of_each:
        found = tuple(chain.from_iterable(question.everybody() for question in found))
    if asking.problems:
        raise ScenarioError(asking.problems)
    return found


def _values(suite: Suite) -> Iterator[str]:
    """The names and the words that a suite writes."""
    for scenario in suite.scenarios:
        yield from (name.text for name in scenario.caller.only or ())
        yield from scenario.words.values()
        for assertion in scenario.assertions:
            yield from assertion.words.values()


class _Problems(list[Problem]):
    """What is wrong with the questions, each once."""

    def refuse(self, place: Place, code: str, message: str, hint: str = "") -> None:
        problem = place.problem(code, message, hint)
        if problem not in self:
            self.append(problem)


class _Asking:
    """Makes the questions for one policy, and collects what is wrong with them."""

    def __init__(self, policy: Policy, routes: KnownRoutes, asked: frozenset[str]) -> None:
        """``asked`` are the names and the words that the tests write."""
        self.shape = policy.document.definition.shape
        self.problems = problems = _Problems()
        self._refuse = problems.refuse
        self.lines = AskedEndpoints(policy, routes, problems.refuse)
        self._callers = AskedCallers(policy, asked, self.lines, problems.refuse)

    def suite(self, suite: Suite) -> Iterator[ScenarioQuestion]:
        self._callers.check_groups(suite)
        for scenario in suite.scenarios:
            asked = [ask for assertion in scenario.assertions for ask in self._asks(scenario, assertion)]
            closed = list(self.lines.closed(scenario, asked))
            for asker, allowed in self._callers.of(scenario):
                for ask in asked:
                    expected = ask.expected if allowed is None else allowed
                    yield self._question(suite, scenario, ask, asker, expected=expected)
                for ask in closed:
                    yield self._question(suite, scenario, ask, asker, expected=False)

    def _asks(self, scenario: Scenario, assertion: Assertion) -> list[AskedRequest]:
        """The requests of a line; one that stands for none would hold for ever."""
        before = len(self.problems)
        asked = list(self.lines.asks(scenario, assertion))
        if not asked and len(self.problems) == before:
            message, hint = "the line stands for no request", "write a path that somebody can ask for"
            self._refuse(assertion.place, "test-asserts-nothing", message, hint)
        return asked

    def _question(
        self, suite: Suite, scenario: Scenario, ask: AskedRequest, asker: Asker, *, expected: bool
    ) -> ScenarioQuestion:
        words = ask.words
        both = [word for word in words if word in asker.words]
        if both:
            self._refuse(ask.place, "test-caller", f"`{both[0]}` is already said by the caller", "delete one")
        request = {**asker.words, **words}
        return ScenarioQuestion(
            suite=suite.name,
            scenario=scenario,
            place=ask.place,
            caller=asker.label,
            role=asker.role,
            roles=asker.roles,
            role_index=0 if self.shape.role is None else self.shape.words.index(self.shape.role),
            request=tuple(request.get(word, "") for word in self.shape.words),
            act=words.get(self.shape.act or "", ""),
            obj=words.get(self.shape.obj or "", ""),
            expected=expected,
            template=ask.template,
            others=asker.others,
            person_index=-1 if self.shape.person is None else self.shape.words.index(self.shape.person),
            program=None
            if asker.program is None
            else self._question(suite, scenario, ask, asker.program, expected=expected),
        )
