"""How a document is judged before it decides, and what the log is told of the outcome."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rbac.background import Pause
from rbac.document.names import SUBJECT
from rbac.errors import PolicyError, Problem
from rbac.linting.lint import lint
from rbac.model.own_functions import OwnFunctions
from rbac.policy import Policy
from rbac.policy_tests.verdict import Verdict
from rbac.routes import NO_ROUTES, KnownRoutes
from rbac.stores import Snapshot

log = logging.getLogger("rbac.live")

Gate = Callable[[Policy, Snapshot], Sequence[Problem]]
TestsGate = Callable[[Policy, Snapshot], Verdict]

_LOGGED = 50


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the gates said of a document that passed them: the warnings, sorted, and what came of its tests."""

    warnings: tuple[Problem, ...] = ()
    tested: Verdict | None = None


NOT_JUDGED: Final = Judgement()
Approval = Callable[[Snapshot], Judgement | None]
"""What the same gates said of this document already, in another process; ``None`` where it has to be asked for."""


def not_yet(_: Snapshot) -> None:
    """Approves of nothing: every document is judged where it is loaded."""


def lint_gate(policy: Policy, snapshot: Snapshot, routes: KnownRoutes = NO_ROUTES) -> Sequence[Problem]:
    """What ``rbac check`` says of the document: the gate that a live policy has unless it is given another."""
    from rbac.policy_tests.scenario_file import (
        named_in,  # YAML: loaded by whoever gates, not by `import rbac`
    )

    return lint(policy.document, routes, subjects=policy.subjects_look_like, named=named_in(snapshot.tests))


def parsed(
    snapshot: Snapshot,
    pause: Pause | None,
    subjects: str = SUBJECT,
    functions: OwnFunctions | None = None,
) -> Policy:
    """The policy of the document in ``snapshot``, whose people look as ``subjects`` says, and whose matcher may call
    ``functions``. Raises :class:`PolicyError`."""
    policy = Policy.parse(
        snapshot.model,
        snapshot.policy,
        model_name=snapshot.model_name,
        policy_name=snapshot.policy_name,
        subjects=subjects,
        functions=functions,
        pause=pause,
    )
    # Every request asks for these, and the first one must not be the one that works them out.
    policy.roles_by_sub  # noqa: B018 - remembered
    return policy


def judged(policy: Policy, snapshot: Snapshot, gate: Gate, tests_gate: TestsGate | None) -> Judgement:
    """What the gates say. Raises :class:`PolicyError` if one finds an error."""
    problems = list(gate(policy, snapshot))
    tested = None if tests_gate is None else tests_gate(policy, snapshot)
    if tested is not None:
        problems += tested.problems
    if any(problem.severity == "error" for problem in problems):
        raise PolicyError(problems)
    return Judgement(tuple(sorted(problems)), tested)


def tell_of_swap(revision: str, old: str | None, judgement: Judgement, before: Verdict | None) -> None:
    """What is in force now, in place of what, and what it passed: a warning where there are fewer tests than before."""
    tested = judgement.tested
    for problem in first(judgement.warnings):
        log.warning("%s", problem)
    instead = "" if old is None else f", in place of {old}"
    passed = "" if tested is None else f"; {tested.says(before)}"
    fewer = tested is not None and before is not None and tested.tests < before.tests
    log.log(logging.WARNING if fewer else logging.INFO, "policy %s in force%s%s", revision, instead, passed)


def tell_of_refusal(kept: str | None, problems: Sequence[Problem]) -> None:
    """What stays in force, and each reason, the errors first, as :class:`PolicyError` has them."""
    stays = "nothing is in force" if kept is None else f"{kept} stays in force"
    for problem in first(problems):
        error = isinstance(problem, str) or problem.severity == "error"
        log.log(logging.ERROR if error else logging.WARNING, "policy refused, %s: %s", stays, problem)


def first(problems: Sequence[Problem]) -> Iterator[Problem | str]:
    """What the log is told of many problems: somebody may have put another file altogether in the policy's place."""
    yield from problems[:_LOGGED]
    if len(problems) > _LOGGED:
        yield f"and {len(problems) - _LOGGED} more; `rbac check` lists them"
