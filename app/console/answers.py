"""What the console asks about the policy in force, answered by the library as JSON."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import orjson

from rbac.decision import Explanation
from rbac.decision_log.ask_again import NotAskableError, ask
from rbac.errors import Problem, RequestError
from rbac.explain import explain as explain_decision
from rbac.policy import Policy
from rbac.review import access
from rbac.review.matrix import matrix
from rbac.review.matrix_views import to_csv, to_json
from rbac.routes import KnownRoutes
from rbac.stores import Snapshot

MOST_TOLD: Final = 500
"""Of each list; how many there are is told besides."""
_AROUND: Final = 3  # lines before and behind the one that decides

ServedGate = Callable[[Policy, Snapshot], Sequence[Problem]]


@dataclass(frozen=True, slots=True)
class DocumentInForce:
    """The document in force and what a document is judged by here: the gate, and the endpoints that are served.

    ``test_routes`` are those that policy tests may speak of; ``compile`` makes the policy of another model and rules.
    """

    policy: Policy
    snapshot: Snapshot
    routes: KnownRoutes
    test_routes: KnownRoutes
    gate: ServedGate
    compile: Callable[[bytes, bytes], Policy]


def document(case: DocumentInForce) -> dict[str, Any]:
    """The document: its text, the words of its model, and of each name which rules and links are about it.

    ``version`` is its number in a store that counts, else 0.
    """
    policy = case.policy
    return {
        "revision": policy.revision,
        "version": case.snapshot.version,
        "model": {"name": policy.document.model_name, "text": text_of(policy.document.model_bytes)},
        "policy": {"name": policy.document.policy_name, "text": text_of(policy.document.policy_bytes)},
        "words": list(policy.words),
        "rules": len(policy.document.rows["p"]),
        "names": _names(policy),
        "tests": [{"name": name, "text": text_of(content)} for name, content in case.snapshot.tests.items()],
    }


def text_of(content: bytes) -> str:
    """What people see of a file."""
    return content.decode("utf-8-sig", "replace")


def _names(policy: Policy) -> list[dict[str, Any]]:
    """Roles, people and the model's own words: what each of them holds, who holds it, and the rules about it."""
    known = policy.names()
    people = {*known.subjects, *known.singled_out}
    kinds = dict.fromkeys(policy.relations.constants, "word")
    kinds |= dict.fromkeys(known.roles, "role") | dict.fromkeys(people, "person")
    column = policy.relations.role_column
    found: dict[str, dict[str, Any]] = {}

    def entry(name: str) -> dict[str, Any]:
        empty: dict[str, Any] = {"rules": [], "holds": [], "held_by": []}
        return found.setdefault(name, {"name": name, "kind": kinds.get(name, "role"), **empty})

    for rule in policy.document.rules():
        if rule.ptype == "g":
            held, holder = entry(rule.fields[1]), entry(rule.fields[0])
            domain = {"domain": rule.fields[2]} if len(rule.fields) > 2 else {}
            holder["holds"].append({"role": rule.fields[1], "line": rule.line, **domain})
            held["held_by"].append({"name": rule.fields[0], "line": rule.line, **domain})
        elif rule.ptype == "p" and column is not None:
            entry(rule.fields[column])["rules"].append(rule.to_json())
    for each in found.values():
        for list_ in ("rules", "holds", "held_by"):
            each[f"{list_}_total"] = len(each[list_])
            del each[list_][MOST_TOLD:]
    return sorted(found.values(), key=lambda each: each["name"])


def matrix_json(case: DocumentInForce) -> dict[str, Any]:
    """The matrix as ``rbac matrix --format json`` shows it, a dangerous cell with its ``danger``."""
    made = matrix(case.policy, case.routes)
    shown = to_json(made)
    for row, cells in zip(shown["cells"], made.cells, strict=True):
        for each, cell in zip(row, cells, strict=True):
            if cell.danger:
                each["danger"] = cell.danger
    return shown


def matrix_csv(case: DocumentInForce) -> str:
    """The matrix as ``rbac matrix --format csv`` shows it."""
    return to_csv(matrix(case.policy, case.routes))


def explain(case: DocumentInForce, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Why a request is answered as it is, with the lines around the deciding one. ``asked`` holds ``roles``, ``sub`` and
    ``words``, as ``rbac explain`` takes them.

    Raises :class:`RequestError` for what the model cannot be asked.
    """
    explanation, besides, every = access.explain(
        case.policy, asked["roles"], asked["sub"] or None, asked["words"]
    )
    others = [
        {"with": dict(words), "allowed": one.allowed, "rule": one.line}
        for words, one in islice(every, MOST_TOLD)
        if words != besides
    ]
    return {
        **_explained(case.policy, explanation),
        "with": dict(besides),
        "others": others,
        "complete": not every.notes and len(every) <= MOST_TOLD,
        "notes": list(every.notes),
    }


def explain_recorded(case: DocumentInForce, line: str) -> dict[str, Any]:
    """Why the recorded decision in ``line`` of the decision log would come out as it does by the document in force.

    Raises :class:`RequestError` where it cannot be asked again.
    """
    recorded = orjson.loads(line)
    request = {
        word: tuple(value) if type(value) is list else value for word, value in recorded["request"].items()
    }
    about: dict[str, Any] = {"recorded": recorded, "with": {}, "others": [], "complete": True, "notes": []}
    if recorded.get("altered"):
        note = (
            "the log holds it altered, because something in it must not be logged: it cannot be asked again"
        )
        return about | {"complete": False, "notes": [note]}
    if tuple(request) != case.policy.words:
        note = "the model in force asks with other words: it cannot be asked again"
        return about | {"complete": False, "notes": [note]}
    try:
        decision, words = ask(case.policy, tuple(request.values()))
    except NotAskableError as error:
        raise RequestError(str(error)) from error
    explanation = explain_decision(case.policy, decision, words)
    return about | _explained(case.policy, explanation)


def _explained(policy: Policy, explanation: Explanation) -> dict[str, Any]:
    rule = explanation.decision.rule
    around: list[dict[str, Any]] = []
    if rule is not None:
        lines = text_of(policy.document.policy_bytes).split("\n")
        first = max(rule.line - 1 - _AROUND, 0)
        around = [
            {"line": number, "text": text.rstrip("\r")}
            for number, text in enumerate(lines[first : rule.line + _AROUND], first + 1)
        ]
    return {**explanation.to_json(), "file": policy.document.policy_name, "around": around}
