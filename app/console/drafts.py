"""What a draft would change: its problems, the tests it fails, whose access it changes, and who would have noticed."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from app.console.answers import MOST_TOLD, DocumentInForce
from app.console.differences import difference, told_problems
from rbac.decision_log.lines import DecisionLines
from rbac.decision_log.replay import replay
from rbac.errors import PolicyError, RbacError
from rbac.policy import Policy
from rbac.policy_tests.questions import questions
from rbac.policy_tests.run import ask_all, parse_suite
from rbac.policy_tests.suite import ScenarioError
from rbac.review import access


def draft(case: DocumentInForce, asked: Mapping[str, Any]) -> dict[str, Any]:
    """What is wrong with ``asked["policy"]`` in the place of the document in force, and what would be decided otherwise.

    ``asked`` may hold a ``model``, ``questions`` as :func:`explain` takes them, and ``lines`` of the decision log, which
    are asked again as far as they came ``via`` what this document decides. Of a draft that cannot be read there are
    problems alone. Nothing is saved.
    """
    try:
        policy = _drafted(case, asked)
    except PolicyError as error:
        told = told_problems(error.problems)
        nothing: dict[str, Any] = {"tests": None, "replay": None, "questions": []}
        return {"readable": False, "live": case.policy.revision, "revision": None, **told, **nothing}
    snapshot = replace(case.snapshot, model=policy.document.model_bytes, policy=policy.document.policy_bytes)
    return {
        "readable": True,
        "live": case.policy.revision,
        "revision": policy.revision,
        **told_problems(case.gate(policy, snapshot)),
        "tests": _tests(policy, case),
        "replay": _replayed(policy, asked["lines"], asked["via"]),
        "questions": [_both(case.policy, policy, one) for one in asked["questions"]],
    }


def draft_difference(case: DocumentInForce, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Whose access ``asked["policy"]`` would change. Raises :class:`PolicyError` where it cannot be read."""
    return difference(case.policy, _drafted(case, asked), case.routes)


def _drafted(case: DocumentInForce, asked: Mapping[str, Any]) -> Policy:
    model = case.snapshot.model if asked["model"] is None else asked["model"].encode()
    return case.compile(model, asked["policy"].encode())


def _tests(policy: Policy, case: DocumentInForce) -> dict[str, Any]:
    """What comes of the policy tests that stand beside the document in force."""
    read = [parse_suite(content, name) for name, content in sorted(case.snapshot.tests.items())]
    problems = [problem for _, found in read for problem in found]
    suites = [suite for suite, _ in read if suite is not None]
    tests = sum(len(suite.scenarios) for suite in suites)
    shape: dict[str, Any] = {"tests": tests, "held": 0, "failing": [], "failed": 0, "problems": []}
    if problems:
        return shape | {"problems": [problem.to_json() for problem in problems[:MOST_TOLD]]}
    try:
        report = ask_all(policy, questions(policy, suites, case.test_routes, one_of_each=True))
    except ScenarioError as error:
        return shape | {"problems": [problem.to_json() for problem in error.problems[:MOST_TOLD]]}
    failing = {one.question.scenario.place for one in report.failures}
    return shape | {
        "held": tests - len(failing),
        "failed": len(failing),
        "failing": [one.to_json() | {"says": one.says()} for one in report.failures[:MOST_TOLD]],
    }


def _replayed(policy: Policy, lines: str, via: Sequence[str]) -> dict[str, Any]:
    """The recorded decisions in ``lines`` that would come out differently."""
    with tempfile.NamedTemporaryFile(prefix="sekisho-", suffix=".jsonl") as file:
        file.write(lines.encode("ascii"))
        file.flush()
        found = replay(policy, DecisionLines([file.name]), via=via)
    return {
        "replayed": found.reading.asked,
        "not_asked": len(found.reading.not_asked),
        "flips": len(found.flips),
        "flipped": [flip.to_json() for flip in found.flips[:MOST_TOLD]],
    }


def _both(live: Policy, policy: Policy, asked: Mapping[str, Any]) -> dict[str, Any]:
    """One question, answered by the document in force and by the draft."""
    try:
        was, now = (
            access.explain(one, asked["roles"], asked["sub"] or None, asked["words"])[0].decision
            for one in (live, policy)
        )
    except RbacError as error:
        return {"was": None, "now": None, "rule": None, "error": str(error)}
    rule = now.rule and now.rule.to_json()
    return {"was": was.allowed, "now": now.allowed, "rule": rule, "error": None}
