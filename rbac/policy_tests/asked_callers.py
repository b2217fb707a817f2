"""From the caller of a policy test to the words by which somebody like that asks.

Whom a policy cannot be asked about (a role that it does not know, one that nothing is about) is an error at its place in the
test file: a `cannot` about somebody misspelled would pass for ever.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from rbac.asking import (
    ANY_TOKEN,
    NOBODY,
    CallingProgram,
    ModelWords,
    caller_words,
    document_names,
    everybody,
    token_words,
)
from rbac.document.names import SCOPE, Subjects, stranger
from rbac.errors import RequestError
from rbac.policy import Policy
from rbac.policy_tests.asked_endpoints import AskedEndpoints, Refuse
from rbac.policy_tests.suite import Name, Scenario, ScenarioCaller, Suite
from rbac.space.alike import alike, told_apart
from rbac.text.nearest import Nearest, nearest
from rbac.text.wording import quoted
from rbac.text.yaml_text import yaml_text

UNKNOWN_ROLE: Final = "an unknown role"


@dataclass(frozen=True, slots=True)
class Asker:
    """A caller made concrete: ``words`` are the caller's words of the request; ``others`` are people just like them,
    ``program`` what they call through."""

    label: str
    role: str | None
    words: Mapping[str, str]
    roles: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    program: "Asker | None" = None


class AskedCallers:
    """Who asks in the tests of one policy, whose requests are those of ``lines``; ``asked`` are the names and the words that
    the tests write. Whom it cannot be asked about goes to ``refuse``."""

    def __init__(self, policy: Policy, asked: frozenset[str], lines: AskedEndpoints, refuse: Refuse) -> None:
        self._policy = policy
        self._shape = policy.document.definition.shape
        self._asked = asked
        self._lines = lines
        self._refuse = refuse
        self._groups: tuple[str, ...] = ()

    def check_groups(self, suite: Suite) -> None:
        """A group that has a role's name would hide who is meant."""
        self._groups = tuple(name.text for name in suite.groups)
        known = {*self._policy.roles, *self._policy.relations.constants}
        for name in suite.groups:
            if name.text in known:
                message = f"`{name.text}` names a group here, and a role of the policy"
                self._refuse(name.place, "test-group", message, "give the group a name of its own")

    def of(self, scenario: Scenario) -> Iterator[tuple[Asker, bool | None]]:
        """Who asks, and for `only` whether they may."""
        caller = scenario.caller
        if caller.only is not None:
            people = (*self._policy.subjects, *self._policy.relations.constants)
            named = self._known_roles(caller.only, people)
            for asker in self._everybody:
                allowed = any(self._stands_for(name, asker, scenario) for name in named)
                # One person may be locked out of what everyone else has; they must not have more.
                if not allowed or asker.role not in self._singled_out or asker.role in named:
                    yield asker, allowed
        elif caller.anonymous:
            yield Asker(NOBODY, NOBODY, {}), None
        elif caller.unknown_role:
            yield self._stranger(), None
        elif caller.each is not None:
            for name in caller.each:
                yield self._caller(scenario, replace(caller, roles=(name,), each=None)), None
        elif caller.is_person or caller.is_program:
            yield self._caller(scenario, caller), None
        else:
            yield Asker("the caller", None, {}), None

    def _caller(self, scenario: Scenario, caller: ScenarioCaller) -> Asker:
        """A person, a program, or a person who calls through one."""
        if not caller.is_program:
            return self._somebody(scenario, caller)
        program = self._program(scenario, caller)
        if not caller.is_person:
            return program
        person = self._somebody(scenario, caller)
        return replace(person, label=f"{person.label} through {program.label}", role=None, program=program)

    def _program(self, scenario: Scenario, caller: ScenarioCaller) -> Asker:
        scopes = self._known_scopes(caller.scopes or ())
        program = CallingProgram.of(caller.client, scopes)
        client = "a client" if caller.client is None else f"client {caller.client}"
        label = f"{client} with {' and '.join(scopes)}" if scopes else client
        words = self._words(scenario, program.words)
        role = program.roles[0] if len(program.roles) == 1 and caller.client is None else None
        return Asker(label, role, words, program.roles)

    def _known_scopes(self, names: Sequence[Name]) -> tuple[str, ...]:
        known = [name.removeprefix(SCOPE) for name in self._policy.roles if name.startswith(SCOPE)]
        for name in names:
            if name.text not in known:
                close = nearest(name.text, known)
                hint = f"did you mean `{close}`?" if close else f"the scopes of its rules are {quoted(known)}"
                message = f"no rule of the policy is about the scope `{name.text}`"
                self._refuse(name.place, "test-unknown-role", message, hint if known else "it has none")
        return tuple(name.text for name in names if name.text in known)

    def _somebody(self, scenario: Scenario, caller: ScenarioCaller) -> Asker:
        sub = caller.sub
        self._check_sub(scenario, sub)
        roles = self._known_roles(caller.roles or ())
        self._check_told_apart(name for name in caller.roles or () if name.text in roles)
        who = [] if sub is None else [f"sub {sub}"]
        label = " with ".join([" and ".join(roles), *who] if roles else who) or ANY_TOKEN
        words = self._words(scenario, caller_words, roles, sub)
        role = (roles[0] if len(roles) == 1 else None if roles else ANY_TOKEN) if sub is None else None
        return Asker(label, role, words, roles)

    def _check_sub(self, scenario: Scenario, sub: str | None) -> None:
        """Refuse a person whom no token names: what is denied to them can never fail. Whom the policy names is its own
        business: of these, `check` warns."""
        shape = self._shape
        if sub is None or shape.sub is None or shape.sub == shape.role:
            return
        if sub in self._policy.subjects or sub in self._policy.roles:
            return
        if self._people.is_person(sub) and not self._people.is_sub(sub):
            message = f"no token has the `sub` `{sub}`, so what is denied to it can never fail"
            hint = "write the person's `sub`, which the issuer's console and the decision log show"
            self._refuse(scenario.place, "test-cannot-fail", message, hint)

    def _words(
        self, scenario: Scenario, words_of: Callable[..., Mapping[str, str]], *who: object
    ) -> Mapping[str, str]:
        """The words that say something of a caller; none where the model cannot be asked about them."""
        try:
            words = words_of(self._shape, self._names, *who)
        except RequestError as error:
            self._refuse(scenario.place, "test-caller", str(error), "ask as somebody for whom it has a word")
            return {}
        return {word: value for word, value in words.items() if value}

    def _stranger(self) -> Asker:
        role = self._shape.role
        words = token_words(self._shape, self._names)
        with_role = words if role is None else {**words, role: stranger("role", self._names)}
        return Asker(UNKNOWN_ROLE, ANY_TOKEN, with_role)

    @cached_property
    def _people(self) -> Subjects:
        return Subjects.of(self._policy.subjects_look_like)

    @cached_property
    def _names(self) -> frozenset[str]:
        return document_names(self._policy)

    @cached_property
    def _everybody(self) -> tuple[Asker, ...]:
        """Nobody, a valid token with no role and with an unknown one, and every role and person of the policy.

        A person is asked about by their `sub`, with no role but those that links give them.
        """
        return tuple(self._askers())

    def _askers(self) -> Iterator[Asker]:
        roles = [name for name in self._policy.roles if name not in self._singled_out]
        names = self._singled_out.union(self._policy.subjects)
        people = {
            name: tuple(others)
            for name, *others in alike(self._policy, self._shape.person, names, self._asked)
        }
        token = token_words(self._shape, self._names)
        for kind, name, words in everybody(self._shape, token, roles, people):
            if kind != "token" or words:
                yield Asker(name, name, words, others=people[name] if kind == "subject" else ())
            if kind == "token":
                yield self._stranger()

    @cached_property
    def _roles_known(self) -> Nearest:
        return Nearest(self._policy.roles)

    @cached_property
    def _model_words(self) -> ModelWords:
        return ModelWords(self._policy)

    @cached_property
    def _singled_out(self) -> frozenset[str]:
        """The people whom a rule names in a role's place."""
        return frozenset(self._policy.names().singled_out)

    def _known_roles(self, names: Sequence[Name], also: Sequence[str] = ()) -> tuple[str, ...]:
        known = {*self._policy.roles, *also}
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
        return told_apart(self._policy)

    def _unknown_role(self, role: str) -> tuple[str, str]:
        message = f"the policy knows no role `{role}`"
        if role in self._policy.relations.constants:
            return (
                f"`{role}` is a word of the model that no caller has as a role",
                "use `anonymous: true` or `sub: …`",
            )
        if role in self._policy.subjects:
            return f"`{role}` is a person and no role", f"write `sub: {yaml_text(role)}`"
        group = nearest(role, self._groups)
        if group:
            return message, f"did you mean the group `{group}`?"
        close = self._roles_known.meant(role)
        known = quoted([name for name in self._policy.roles if name not in self._singled_out])
        roles = f"its roles are {known}" if known else "it knows no role at all"
        unknown = "; for a role that the policy does not know write `unknown-role: true`"
        return message, (f"did you mean `{close}`?" if close else roles) + unknown

    def _stands_for(self, name: str, asker: Asker, scenario: Scenario) -> bool:
        """Whether ``asker`` is one of those that ``name`` means: the role itself, or whom the model counts in."""
        if name not in self._policy.relations.constants:
            return asker.role == name
        first = next(self._lines.asks(scenario, scenario.assertions[0], quiet=True))
        request = {**asker.words, **first.words}
        return self._model_words.mean(name, tuple(request.get(word, "") for word in self._shape.words))
