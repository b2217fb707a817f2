"""Evaluations: one question or a batch of them, each decided, recorded and answered on its own."""

from collections.abc import Mapping
from time import perf_counter_ns
from typing import Any

from starlette.types import Scope

from app.authzen.body import TooLarge
from app.checkpoint import ServiceCheckpoint
from app.decision_point.point import Word
from app.decision_point.question import AuthZenQuestion, Defaults, MalformedRequest, read_question
from app.decision_point.words import SharedSubject
from rbac import Policy, RequestError
from rbac.decision_log.ruling import Asked, Ruling
from rbac.text.wording import quoted

MOST_EVALUATIONS = 1000
MOST_RECORDED = 4 << 20  # bytes that one batch may add to the decision log, about

# The decision after which the rest of a batch is left out.
_LAST_DECISION: Mapping[str, bool | None] = {
    "execute_all": None,
    "deny_on_first_deny": False,
    "permit_on_first_permit": True,
}
_ABSENT: Any = object()


async def evaluation(
    checkpoint: ServiceCheckpoint, scope: Scope, members: Mapping[str, Any], started: int
) -> dict[str, Any]:
    """The answer to one question. Raises :class:`MalformedRequest`."""
    return evaluate(
        checkpoint, scope, read_question(members), checkpoint.service.documents.point.policy, started
    )


async def evaluations(
    checkpoint: ServiceCheckpoint, scope: Scope, members: Mapping[str, Any], started: int
) -> dict[str, Any]:
    """The answers to a batch, in order; without any evaluations, the answer to the one question that is left.

    One bad item is a deny with an error of its own, and so is every item behind those that were recorded in
    :data:`MOST_RECORDED` bytes. Every item is decided by the same document. Raises :class:`MalformedRequest` for what is
    wrong with the batch as a whole.
    """
    last_decision = _semantic(members)
    items = members.get("evaluations", _ABSENT)
    if items is not _ABSENT and type(items) is not list:
        raise MalformedRequest("`evaluations` must be a list")
    if items is _ABSENT or not items:
        return await evaluation(checkpoint, scope, members, started)
    if len(items) > MOST_EVALUATIONS:
        raise MalformedRequest(f"there are more than {MOST_EVALUATIONS:,} evaluations")
    defaults, shared = Defaults.read(members), SharedSubject()
    policy = checkpoint.service.documents.point.policy
    answers: list[dict[str, Any]] = []
    recorded = 0
    with checkpoint.service.turns.begin() as turn:
        for item in items:
            if turn.over:
                await turn.pass_on()
            now, before = perf_counter_ns(), checkpoint.log.recorded_bytes
            try:
                if recorded > MOST_RECORDED:
                    raise TooLarge(
                        f"the evaluations before this one were recorded in {MOST_RECORDED:,} bytes"
                    )
                answer = evaluate(checkpoint, scope, defaults.question(item), policy, now, shared)
            except MalformedRequest as error:
                answer = _bad_item(checkpoint, scope, error, now)
            recorded += checkpoint.log.recorded_bytes - before
            answers.append(answer)
            if answer["decision"] is last_decision:
                break
    return {"evaluations": answers}


def _bad_item(
    checkpoint: ServiceCheckpoint, scope: Scope, error: MalformedRequest, started: int
) -> dict[str, Any]:
    checkpoint.reject(scope, error.code, error.status, "", "", started=started, via="authzen")
    return {"decision": False, "context": {"error": {"status": error.status, "message": str(error)}}}


def evaluate(
    checkpoint: ServiceCheckpoint,
    scope: Scope,
    question: AuthZenQuestion,
    policy: Policy,
    started: int,
    shared: SharedSubject | None = None,
) -> dict[str, Any]:
    """Decides one question and records that. Raises :class:`MalformedRequest` for one that cannot be asked."""
    words = checkpoint.service.documents.pdp_request.read(question, shared)
    try:
        ruling = checkpoint.service.documents.point.ask(words, policy)
    except RequestError as error:
        raise MalformedRequest(str(error)) from error
    decision = ruling.decision
    decision_id = record(checkpoint, scope, question, words, ruling, started)
    return {
        "decision": decision.allowed,
        "context": {
            "reason": decision.reason,
            "policy_revision": decision.revision,
            "decision_id": decision_id,
        },
    }


def record(
    checkpoint: ServiceCheckpoint,
    scope: Scope,
    question: AuthZenQuestion,
    words: Mapping[str, Word],
    ruling: Ruling,
    started: int,
) -> str:
    """Records the decision about ``question``; its id."""
    roles = words.get("role" if ruling.role_index is None else ruling.policy.words[ruling.role_index], ())
    if isinstance(roles, str):
        roles = (roles,) if roles else ()
    return checkpoint.record(
        scope,
        ruling,
        Asked(question.subject["id"], tuple(roles)),
        question.action["name"],
        question.resource["id"],
        started=started,
        via="authzen",
    )


def _semantic(members: Mapping[str, Any]) -> bool | None:
    """The decision that ends a batch. Raises :class:`MalformedRequest` for options that are none."""
    options = members.get("options", _ABSENT)
    if options is _ABSENT:
        return None
    if type(options) is not dict:
        raise MalformedRequest("`options` must be an object")
    semantic = options.get("evaluations_semantic", "execute_all")
    if type(semantic) is not str or semantic not in _LAST_DECISION:
        known = quoted(_LAST_DECISION)
        raise MalformedRequest(f"`options.evaluations_semantic` must be one of {known}")
    return _LAST_DECISION[semantic]
