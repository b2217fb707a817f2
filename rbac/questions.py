"""From scenarios to the requests that they put to a policy, each with the answer that it must have.

What a policy cannot be asked (a role that it does not know, a path that no route has) is an error at its place in
the test file: a `cannot` about something misspelled would pass for ever.
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import Final

from rbac.alike import alike
from rbac.asked_endpoints import Ask, AskedEndpoints
from rbac.asking import answer, caller_words, document_names, stands_for, token_words
from rbac.axes import Axes
from rbac.callers import ANY_TOKEN, NOBODY
from rbac.decision import Decision
from rbac.errors import Problem, RequestError
from rbac.policy import Policy
from rbac.routes import NO_ROUTES, KnownRoutes
from rbac.suite import Caller, Name, Scenario, ScenarioError, Suite
from rbac.told_apart import told_apart
from rbac.vocabulary import stranger
from rbac.yaml_nodes import Place

UNKNOWN_ROLE: Final = "an unknown role"


@dataclass(frozen=True, slots=True)
class Question:
    """One request of a scenario and whether it must be allowed.

    ``request`` holds the words in the model's order; ``roles`` the roles of a caller with several, to be put in turn
    in the place ``role_index``. ``caller`` is who asks, for people; ``role`` is set when it is one role (or
    `nobody`, or `any valid token`), for coverage. ``template`` is the path as the test has it where ``obj`` is one
    of several that it stands for. ``others`` are people of whom the answer is true as well, by their names, which
    would stand in the place ``person_index``.
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

    def each(self) -> Iterator["Question"]:
        """The same question about the others, one by one."""
        before, after = self.request[: self.person_index], self.request[self.person_index + 1 :]
        for name in self.others:
            yield replace(self, caller=name, role=name, request=(*before, name, *after), others=())

    def everybody(self) -> Iterator["Question"]:
        """The same question about everybody of whom the answer is true, one by one."""
        yield replace(self, others=()) if self.others else self
        yield from self.each()

    def ask(self, policy: Policy) -> Decision:
        """What ``policy`` decides. Raises RequestError for several roles under a priority effect."""
        if len(self.roles) > 1:
            return policy.decide_roles(self.request, self.role_index, self.roles)
        return policy.decide_request(self.request)

    def decided_by(self, policy: Policy) -> tuple[str, ...]:
        """The request, with one role, that led to what ``policy`` decides."""
        roles = self.roles if len(self.roles) > 1 else ()
        place = self.role_index
        asked = [(*self.request[:place], role, *self.request[place + 1 :]) for role in roles] or [
            self.request
        ]
        decision = self.ask(policy)
        return next((one for one in asked if answer(policy, one) == decision), self.request)


@dataclass(frozen=True, slots=True)
class _Asker:
    """A caller made concrete: ``words`` are the caller's words of the request; ``others`` are people just like them."""

    label: str
    role: str | None
    words: Mapping[str, str]
    roles: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


def questions(
    policy: Policy, suites: Iterable[Suite], routes: KnownRoutes = NO_ROUTES, *, one_of_each: bool = False
) -> tuple[Question, ...]:
    """Everything that ``suites`` ask of ``policy``; raises :class:`ScenarioError` with all that cannot be asked.

    With ``one_of_each``, people whom nothing tells apart are asked about once (:mod:`rbac.alike`).
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


class _Asking:
    """Makes the questions for one policy, and collects what is wrong with them."""

    def __init__(self, policy: Policy, routes: KnownRoutes, asked: frozenset[str]) -> None:
        """``asked`` are the names and the words that the tests write."""
        self.policy = policy
        self.asked = asked
        self.routes = routes
        self.axes = Axes.of(policy.document.definition)
        self.lines = AskedEndpoints(policy, routes, self._refuse)
        self.problems: list[Problem] = []
        self._groups: tuple[str, ...] = ()

    def suite(self, suite: Suite) -> Iterator[Question]:
        self._check_groups(suite)
        for scenario in suite.scenarios:
            asked = [ask for assertion in scenario.assertions for ask in self.lines.asks(scenario, assertion)]
            closed = list(self.lines.closed(scenario, asked))
            for asker, allowed in self._askers(scenario):
                for ask in asked:
                    expected = ask.expected if allowed is None else allowed
                    yield self._question(suite, scenario, ask, asker, expected=expected)
                for ask in closed:
                    yield self._question(suite, scenario, ask, asker, expected=False)

    def _question(
        self, suite: Suite, scenario: Scenario, ask: Ask, asker: _Asker, *, expected: bool
    ) -> Question:
        words = ask.words
        both = [word for word in words if word in asker.words]
        if both:
            self._refuse(ask.place, "test-caller", f"`{both[0]}` is already said by the caller", "delete one")
        request = {**asker.words, **words}
        return Question(
            suite=suite.name,
            scenario=scenario,
            place=ask.place,
            caller=asker.label,
            role=asker.role,
            roles=asker.roles,
            role_index=0 if self.axes.role is None else self.axes.words.index(self.axes.role),
            request=tuple(request.get(word, "") for word in self.axes.words),
            act=words.get(self.axes.act or "", ""),
            obj=words.get(self.axes.obj or "", ""),
            expected=expected,
            template=ask.template,
            others=asker.others,
            person_index=-1 if self._person is None else self.axes.words.index(self._person),
        )

    def _check_groups(self, suite: Suite) -> None:
        """A group that has a role's name would hide who is meant."""
        self._groups = tuple(name.text for name in suite.groups)
        known = {*self.policy.roles, *self.policy.relations.constants}
        for name in suite.groups:
            if name.text in known:
                message = f"`{name.text}` names a group here, and a role of the policy"
                self._refuse(name.place, "test-group", message, "give the group a name of its own")

    def _refuse(self, place: Place, code: str, message: str, hint: str = "") -> None:
        problem = place.problem(code, message, hint)
        if problem not in self.problems:
            self.problems.append(problem)

    # --- who asks

    def _askers(self, scenario: Scenario) -> Iterator[tuple[_Asker, bool | None]]:
        """Who asks, and for `only` whether they may."""
        caller = scenario.caller
        if caller.only is not None:
            people = (*self.policy.subjects, *self.policy.relations.constants)
            named = self._known_roles(caller.only, people)
            for asker in self._everybody:
                allowed = any(self._stands_for(name, asker, scenario) for name in named)
                # One person may be locked out of what everyone else has; they must not have more.
                if not allowed or asker.role not in self._singled_out or asker.role in named:
                    yield asker, allowed
        elif caller.anonymous:
            yield _Asker(NOBODY, NOBODY, {}), None
        elif caller.unknown_role:
            yield self._stranger_with(UNKNOWN_ROLE), None
        elif caller.each is not None:
            for name in caller.each:
                yield self._somebody(scenario, Caller(roles=(name,), sub=caller.sub)), None
        elif caller.roles is not None or caller.sub is not None:
            yield self._somebody(scenario, caller), None
        else:
            yield _Asker("the caller", None, {}), None

    def _somebody(self, scenario: Scenario, caller: Caller) -> _Asker:
        sub = caller.sub
        roles = self._known_roles(caller.roles or ())
        self._check_told_apart(name for name in caller.roles or () if name.text in roles)
        who = [] if sub is None else [f"sub {sub}"]
        label = " with ".join([" and ".join(roles), *who] if roles else who) or ANY_TOKEN
        words: dict[str, str] = {}
        try:
            words = caller_words(self.axes, self._names, roles, sub)
        except RequestError as error:
            self._refuse(scenario.place, "test-caller", str(error), "ask as somebody for whom it has a word")
        words = {word: value for word, value in words.items() if value}
        role = (roles[0] if len(roles) == 1 else None if roles else ANY_TOKEN) if sub is None else None
        return _Asker(label, role, words, roles)

    def _token(self) -> dict[str, str]:
        return token_words(self.axes, self._names)

    def _stranger_with(self, label: str) -> _Asker:
        return _Asker(label, ANY_TOKEN, {**self._token(), **self._as_role(stranger("role", self._names))})

    def _as_role(self, name: str) -> dict[str, str]:
        """The word that says a caller's role; none where the model has no such word."""
        return {} if self.axes.role is None else {self.axes.role: name}

    @cached_property
    def _names(self) -> frozenset[str]:
        return document_names(self.policy)

    @cached_property
    def _everybody(self) -> tuple[_Asker, ...]:
        """Nobody, a valid token with no role and with an unknown one, and every role and person of the policy.

        A person is asked about by their `sub`, with no role but those that links give them.
        """
        token = self._token()
        bare = (_Asker(ANY_TOKEN, ANY_TOKEN, token),) if token else ()
        roles = (
            _Asker(name, name, {**token, **self._as_role(name)})
            for name in self.policy.roles
            if name not in self._singled_out
        )
        names = self._singled_out.union(self.policy.subjects)
        people = (
            _Asker(name, name, {} if self._person is None else {self._person: name}, others=tuple(others))
            for name, *others in alike(self.policy, self._person, names, self.asked)
        )
        return (_Asker(NOBODY, NOBODY, {}), *bare, self._stranger_with(UNKNOWN_ROLE), *roles, *people)

    @property
    def _person(self) -> str | None:
        """The word that a person stands in."""
        return self.axes.role if self.axes.sub is None else self.axes.sub

    @cached_property
    def _singled_out(self) -> frozenset[str]:
        """The people whom a rule names in a role's place."""
        return frozenset(self.policy.names().singled_out)

    def _known_roles(self, names: Sequence[Name], also: Sequence[str] = ()) -> tuple[str, ...]:
        known = {*self.policy.roles, *also}
        for name in names:
            if name.text not in known:
                self._refuse(name.place, "test-unknown-role", *self._unknown_role(name.text))
        return tuple(name.text for name in names if name.text in known)

    def _check_told_apart(self, names: Iterable[Name]) -> None:
        """Refuse roles that no rule is about, through links either: what is denied to them can never fail."""
        for name in names:
            if name.text not in self._roles_told_apart:
                message = f"nothing tells the role `{name.text}` apart from one that the policy does not know"
                hint = "write `unknown-role: true`, or give the role a rule"
                self._refuse(name.place, "test-cannot-fail", message, hint)

    @cached_property
    def _roles_told_apart(self) -> frozenset[str]:
        return told_apart(self.policy)

    def _unknown_role(self, role: str) -> tuple[str, str]:
        message = f"the policy knows no role `{role}`"
        if role in self.policy.relations.constants:
            return (
                f"`{role}` is a word of the model that no caller has as a role",
                "use `anonymous: true` or `sub: …`",
            )
        if role in self.policy.subjects:
            return f"`{role}` is a person and no role", f"write `sub: {role}`"
        group = difflib.get_close_matches(role, self._groups, n=1)
        if group:
            return message, f"did you mean the group `{group[0]}`?"
        close = difflib.get_close_matches(role, self.policy.roles, n=1)
        known = ", ".join(f"`{name}`" for name in self.policy.roles)
        roles = f"its roles are {known}" if known else "it knows no role at all"
        unknown = "; for a role that the policy does not know write `unknown-role: true`"
        return message, (f"did you mean `{close[0]}`?" if close else roles) + unknown

    def _stands_for(self, name: str, asker: _Asker, scenario: Scenario) -> bool:
        """Whether ``asker`` is one of those that ``name`` means: the role itself, or whom the model counts in."""
        if name not in self.policy.relations.constants:
            return asker.role == name
        first = next(self.lines.asks(scenario, scenario.assertions[0], quiet=True))
        request = {**asker.words, **first.words}
        return stands_for(self.policy, name, tuple(request.get(word, "") for word in self.axes.words))
