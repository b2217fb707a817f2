"""Policy tests: what must stay true of a policy, asked of it one request at a time.

Files are read by :mod:`rbac.policy_tests.scenario_file`, made into requests by
:mod:`rbac.policy_tests.questions`, and asked here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rbac.background import paced
from rbac.decision import Decision
from rbac.errors import Problem, RbacError
from rbac.policy import Policy
from rbac.policy_tests.questions import ScenarioQuestion, questions
from rbac.policy_tests.scenario_file import find_files, parse_suite, read_suites, suite_warnings
from rbac.policy_tests.suite import Scenario, ScenarioError, Suite
from rbac.policy_tests.suite_files import no_tests, not_read
from rbac.policy_tests.verdict import Verdict
from rbac.routes import NO_ROUTES, KnownRoutes

__all__ = [
    "Case",
    "Report",
    "ScenarioError",
    "Suite",
    "Verdict",
    "ask_all",
    "check_tests",
    "find_files",
    "hold",
    "parse_suite",
    "questions",
    "read_suites",
    "run",
    "run_tests",
]


@dataclass(frozen=True, slots=True)
class Case:
    """One request of a test and what the policy decided."""

    question: ScenarioQuestion
    decision: Decision

    @property
    def passed(self) -> bool:
        """Whether the decision is the one that the test expects."""
        return self.decision.allowed == self.question.expected

    @property
    def endpoint(self) -> str:
        """What was asked for: ``GET /user``."""
        return f"{self.question.act} {self.question.obj}".strip()

    def says(self) -> str:
        """What was decided, against what was expected, as a sentence."""
        can = "can" if self.decision.allowed else "cannot"
        should = "" if self.passed else ", and should" if self.question.expected else ", and should not"
        question = self.question
        shown = (
            f"{question.act} {question.template} (as {question.obj})" if question.template else self.endpoint
        )
        return f"{question.caller} {can} {shown}{should}"

    def because(self, policy_name: str) -> str:
        """The deciding rule with its place, or that there is none."""
        rule = self.decision.rule
        if rule is None:
            return "no rule denies it" if self.decision.allowed else "no rule allows it"
        return f"{policy_name}:{rule.line}: {rule.text}"

    def to_json(self) -> dict[str, Any]:
        """The case as ``rbac test --format json`` shows it."""
        question = self.question
        return {
            "suite": question.suite,
            "test": question.scenario.name,
            "file": question.place.file,
            "line": question.place.line,
            "caller": question.caller,
            "act": question.act,
            "obj": question.obj,
            "expected": question.expected,
            "allowed": self.decision.allowed,
            "passed": self.passed,
            "reason": self.decision.reason,
            "rule": self.decision.rule and self.decision.rule.to_json(),
        } | ({"why": question.scenario.why} if question.scenario.why else {})


@dataclass(frozen=True, slots=True)
class Report:
    """What came of all tests. ``cases`` are in the order of the files."""

    revision: str
    policy_name: str
    cases: tuple[Case, ...]

    @property
    def failures(self) -> tuple[Case, ...]:
        """The cases that did not come out as expected."""
        return tuple(case for case in self.cases if not case.passed)

    def to_json(self) -> dict[str, Any]:
        """The outcome as ``rbac test --format json`` shows it."""
        return {
            "revision": self.revision,
            "passed": len(self.cases) - len(self.failures),
            "failed": len(self.failures),
            "cases": [case.to_json() for case in self.cases],
        }

    def problems(self) -> tuple[Problem, ...]:
        """A problem for each failure, at its place in the test file."""
        return tuple(
            case.question.place.problem(
                "test-failed",
                f"the test `{case.question.scenario.name}` fails: {case.says()}",
                case.because(self.policy_name) + _why(case.question.scenario),
            )
            for case in self.failures
        )


def _why(scenario: Scenario) -> str:
    return f"; the test is there because: {scenario.why}" if scenario.why else ""


def run(policy: Policy, suites: Iterable[Suite], routes: KnownRoutes = NO_ROUTES) -> Report:
    """Ask ``policy`` everything that ``suites`` ask; raises :class:`ScenarioError` for what cannot be asked."""
    return ask_all(policy, questions(policy, suites, routes))


def ask_all(policy: Policy, asked: Iterable[ScenarioQuestion]) -> Report:
    """Ask ``policy`` these questions; raises :class:`ScenarioError` for those that it cannot decide.

    Where one stands for others and fails, they are asked one by one.
    """
    cases: list[Case] = []
    problems: list[Problem] = []
    for question in paced(asked):
        try:
            cases.append(Case(question, question.ask(policy)))
            if not cases[-1].passed:
                cases += (Case(other, other.ask(policy)) for other in paced(question.each()))
        except RbacError as error:
            problems.append(question.place.problem("test-undecided", f"this cannot be decided: {error}"))
    if problems:
        raise ScenarioError(dict.fromkeys(problems))
    return Report(policy.revision, policy.document.policy_name, tuple(cases))


def run_tests(
    policy: Policy, suites: Iterable[Suite], routes: KnownRoutes = NO_ROUTES
) -> tuple[Problem, ...]:
    """What keeps ``policy`` from passing: each failing line, or each that cannot be asked. Empty when all hold."""
    try:
        return run(policy, suites, routes).problems()
    except ScenarioError as error:
        return error.problems


def check_tests(
    policy: Policy, files: Mapping[str, bytes] | Sequence[str | Path], routes: KnownRoutes = NO_ROUTES
) -> tuple[Problem, ...]:
    """What keeps ``policy`` from passing the tests in these files, given by path or by name and content.

    A file that cannot be read is a problem like a test that fails, and so is it that there is not a single test.
    """
    if not isinstance(files, Mapping):
        place = str(files[0]) if files else ""
        try:
            files = {str(path): path.read_bytes() for path in find_files(files)}
        except OSError as error:
            name = str(error.filename or "")
            return (
                Problem(name, 0, 0, "test-unreadable", "error", f"cannot be read: {error.strerror or error}"),
            )
        return _errors(hold(policy, files, routes, place=place))
    return _errors(hold(policy, files, routes))


def _errors(verdict: Verdict) -> tuple[Problem, ...]:
    return tuple(problem for problem in verdict.problems if problem.severity == "error")


def hold(
    policy: Policy,
    files: Mapping[str, bytes],
    routes: KnownRoutes = NO_ROUTES,
    *,
    place: str = "policy_tests",
    passed_over: Iterable[str] = (),
) -> Verdict:
    """The gate of a live policy: whether ``policy`` passes its tests, and that it has some.

    INVARIANT: a document without a test that asks something has not passed its tests. ``place`` is where they belong,
    ``passed_over`` are the files there that are not read for their names.
    """
    warnings = (*map(not_read, passed_over), *suite_warnings(files))
    parsed = [parse_suite(content, name) for name, content in sorted(files.items())]
    suites = [suite for suite, _ in parsed if suite is not None]
    tests = sum(len(suite.scenarios) for suite in suites)
    problems = tuple(sorted(problem for _, found in parsed for problem in found))
    try:
        asked = () if problems else questions(policy, suites, routes, one_of_each=True)
        if problems or not asked:
            return Verdict(tests, 0, (*(problems or (no_tests(place),)), *warnings))
        report = ask_all(policy, asked)
    except ScenarioError as error:
        return Verdict(tests, 0, (*error.problems, *warnings))
    failing = {case.question.scenario.place for case in report.failures}
    return Verdict(tests, tests - len(failing), (*report.problems(), *warnings))
