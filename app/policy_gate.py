"""What a document must pass before it decides anything here: lint, the request's words, and its own policy tests."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from casbin.constant.constants import PRIORITY_EFFECT, SUBJECT_PRIORITY_EFFECT

from app.auth.provider import several_roles
from app.config import Settings
from app.request_words import RequestWords, RequestWordsError
from rbac import LivePolicy, Policy, Problem
from rbac.lint import lint
from rbac.routes import KnownRoutes
from rbac.scenarios import check_tests

# What lint only warns of, and this service does not start with: its own document must deny by default.
_REFUSED_HERE = frozenset({"allows-by-default"})
# The first rule that is met decides: the answers for several roles cannot be put together.
_BY_PRIORITY = frozenset({PRIORITY_EFFECT, SUBJECT_PRIORITY_EFFECT})


def live_policy(settings: Settings, routes: KnownRoutes) -> LivePolicy:
    """The policy that ``settings`` name, not loaded yet, behind the gate that they ask for."""
    return LivePolicy.files(
        settings.policy_model,
        settings.policy_file,
        settings.policy_tests,
        gate=partial(_lint_gate, settings.policy_request, several_roles(settings)),
        tests_gate=partial(_tests_gate, routes, warn_only=settings.policy_gate == "lint"),
    )


def _lint_gate(mapping: str, several: bool, policy: Policy) -> Sequence[Problem]:
    problems = [
        replace(problem, severity="error") if problem.code in _REFUSED_HERE else problem
        for problem in lint(policy.document)
    ]
    try:
        words = RequestWords.parse(mapping, policy.words)
    except RequestWordsError as error:
        message = f"the model and POLICY_REQUEST do not fit: {error}"
        hint = "map each word of the model's request in POLICY_REQUEST"
        return [*problems, _of_model(policy, "request-words", message, hint)]
    if several and words.role_index is not None and policy.document.definition.effect in _BY_PRIORITY:
        message = "the model decides by priority, so one role at a time, and ROLE_CLAIMS can bring several"
        hint = "name one claim in ROLE_CLAIMS that holds one role, or use an effect without priorities"
        problems.append(_of_model(policy, "several-roles", message, hint))
    return problems


def _of_model(policy: Policy, code: str, message: str, hint: str) -> Problem:
    """An error that is about the model as a whole."""
    return Problem(policy.document.model_name, 0, 0, code, "error", message, hint)


def _tests_gate(
    routes: KnownRoutes, policy: Policy, tests: Mapping[str, bytes], *, warn_only: bool
) -> Sequence[Problem]:
    problems = check_tests(policy, tests, routes)
    if warn_only:
        return [replace(problem, severity="warning") for problem in problems]
    return problems
