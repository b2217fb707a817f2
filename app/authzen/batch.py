"""A batch of evaluations, each decided, recorded and answered on its own: the usual ones together, step by step."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from time import perf_counter_ns
from typing import Any, TypeVar

import orjson
from starlette.types import Scope

from app.authzen.body import TooLarge
from app.authzen.evaluation import answered, evaluate, evaluation, roles_of
from app.checkpoint import ServiceCheckpoint
from app.decision_point.point import Requests, Word
from app.decision_point.question import Alike, Defaults, MalformedRequest
from rbac import RequestError
from rbac.decision_log.ruling import Asked, Ruling
from rbac.guard.http.turns import Turn
from rbac.text.wording import quoted

MOST_EVALUATIONS = 1000
MOST_RECORDED = 4 << 20  # bytes that one batch may add to the decision log, about

# The decision after which the rest of a batch is left out.
_LAST_DECISION: Mapping[str, bool | None] = {
    "execute_all": None,
    "deny_on_first_deny": False,
    "permit_on_first_permit": True,
}
_RUN = 64  # evaluations of a batch that are read and recorded together, at most
_ABSENT: Any = object()

T = TypeVar("T")


async def evaluations(
    checkpoint: ServiceCheckpoint, scope: Scope, members: Mapping[str, Any], started: int
) -> bytes:
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
    batch = _Batch(checkpoint, scope, Defaults.read(members), last_decision)
    with checkpoint.service.turns.begin() as turn:
        while len(batch.answers) < len(items) and not batch.ended:
            if turn.over:
                await turn.pass_on()
            done = len(batch.answers)
            run = items[done : done + _RUN]
            if not batch.answer_together(run, turn):
                batch.answer_each(run, turn)
    return f'{{"evaluations":[{",".join(batch.answers)}]}}'.encode()


class _Batch:
    """A batch that is being answered: ``answers`` as JSON, in order, and whether the last of them is the last there is."""

    def __init__(
        self, checkpoint: ServiceCheckpoint, scope: Scope, defaults: Defaults, last_decision: bool | None
    ) -> None:
        self.answers: list[str] = []
        self.ended = False
        self._checkpoint = checkpoint
        self._scope = scope
        self._defaults = defaults
        self._last_decision = last_decision
        self._point = checkpoint.service.documents.point
        self._request = checkpoint.service.documents.pdp_request
        self._policy = self._point.policy
        self._log = checkpoint.log
        self._recorded = 0

    def answer_each(self, items: Sequence[object], turn: Turn) -> None:
        """Answers ``items`` one by one, as many of them as the turn lasts for, and at least one."""
        for item in items:
            before = self._log.recorded_bytes
            allowed = self._answer(item, perf_counter_ns())
            self._recorded += self._log.recorded_bytes - before
            self.ended = allowed is self._last_decision
            if self.ended or turn.over:
                return

    def _answer(self, item: object, started: int) -> bool:
        checkpoint, scope = self._checkpoint, self._scope
        try:
            if self._recorded > MOST_RECORDED:
                raise TooLarge(f"the evaluations before this one were recorded in {MOST_RECORDED:,} bytes")
            question = self._defaults.question(item)
            ruling, decision_id = evaluate(checkpoint, scope, question, self._policy, started)
        except MalformedRequest as error:
            checkpoint.reject(scope, error.code, error.status, "", "", started=started, via="authzen")
            refused = {"status": error.status, "message": str(error)}
            answer = orjson.dumps({"decision": False, "context": {"error": refused}}).decode()
            allowed = False
        else:
            allowed, answer = ruling.decision.allowed, answered(ruling.decision, decision_id)
        self.answers.append(answer)
        return allowed

    def answer_together(self, items: Sequence[object], turn: Turn) -> bool:
        """Answers ``items`` step by step, each for all of them, as many of them as the turn lasts for.

        False, and nothing done, where one of them needs a closer look.
        """
        began = perf_counter_ns()
        if self._recorded > MOST_RECORDED:
            return False
        try:
            read = self._read(items)
            if read is None:
                return False
            rulings, taken, spent = self._decide(read[0], began, turn)
        except RequestError:
            return False
        before = self._log.recorded_bytes
        ids = self._checkpoint.record_each(
            self._scope, rulings, read[1], taken, spent, via="authzen", most=MOST_RECORDED - self._recorded
        )
        self._recorded += self._log.recorded_bytes - before
        self.answers += [answered(ruling.decision, each) for ruling, each in zip(rulings, ids, strict=False)]
        self.ended = rulings[len(ids) - 1].decision.allowed is self._last_decision
        return True

    def _read(self, items: Sequence[object]) -> tuple[Requests, Iterable[tuple[Asked, str, str]]] | None:
        """What ``items`` ask, and what is recorded of each question besides. Raises :class:`rbac.RequestError`."""
        questions = Alike.read(items, self._defaults)
        words = None if questions is None else self._request.read_each(questions)
        if questions is None or words is None:
            return None
        number = len(items)
        requests = self._point.requests(words, number, self._policy)
        subject, act, obj = questions.asked
        roles: Word | list[str] = words.get(requests.role_word, ())
        who: Iterable[Asked]
        if isinstance(subject, list) or isinstance(roles, list):
            who = [
                Asked(sub, roles_of(each)) for sub, each in zip(_each(subject), _each(roles), strict=False)
            ]
        else:
            who = repeat(Asked(subject, roles_of(roles)))
        return requests, zip(who, _each(act), _each(obj), strict=False)

    def _decide(
        self, requests: Requests, began: int, turn: Turn
    ) -> tuple[list[Ruling], list[int], list[int]]:
        """What is decided until the turn or the batch is over, when, and in how many nanoseconds each: with its share of
        what it took to read all of them. Raises :class:`rbac.RequestError` for what cannot be asked at all."""
        decide, last_decision, until = requests.decide, self._last_decision, turn.until
        rulings: list[Ruling] = []
        taken: list[int] = []
        before = perf_counter_ns()
        share = (before - began) // len(requests.words)
        for words in requests.words:
            ruling = decide(words)
            now = perf_counter_ns()
            rulings.append(ruling)
            taken.append(now)
            if now > until or ruling.decision.allowed is last_decision:
                break
        return (
            rulings,
            taken,
            [at - since + share for at, since in zip(taken, (before, *taken), strict=False)],
        )


def _each(value: T | list[T]) -> Iterable[T]:
    """What each of several questions has, of which ``value`` is a list where they do not share it."""
    return value if isinstance(value, list) else repeat(value)


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
