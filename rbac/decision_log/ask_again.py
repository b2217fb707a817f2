"""Recorded questions, asked again: the words of a line are put to a policy, which may be another than the one then."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Final, Generic, TypeVar

from rbac.asking import answer, decided
from rbac.decision import Decision
from rbac.decision_log.lines import Damage, DecisionLines, LoggedWord, Recorded
from rbac.errors import RbacError, RequestError
from rbac.model.request_shape import with_word
from rbac.policy import Policy

Answer = TypeVar("Answer")
LoggedWords = tuple[LoggedWord, ...]

# Callers ask the same again and again. About 500 bytes each.
_REMEMBERED: Final = 65_536


class NotAskableError(RbacError):
    """A recorded question that this policy's model cannot be asked."""

    code: ClassVar[str] = "not_askable"


@dataclass(frozen=True, slots=True)
class NotAsked:
    """A recorded decision that could not be asked again. ``altered``: the log does not hold what was asked."""

    file: str
    line: int
    decision_id: str
    why: str
    altered: bool


@dataclass(frozen=True, slots=True)
class LineCounts:
    """What became of every line: ``asked`` again, ``left_out`` on purpose, not asked, damaged, or no decision at all.

    ``lost`` are records that the log says are missing from it.
    """

    lines: int
    asked: int
    left_out: int
    rejections: int
    lost: int
    damaged: tuple[Damage, ...]
    not_asked: tuple[NotAsked, ...]

    @property
    def unfit(self) -> tuple[NotAsked, ...]:
        """The decisions whose words are not those of the model: of another model, most likely."""
        return tuple(one for one in self.not_asked if not one.altered)


class AskedAgain(Generic[Answer]):
    """Each decision of ``lines`` that ``selects`` takes, with what ``answer`` says to its words. Iterate once.

    ``answer`` gets the words in the order of the model's, several roles as a tuple; it may raise
    :class:`NotAskableError`. Its answers are remembered for a bounded number of questions. Where somebody called through
    a program, both are asked about, and ``both`` makes one answer of the person's and the program's.
    """

    def __init__(
        self,
        policy: Policy,
        lines: DecisionLines,
        answer: Callable[[LoggedWords], Answer],
        selects: Callable[[Recorded], bool],
        both: Callable[[Answer, Answer], Answer],
    ) -> None:
        self._both = both
        self._names = policy.words
        self._known = frozenset(policy.words)
        self._lines = lines
        self._answer = lru_cache(maxsize=_REMEMBERED)(answer)
        self._selects = selects
        self._asked = 0
        self._left_out = 0
        self._not_asked: list[NotAsked] = []

    def __iter__(self) -> Iterator[tuple[Recorded, Answer]]:
        for line in self._lines:
            if not self._selects(line):
                self._left_out += 1
                continue
            try:
                answer = self._answer(self._words(line, line.request))
                if line.client is not None:
                    answer = self._both(answer, self._answer(self._words(line, line.client)))
            except NotAskableError as error:
                place = self._lines.file, self._lines.line
                self._not_asked.append(NotAsked(*place, line.decision_id, str(error), line.altered))
                continue
            self._asked += 1
            yield line, answer

    @property
    def reading(self) -> LineCounts:
        """What became of the lines read so far."""
        lines = self._lines
        return LineCounts(
            lines=lines.number,
            asked=self._asked,
            left_out=self._left_out,
            rejections=lines.rejections,
            lost=lines.lost,
            damaged=tuple(lines.damaged),
            not_asked=tuple(self._not_asked),
        )

    def _words(self, line: Recorded, request: dict[str, LoggedWord]) -> LoggedWords:
        if line.altered:
            raise NotAskableError("the log holds it altered, because something in it must not be logged")
        if tuple(request) == self._names:
            return tuple(request.values())
        if request.keys() != self._known:
            asked, known = (", ".join(names) or "nothing" for names in (request, self._names))
            raise NotAskableError(f"it was asked with {asked}; the model asks with {known}")
        return tuple([request[word] for word in self._names])


def ask(policy: Policy, words: LoggedWords) -> tuple[Decision, tuple[str, ...]]:
    """What ``policy`` decides, and the request, with one role, that decided it. Denied, as in the service, where the
    matcher fails.

    Raises :class:`NotAskableError` where the model cannot be asked about several roles, or several of them twice.
    """
    several = [place for place, word in enumerate(words) if type(word) is tuple]
    if not several:
        request = tuple([str(word) for word in words])
        return answer(policy, request), request
    place = several[0]
    roles = words[place]
    plain = tuple([word if type(word) is str else "" for word in words])
    if len(several) > 1:
        raise NotAskableError("two of its words have several values")
    if len(roles) < 2:
        request = with_word(plain, place, roles[0] if roles else "")
        return answer(policy, request), request
    try:
        return decided(policy, plain, tuple(roles), place)
    except RequestError as error:
        raise NotAskableError(str(error)) from error
