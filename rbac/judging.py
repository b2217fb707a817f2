"""How a document is judged before it decides, and what the log is told of the outcome."""

import logging
from collections.abc import Callable, Iterator, Sequence

from rbac.errors import PolicyError, Problem
from rbac.lint import lint
from rbac.names import SUBJECT
from rbac.own_functions import OwnFunctions
from rbac.policy import Policy
from rbac.routes import NO_ROUTES, KnownRoutes
from rbac.stores import Snapshot
from rbac.verdict import Verdict

log = logging.getLogger("rbac.live")

Gate = Callable[[Policy, Snapshot], Sequence[Problem]]
TestsGate = Callable[[Policy, Snapshot], Verdict]

_LOGGED = 50


def lint_gate(policy: Policy, snapshot: Snapshot, routes: KnownRoutes = NO_ROUTES) -> Sequence[Problem]:
    """What ``rbac check`` says of the document: the gate that a live policy has unless it is given another."""
    from rbac.scenario_file import named_in  # YAML: loaded by whoever gates, not by `import rbac`

    return lint(policy.document, routes, subjects=policy.subjects_look_like, named=named_in(snapshot.tests))


def parsed(
    snapshot: Snapshot,
    pause: Callable[[], None] | None,
    subjects: str = SUBJECT,
    functions: OwnFunctions | None = None,
) -> Policy:
    """The policy of the document in ``snapshot``, whose people look as ``subjects`` says, and whose matcher may call
    ``functions``. Raises :class:`PolicyError`."""
    return Policy.parse(
        snapshot.model,
        snapshot.policy,
        model_name=snapshot.model_name,
        policy_name=snapshot.policy_name,
        subjects=subjects,
        functions=functions,
        pause=pause,
    )


def judged(
    policy: Policy, snapshot: Snapshot, gate: Gate, tests_gate: TestsGate | None
) -> tuple[tuple[Problem, ...], Verdict | None]:
    """The warnings of the gates, sorted, and what came of the tests. Raises :class:`PolicyError` if a gate finds an
    error."""
    problems = list(gate(policy, snapshot))
    tested = None if tests_gate is None else tests_gate(policy, snapshot)
    if tested is not None:
        problems += tested.problems
    if any(problem.severity == "error" for problem in problems):
        raise PolicyError(problems)
    return tuple(sorted(problems)), tested


def tell_of_swap(
    revision: str,
    old: str | None,
    warnings: Sequence[Problem],
    tested: Verdict | None,
    before: Verdict | None,
) -> None:
    """What is in force now, in place of what, and what it passed: a warning where there are fewer tests than before."""
    for problem in first(warnings):
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
