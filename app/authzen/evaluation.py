"""An evaluation: one question, decided, recorded and answered."""

from collections.abc import Mapping
from typing import Any

from starlette.types import Scope

from app.checkpoint import ServiceCheckpoint
from app.decision_point.point import Word
from app.decision_point.question import AuthZenQuestion, MalformedRequest, read_question
from rbac import Decision, Policy, RequestError
from rbac.decision_log.ruling import Asked, Ruling
from rbac.policy import ROLE_WORD


async def evaluation(
    checkpoint: ServiceCheckpoint, scope: Scope, members: Mapping[str, Any], started: int
) -> bytes:
    """The answer to one question. Raises :class:`MalformedRequest`."""
    policy = checkpoint.service.documents.point.policy
    ruling, decision_id = evaluate(checkpoint, scope, read_question(members), policy, started)
    return answered(ruling.decision, decision_id).encode("ascii")


def evaluate(
    checkpoint: ServiceCheckpoint, scope: Scope, question: AuthZenQuestion, policy: Policy, started: int
) -> tuple[Ruling, str]:
    """Decides one question and records that; with the decision's id. Raises :class:`MalformedRequest` for one that cannot
    be asked."""
    words = checkpoint.service.documents.pdp_request.read(question)
    try:
        ruling = checkpoint.service.documents.point.ask(words, policy)
    except RequestError as error:
        raise MalformedRequest(str(error)) from error
    return ruling, record(checkpoint, scope, question, words, ruling, started)


def answered(decision: Decision, decision_id: str) -> str:
    """The answer to one question, as JSON: nothing in it was chosen by a caller, so that nothing needs an escape."""
    allowed, _, reason, revision = decision
    return (
        f'{{"decision":{"true" if allowed else "false"},"context":{{"reason":"{reason}",'
        f'"policy_revision":"{revision}","decision_id":"{decision_id}"}}}}'
    )


def record(
    checkpoint: ServiceCheckpoint,
    scope: Scope,
    question: AuthZenQuestion,
    words: Mapping[str, Word],
    ruling: Ruling,
    started: int,
) -> str:
    """Records the decision about ``question``; its id."""
    place = ruling.role_index
    roles = roles_of(words.get(ROLE_WORD if place is None else ruling.policy.words[place], ()))
    who = Asked(question.subject["id"], roles)
    act, obj = question.action["name"], question.resource["id"]
    return checkpoint.record(scope, ruling, who, act, obj, started=started, via="authzen")


def roles_of(word: Word) -> tuple[str, ...]:
    """The roles in the word that they fill."""
    if type(word) is str:
        return (word,) if word else ()
    return tuple(word)
