"""What policy tests consist of, once they are read: suites of scenarios, their callers and their assertions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from rbac.document.names import CLIENT, SCOPE
from rbac.errors import Problem, RbacError
from rbac.policy_tests.yaml_nodes import Place


class ScenarioError(RbacError):
    """Policy tests that cannot be read or asked. ``problems`` is the whole list, sorted by place."""

    code: ClassVar[str] = "policy_tests_unreadable"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(sorted(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


@dataclass(frozen=True, slots=True)
class Name:
    """A role or a person that a test names, and where."""

    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class ScenarioCaller:
    """Who asks. At most one of ``roles``, ``each``, ``anonymous``, ``unknown_role`` and ``only`` is set.

    ``roles`` is ``None`` where the test names none; ``each`` are callers with one role each; ``sub`` goes with roles
    or stands alone. ``client`` and ``scopes`` are a program, alone or as what a person calls through. ``only`` names the
    callers who may, and all others must not.
    """

    roles: tuple[Name, ...] | None = None
    each: tuple[Name, ...] | None = None
    sub: str | None = None
    client: str | None = None
    scopes: tuple[Name, ...] | None = None
    anonymous: bool = False
    unknown_role: bool = False
    only: tuple[Name, ...] | None = None

    @property
    def is_person(self) -> bool:
        """Whether somebody is named besides a program."""
        return self.roles is not None or self.sub is not None

    @property
    def is_program(self) -> bool:
        """Whether a program calls, for itself or for a person."""
        return self.client is not None or self.scopes is not None


@dataclass(frozen=True, slots=True)
class Assertion:
    """One thing that a caller can or cannot do: the request's words but for the caller's.

    With ``below`` it is about every method on every path that begins with the word ``obj``.
    """

    expected: bool
    words: Mapping[str, str]
    place: Place
    below: bool = False


@dataclass(frozen=True, slots=True)
class Scenario:
    """One test of a suite.

    ``words`` fills request words beyond caller and assertion (``with:``); ``unrouted`` says that paths which
    no route has are meant. With ``only_methods`` the paths of what can be done are closed to all other methods; with
    ``exactly``, the place of that list, so is everything that is not in it. ``why`` is for whoever sees it fail.
    """

    name: str
    caller: ScenarioCaller
    assertions: tuple[Assertion, ...]
    words: Mapping[str, str]
    unrouted: bool
    place: Place
    only_methods: bool = False
    exactly: Place | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Suite:
    """One test file. ``groups`` are the names that it gives to lists of roles, none of which may be a role's;
    ``warnings`` are about what keeps no test from being asked."""

    name: str
    file: str
    scenarios: tuple[Scenario, ...]
    groups: tuple[Name, ...] = ()
    warnings: tuple[Problem, ...] = ()

    @property
    def named(self) -> frozenset[str]:
        """The roles and persons that its tests speak of."""
        callers = [scenario.caller for scenario in self.scenarios]
        roles = {
            name.text
            for caller in callers
            for name in (*(caller.roles or ()), *(caller.each or ()), *(caller.only or ()))
        }
        programs = {f"{CLIENT}{caller.client}" for caller in callers if caller.client is not None}
        programs |= {f"{SCOPE}{scope.text}" for caller in callers for scope in caller.scopes or ()}
        return frozenset(roles | programs | {caller.sub for caller in callers if caller.sub is not None})
