"""From scenarios to the requests that they put to a policy, each with the answer that it must have.

What a policy cannot be asked (a role that it does not know, a path that no route has) is an error at its place in
the test file: a `cannot` about something misspelled would pass for ever.
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from rbac.asking import document_names, stands_for, token_words
from rbac.axes import HTTP_METHODS, Axes
from rbac.callers import ANY_TOKEN, NOBODY
from rbac.decision import Decision
from rbac.errors import Problem
from rbac.policy import Policy
from rbac.routes import NO_ROUTES, KnownRoutes
from rbac.scenario_file import Assertion, Caller, Name, Scenario, ScenarioError, Suite
from rbac.vocabulary import stranger
from rbac.yaml_nodes import Place

UNKNOWN_ROLE: Final = "an unknown role"


@dataclass(frozen=True, slots=True)
class Question:
    """One request of a scenario and whether it must be allowed.

    ``request`` holds the words in the model's order; ``roles`` the roles of a caller with several, to be put in turn
    in the place ``role_index``. ``caller`` is who asks, for people; ``role`` is set when it is one role (or
    `nobody`, or `any valid token`), for coverage.
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

    def ask(self, policy: Policy) -> Decision:
        """What ``policy`` decides. Raises RequestError for several roles under a priority effect."""
        if len(self.roles) > 1:
            return policy.decide_roles(self.request, self.role_index, self.roles)
        return policy.decide_request(self.request)


@dataclass(frozen=True, slots=True)
class _Asker:
    """A caller made concrete: ``words`` are the caller's words of the request."""

    label: str
    role: str | None
    words: Mapping[str, str]
    roles: tuple[str, ...] = ()


def questions(
    policy: Policy, suites: Iterable[Suite], routes: KnownRoutes = NO_ROUTES
) -> tuple[Question, ...]:
    """Everything that ``suites`` ask of ``policy``; raises :class:`ScenarioError` with all that cannot be asked."""
    asking = _Asking(policy, routes)
    found = tuple(question for suite in suites for question in asking.suite(suite))
    if asking.problems:
        raise ScenarioError(asking.problems)
    return found


class _Asking:
    """Makes the questions for one policy, and collects what is wrong with them."""

    def __init__(self, policy: Policy, routes: KnownRoutes) -> None:
        self.policy = policy
        self.routes = routes
        self.axes = Axes.of(policy.document.definition)
        self.problems: list[Problem] = []

    def suite(self, suite: Suite) -> Iterator[Question]:
        for scenario in suite.scenarios:
            assertions = [(assertion, self._words(scenario, assertion)) for assertion in scenario.assertions]
            for asker, allowed in self._askers(scenario):
                for assertion, words in assertions:
                    expected = assertion.expected if allowed is None else allowed
                    yield self._question(suite, scenario, assertion, asker, words, expected=expected)

    def _question(
        self,
        suite: Suite,
        scenario: Scenario,
        assertion: Assertion,
        asker: _Asker,
        words: Mapping[str, str],
        *,
        expected: bool,
    ) -> Question:
        both = [word for word in words if word in asker.words]
        if both:
            self._refuse(
                assertion.place, "test-caller", f"`{both[0]}` is already said by the caller", "delete one"
            )
        request = {**asker.words, **words}
        return Question(
            suite=suite.name,
            scenario=scenario,
            place=assertion.place,
            caller=asker.label,
            role=asker.role,
            roles=asker.roles,
            role_index=self.axes.words.index(self.axes.role),
            request=tuple(request.get(word, "") for word in self.axes.words),
            act=words.get(self.axes.act or "", ""),
            obj=words.get(self.axes.obj or "", ""),
            expected=expected,
        )

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
        elif caller.roles is not None or caller.sub is not None:
            yield self._somebody(scenario, caller), None
        else:
            yield _Asker("the caller", None, {}), None

    def _somebody(self, scenario: Scenario, caller: Caller) -> _Asker:
        axes, sub = self.axes, caller.sub
        roles = self._known_roles(caller.roles or ())
        if sub is not None and axes.sub is None:
            self._refuse(
                scenario.place, "test-caller", "the model's request has no word for a person", "use `role:`"
            )
        if sub is not None and roles and axes.sub == axes.role:
            message = f"the model asks with `{axes.role}` alone: a person or a role, not both"
            self._refuse(scenario.place, "test-caller", message, "delete one")
        who = [] if sub is None else [f"sub {sub}"]
        label = " with ".join([" and ".join(roles), *who] if roles else who) or ANY_TOKEN
        words = self._token() if sub is None else {axes.sub or axes.role: sub}
        if len(roles) == 1:
            words[axes.role] = roles[0]
        role = (roles[0] if len(roles) == 1 else None if roles else ANY_TOKEN) if sub is None else None
        return _Asker(label, role, words, roles)

    def _token(self) -> dict[str, str]:
        return token_words(self.axes, self._names)

    def _stranger_with(self, label: str) -> _Asker:
        return _Asker(label, ANY_TOKEN, {**self._token(), self.axes.role: stranger("role", self._names)})

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
            _Asker(name, name, {**token, self.axes.role: name})
            for name in self.policy.roles
            if name not in self._singled_out
        )
        people = (
            _Asker(name, name, {self.axes.sub or self.axes.role: name})
            for name in sorted(self._singled_out.union(self.policy.subjects))
        )
        return (_Asker(NOBODY, NOBODY, {}), *bare, self._stranger_with(UNKNOWN_ROLE), *roles, *people)

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

    def _unknown_role(self, role: str) -> tuple[str, str]:
        message = f"the policy knows no role `{role}`"
        if role in self.policy.relations.constants:
            return (
                f"`{role}` is a word of the model that no caller has as a role",
                "use `anonymous: true` or `sub: …`",
            )
        if role in self.policy.subjects:
            return f"`{role}` is a person and no role", f"write `sub: {role}`"
        close = difflib.get_close_matches(role, self.policy.roles, n=1)
        known = ", ".join(f"`{name}`" for name in self.policy.roles)
        roles = f"its roles are {known}" if known else "it knows no role at all"
        unknown = "; for a role that the policy does not know write `unknown-role: true`"
        return message, (f"did you mean `{close[0]}`?" if close else roles) + unknown

    def _stands_for(self, name: str, asker: _Asker, scenario: Scenario) -> bool:
        """Whether ``asker`` is one of those that ``name`` means: the role itself, or whom the model counts in."""
        if name not in self.policy.relations.constants:
            return asker.role == name
        request = {**asker.words, **self._words(scenario, scenario.assertions[0], quiet=True)}
        return stands_for(self.policy, name, tuple(request.get(word, "") for word in self.axes.words))

    # --- what for

    def _words(self, scenario: Scenario, assertion: Assertion, *, quiet: bool = False) -> Mapping[str, str]:
        """The words of the request that scenario and assertion fill, by the model's names for them."""
        aliases = {"act": self.axes.act, "obj": self.axes.obj}
        words: dict[str, str] = {}
        for word, value in (*scenario.words.items(), *assertion.words.items()):
            name = word if word in self.axes.words else aliases.get(word)
            if name is None:
                known = ", ".join(f"`{known}`" for known in self.axes.words)
                self._refuse(
                    assertion.place, "test-unknown-word", f"the model's request has no word `{word}`", known
                )
            else:
                words[name] = value
        if not quiet:
            self._check_action(assertion, words)
            self._check_path(scenario, assertion, words)
        if self.axes.obj in words:
            words[self.axes.obj] = self._concrete(words[self.axes.obj])
        return words

    def _check_action(self, assertion: Assertion, words: Mapping[str, str]) -> None:
        act = words.get(self.axes.act or "")
        if act is None or not self._asks_for_paths or act in HTTP_METHODS or act in self._actions:
            return
        hint = "methods are written in capitals: " + ", ".join(sorted(HTTP_METHODS))
        if act == "HEAD":
            hint = "`HEAD` is decided as `GET`: write `GET`"
        elif act.upper() in HTTP_METHODS:
            hint = f"did you mean `{act.upper()}`?"
        self._refuse(
            assertion.place, "test-unknown-action", f"`{act}` is no method that anything asks with", hint
        )

    def _check_path(self, scenario: Scenario, assertion: Assertion, words: Mapping[str, str]) -> None:
        path = words.get(self.axes.obj or "")
        if path is None or not self._asks_for_paths:
            return
        if not path.startswith("/") or "?" in path:
            hint = "a path begins with `/` and has no query"
            self._refuse(assertion.place, "test-unknown-path", f"`{path}` is not a path", hint)
        elif self.routes and not scenario.unrouted and not self.routes.has_path(path):
            paths = list(dict.fromkeys(route.obj for route in self.routes))
            close = difflib.get_close_matches(path, paths, n=1)
            hint = f"did you mean `{close[0]}`? " if close else ""
            hint += "if a path without a route is meant, add `unrouted: true` to the test"
            self._refuse(assertion.place, "test-unknown-path", f"no route has the path `{path}`", hint)

    @cached_property
    def _asks_for_paths(self) -> bool:
        """Whether objects are URL paths: there are routes, or every rule with an object has a path."""
        objects = self._columns(self.axes.obj) - {"", "*"}
        return bool(self.routes) or (bool(objects) and all(value.startswith("/") for value in objects))

    @cached_property
    def _actions(self) -> frozenset[str]:
        return frozenset(self._columns(self.axes.act) | {route.act for route in self.routes})

    def _columns(self, word: str | None) -> set[str]:
        """The values of the rules' columns that the model compares ``word`` with."""
        if word is None:
            return set()
        relations = self.policy.relations.of_word(self.axes.words.index(word))
        return {row[relation.column] for relation in relations for row in self.policy.document.rows["p"]}

    def _concrete(self, path: str) -> str:
        """A path for a route's template, so that `/users/{id}` asks about a user and not about braces."""
        for route in self.routes:
            if route.obj == path and not route.literal:
                return route.sample(
                    {part for pattern in self._columns(self.axes.obj) for part in pattern.split("/")}
                )
        return path
