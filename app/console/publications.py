"""Documents that were or would be published: whether one passes the gate, and what changed from one to the next."""

from collections.abc import Iterator, Mapping
from difflib import unified_diff
from itertools import islice
from typing import Any, Final

from app.console.answers import DocumentInForce, text_of
from app.console.differences import difference, told_problems
from app.console.wire import received
from rbac.errors import PolicyError
from rbac.guard.gate import tests_hold
from rbac.policy import Policy
from rbac.stores import Snapshot

_MOST_LINES: Final = 1000


def publication(case: DocumentInForce, asked: Mapping[str, Any]) -> dict[str, Any]:
    """What lint, the request's words and its own tests say of ``asked["candidate"]``, as a reload would be judged.

    ``errors`` is 0 for one that may be published.
    """
    candidate = received(asked["candidate"])
    try:
        policy = case.compile(candidate.model, candidate.policy)
        problems = [*case.gate(policy, candidate), *tests_hold(case.test_routes, policy, candidate).problems]
    except PolicyError as error:
        return {"revision": None, **told_problems(error.problems)}
    return {"revision": policy.revision, **told_problems(problems)}


def comparison(case: DocumentInForce, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Whose access changed from ``asked["before"]`` to ``asked["after"]``, and which lines.

    ``diff`` is as that of a draft; of two documents that cannot both be read here it says why.
    """
    before, after = received(asked["before"]), received(asked["after"])
    lines = list(islice(_changed_lines(before, after), _MOST_LINES + 1))
    told = {"patch": "".join(lines[:_MOST_LINES]), "patch_complete": len(lines) <= _MOST_LINES}
    try:
        old, new = (_read(case, each) for each in (before, after))
    except PolicyError as error:
        notes = [f"it cannot be read here: {error.problems[0]}"]
        nothing: dict[str, Any] = {"summary": "", "entries": [], "totals": {}}
        return told | {"diff": {**nothing, "complete": False, "notes": notes}}
    return told | {"diff": difference(old, new, case.routes)}


def _read(case: DocumentInForce, snapshot: Snapshot) -> Policy:
    return case.compile(snapshot.model, snapshot.policy)


def _changed_lines(before: Snapshot, after: Snapshot) -> Iterator[str]:
    """A unified diff of everything that was published."""
    files = [
        (before.model_name, before.model, after.model),
        (before.policy_name, before.policy, after.policy),
        *(
            (name, before.tests.get(name, b""), after.tests.get(name, b""))
            for name in sorted({*before.tests, *after.tests})
        ),
    ]
    for name, old, new in files:
        if old != new:
            was, now = (text_of(content).splitlines(keepends=True) for content in (old, new))
            for line in unified_diff(was, now, f"a/{name}", f"b/{name}"):
                yield line if line.endswith("\n") else f"{line}\n"
