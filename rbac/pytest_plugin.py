"""pytest runs the policy tests, and gives Python tests a ``policy`` to ask.

``pytest_rbac`` is what pytest loads; this module is imported where there is a policy test or a test with the fixture.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from rbac.decision import Decision, Explanation
    from rbac.policy import Policy
    from rbac.policy_tests.run import Case
    from rbac.policy_tests.suite import Scenario, Suite
    from rbac.policy_tests.suite_files import SuiteFiles
    from rbac.routes import KnownRoutes


class _Subject(NamedTuple):
    """What the tests of one run are about."""

    policy: "Policy"
    routes: "KnownRoutes"


_SUBJECT = pytest.StashKey[_Subject]()


def suites_in(folders: Sequence[Path]) -> "SuiteFiles":
    """The policy tests in these folders, by the rules of the gate of a service."""
    from rbac.policy_tests.suite_files import SuiteFiles, suite_files

    found = [suite_files(folder) for folder in folders]
    return SuiteFiles(
        read=tuple(path for each in found for path in each.read),
        passed_over=tuple(path for each in found for path in each.passed_over),
        directories=tuple(path for each in found for path in each.directories),
    )


def _document(config: pytest.Config) -> tuple[Path, Path]:
    return config.rootpath / config.getini("rbac_model"), config.rootpath / config.getini("rbac_policy")


def _subject(config: pytest.Config) -> _Subject:
    """The policy and the routes, read once a run. Raises RbacError."""
    if _SUBJECT not in config.stash:
        from rbac.document.names import SUBJECT, checked_subjects
        from rbac.model.own_functions import named_functions
        from rbac.policy import Policy
        from rbac.routes import load_routes, routes_beside

        model, policy = _document(config)
        functions = named_functions(config.getini("rbac_functions"))
        people = config.getini("rbac_subjects") or SUBJECT
        loaded = Policy.load(model, policy, subjects=checked_subjects(people), functions=functions)
        reference = config.getini("rbac_routes")
        routes = load_routes(reference) if reference else routes_beside(policy)
        config.stash[_SUBJECT] = _Subject(loaded, routes)
    return config.stash[_SUBJECT]


class PolicyTestWarning(pytest.PytestWarning):
    """What ``rbac test`` warns of: a name that stands twice, a group that no test uses, a line that is not what it looks
    like."""


class PolicyTestFile(pytest.File):
    """One YAML file of policy tests."""

    def collect(self) -> Iterator["PolicyTest"]:
        """A test for each entry; a file that cannot be read is an error that names the lines. What is odd about it and
        keeps no test from being asked is among pytest's warnings."""
        from rbac.errors import RbacError
        from rbac.policy_tests.scenario_file import parse_suite, suite_warnings
        from rbac.policy_tests.suite import ScenarioError

        try:
            file = str(self.path.relative_to(self.config.rootpath))
        except ValueError:
            file = str(self.path)
        try:
            content = self.path.read_bytes()
            suite, problems = parse_suite(content, file)
            if suite is None:
                raise ScenarioError(problems)
            _subject(self.config)
            for problem in suite_warnings({file: content}):
                self.warn(PolicyTestWarning(shown(str(problem))))
        except (RbacError, OSError, PolicyTestWarning) as error:  # the last where warnings are to be errors
            raise self.CollectError(_lines_shown(str(error))) from error
        for scenario in suite.scenarios:
            yield PolicyTest.from_parent(self, name=shown(scenario.name), suite=suite, scenario=scenario)


class PolicyTestFailure(Exception):  # noqa: N818 - what pytest shows is its text, never its name
    """A test of the policy that does not hold."""


class PolicyTest(pytest.Item):
    """One entry of a policy test file."""

    def __init__(self, *, suite: "Suite", scenario: "Scenario", **options: Any) -> None:
        super().__init__(**options)
        self._suite = suite
        self._scenario = scenario

    def runtest(self) -> None:
        """Ask the policy all that the entry says."""
        from dataclasses import replace

        from rbac.policy_tests.run import ScenarioError, run

        subject = _subject(self.config)
        alone = replace(self._suite, scenarios=(self._scenario,))
        try:
            report = run(subject.policy, [alone], subject.routes)
        except ScenarioError as error:
            raise PolicyTestFailure(_lines_shown(str(error))) from error
        if report.failures:
            raise PolicyTestFailure(_lines_shown(_text(report.failures, report.policy_name)))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What was decided, by which rule, on which line; no traceback, which would be about this plugin."""
        if isinstance(excinfo.value, PolicyTestFailure):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the entry stands; pytest counts lines from 0."""
        return self.path, self._scenario.place.line - 1, f"{shown(self._suite.name)}: {self.name}"


def shown(text: str) -> str:
    """``text`` on one line, as pytest can show it on a terminal and send it, as UTF-8, from process to process."""
    from rbac.text.visible import visible

    return visible(text)


def _lines_shown(text: str) -> str:
    return "\n".join(map(shown, text.split("\n")))


def _text(failures: Sequence["Case"], policy_name: str) -> str:
    why = failures[0].question.scenario.why
    lines = [f"why: {why}"] if why else []
    for case in failures:
        place = case.question.place
        lines += [f"{place.file}:{place.line}: {case.says()}", f"    {case.because(policy_name)}"]
    return "\n".join(lines)


class ShownDecision:
    """A decision that is true when it allows, and whose ``repr`` says why, for pytest to show."""

    def __init__(self, explanation: "Explanation", policy_name: str) -> None:
        self.explanation = explanation
        self._policy_name = policy_name

    def __bool__(self) -> bool:
        return self.explanation.decision.allowed

    def __repr__(self) -> str:
        decision = self.explanation.decision
        verdict = "allowed" if decision.allowed else "denied"
        if decision.rule is not None:
            return f"<{verdict} by {self._policy_name}:{decision.rule.line}: {decision.rule.text}>"
        if decision.allowed or not self.explanation.nearest:
            return f"<{verdict}: no rule {'denies' if decision.allowed else 'allows'} it>"
        near = self.explanation.nearest[0]
        nearest = f"{self._policy_name}:{near.rule.line}: {near.rule.text}"
        return f"<denied: no rule allows it; nearest is {nearest}, with {near.missing}>"


class PolicyToTest:
    """The policy, as tests in Python ask it."""

    def __init__(self, policy: "Policy") -> None:
        self.policy = policy

    def __repr__(self) -> str:
        return f"<policy {self.policy.revision}>"

    def allows(self, role: "str | Sequence[str] | None", act: str, obj: str, **words: str) -> ShownDecision:
        """Whether a caller with this role (or these) may do it; ``assert`` the answer, or that it is not so.

        A role is somebody with a valid token whom the policy does not name, unless ``sub`` says who; ``None`` is
        nobody, without a token. ``words`` are other words of the model's request. As :meth:`rbac.Policy.allows`.
        """
        from rbac.asking import ask_about

        explanation = ask_about(self.policy, role, act, obj, words)
        return ShownDecision(explanation, Path(self.policy.document.policy_name).name)

    def decide(self, **words: Any) -> "Decision":
        """:meth:`rbac.Policy.decide`."""
        return self.policy.decide(**words)


def policy_to_test(config: pytest.Config) -> PolicyToTest:
    """The policy of ``rbac_model`` and ``rbac_policy``."""
    return PolicyToTest(_subject(config).policy)
