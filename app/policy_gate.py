"""What a document must pass before it decides anything here: lint, the request's words, and its own policy tests."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from casbin.constant.constants import PRIORITY_EFFECT, SUBJECT_PRIORITY_EFFECT

from app.auth.provider import several_roles
from app.config import Settings
from app.request_words import RequestWords, RequestWordsError
from rbac import LivePolicy, Policy, Problem
from rbac.judging import lint_gate
from rbac.lint import as_served
from rbac.own_functions import named_functions
from rbac.routes import NO_ROUTES, KnownRoutes
from rbac.scenarios import hold
from rbac.stores import Snapshot
from rbac.stores.cache import DocumentCache
from rbac.suite_files import NO_TESTS
from rbac.verdict import Verdict

# The first rule that is met decides: the answers for several roles cannot be put together.
_BY_PRIORITY = frozenset({PRIORITY_EFFECT, SUBJECT_PRIORITY_EFFECT})


def cache_of(settings: Settings, name: str) -> DocumentCache | None:
    """Where ``POLICY_CACHE`` keeps the last good document called ``name``."""
    return None if settings.policy_cache is None else DocumentCache(settings.policy_cache / name)


def live_policy(settings: Settings, routes: KnownRoutes) -> LivePolicy:
    """The policy that ``settings`` name, not loaded yet, behind the gate that they ask for. Raises FunctionsError."""
    return LivePolicy.files(
        settings.policy_model,
        settings.policy_file,
        settings.policy_tests,
        gate=partial(_own_gate, settings.policy_request, several_roles(settings), routes),
        tests_gate=partial(_warn_only if settings.policy_gate == "lint" else _tests_gate, routes),
        cache=cache_of(settings, "policy"),
        subjects=settings.policy_subjects,
        functions=named_functions(settings.policy_functions),
    )


def proxy_policy(settings: Settings, model: Path, policy: Path, tests: Path) -> LivePolicy:
    """A document about the servers behind a proxy, not loaded yet, behind the same gate. Raises FunctionsError."""
    return LivePolicy.files(
        model,
        policy,
        tests,
        gate=lambda read, snapshot: as_served(lint_gate(read, snapshot)),
        tests_gate=partial(_warn_only if settings.policy_gate == "lint" else _tests_gate, NO_ROUTES),
        cache=cache_of(settings, "forward-auth"),
        subjects=settings.policy_subjects,
        functions=named_functions(settings.policy_functions),
    )


def _own_gate(
    mapping: str, several: bool, routes: KnownRoutes, policy: Policy, snapshot: Snapshot
) -> Sequence[Problem]:
    """What ``rbac check`` says of the service's own document, and that the request's words fit."""
    problems = list(as_served(lint_gate(policy, snapshot, routes)))
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


def _tests_gate(routes: KnownRoutes, policy: Policy, snapshot: Snapshot) -> Verdict:
    return hold(policy, snapshot.tests, routes, place=snapshot.tests_name, passed_over=snapshot.passed_over)


def _warn_only(routes: KnownRoutes, policy: Policy, snapshot: Snapshot) -> Verdict:
    """Tests that fail are warnings; to have none is what was asked for."""
    tested = _tests_gate(routes, policy, snapshot)
    told = (problem for problem in tested.problems if problem.code != NO_TESTS)
    return replace(tested, problems=tuple(replace(problem, severity="warning") for problem in told))
