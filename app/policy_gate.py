"""What a document must pass before it decides anything here: lint, the request's words, and its own policy tests."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from app.config import Settings
from app.request_words import RequestWords, RequestWordsError
from rbac import LivePolicy, Policy, Problem
from rbac.lint import lint
from rbac.routes import KnownRoutes
from rbac.scenarios import check_tests

# What lint only warns of, and this service does not start with: its own document must deny by default.
_REFUSED_HERE = frozenset({"allows-by-default"})


def live_policy(settings: Settings, routes: KnownRoutes) -> LivePolicy:
    """The policy that ``settings`` name, not loaded yet, behind the gate that they ask for."""
    return LivePolicy.files(
        settings.policy_model,
        settings.policy_file,
        settings.policy_tests,
        gate=partial(_lint_gate, settings.policy_request),
        tests_gate=partial(_tests_gate, routes, warn_only=settings.policy_gate == "lint"),
    )


def _lint_gate(mapping: str, policy: Policy) -> Sequence[Problem]:
    problems = [
        replace(problem, severity="error") if problem.code in _REFUSED_HERE else problem
        for problem in lint(policy.document)
    ]
    try:
        RequestWords.parse(mapping, policy.words)
    except RequestWordsError as error:
        problems.append(
            Problem(
                file=policy.document.model_name,
                line=0,
                column=0,
                code="request-words",
                severity="error",
                message=f"the model and POLICY_REQUEST do not fit: {error}",
                hint="map each word of the model's request in POLICY_REQUEST",
            )
        )
    return problems


def _tests_gate(
    routes: KnownRoutes, policy: Policy, tests: Mapping[str, bytes], *, warn_only: bool
) -> Sequence[Problem]:
    problems = check_tests(policy, tests, routes)
    if warn_only:
        return [replace(problem, severity="warning") for problem in problems]
    return problems
