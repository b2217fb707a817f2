"""Decides for other programs: by the service's own document, or by one that ``PDP_MODEL`` and ``PDP_POLICY`` name."""

from collections.abc import Callable, Mapping, Sequence
from itertools import repeat
from typing import NamedTuple, cast

from rbac import EvaluationError, LivePolicy, Policy, RequestError
from rbac.decision_log.ruling import Ruling
from rbac.policy import ROLE_WORD

# A word of a question; a list stands for several roles, each asked about in turn.
Word = str | Sequence[str]


class Requests(NamedTuple):
    """Several questions as one document is asked them: each one's words, in the model's order, and what decides it."""

    words: list[tuple[str, ...]]
    decide: Callable[[tuple[str, ...]], Ruling]
    role_word: str  # the one that the roles of whom they are about fill


class DecisionPoint:
    """Answers questions about anybody. Who may put them is a matter for the service's policy, like anything else."""

    def __init__(self, live: LivePolicy) -> None:
        self.live = live

    @property
    def policy(self) -> Policy:
        """The policy that is in force: read it once for each question, or for each batch of them."""
        return self.live.policy

    @property
    def roles_by_sub(self) -> frozenset[str]:
        """The roles of the document in force that a ``sub`` would be taken for."""
        return self.policy.roles_by_sub

    def ask(self, given: Mapping[str, Word], policy: Policy | None = None) -> Ruling:
        """Decides the question made of the model's own words; a word that is not given is "".

        A list of one is that one, an empty one is "". What the matcher fails over is denied. Raises
        :class:`RequestError` for two words with several values, and for several roles under a priority effect.
        """
        policy = policy or self.policy
        request = cast("tuple[str, ...]", tuple(map(given.get, policy.words)))
        try:
            "".join(request)
        except TypeError:  # a list, or a word that is not given
            return _ask_with_lists([given.get(name, "") for name in policy.words], policy)
        return Ruling.of(policy, request)

    def requests(self, given: Mapping[str, Word | list[str]], number: int, policy: Policy) -> Requests:
        """So many questions made of the model's own words; of each word what it is in all of them, or a list with each
        question's own. ``decide`` promises and raises what :meth:`ask` does. Raises :class:`RequestError`, too."""
        columns = [given.get(name, "") for name in policy.words]
        shared = [("",) if type(each) is list else each for each in columns]
        words, place, roles = _one_by_one(shared, policy)
        each = zip(
            *[
                column if type(column) is list else repeat(word, number)
                for column, word in zip(columns, words, strict=True)
            ],
            strict=True,
        )
        return Requests(
            [*each], _deciding(policy, place, roles), ROLE_WORD if place is None else policy.words[place]
        )


def _deciding(policy: Policy, place: int | None, roles: Sequence[str]) -> Callable[[tuple[str, ...]], Ruling]:
    """What decides one request, for each of ``roles`` in the place of one word."""
    if place is not None:
        return lambda words: Ruling.of(policy, words, place, roles)
    decide, new = policy.decide_request, tuple.__new__

    def ruling(words: tuple[str, ...]) -> Ruling:  # as `Ruling.of` does it: two calls less in each evaluation
        try:
            return new(Ruling, (decide(words), words, policy, None, None))
        except EvaluationError as error:
            return Ruling.denied(policy, words, None, error)

    return ruling


def _ask_with_lists(given: Sequence[Word], policy: Policy) -> Ruling:
    words, place, roles = _one_by_one(given, policy)
    return Ruling.of(policy, tuple(words), place, roles)


def _one_by_one(given: Sequence[Word], policy: Policy) -> tuple[list[str], int | None, Sequence[str]]:
    """The words that are asked, and where those of a list go, one after the other."""
    words: list[str] = []
    several: tuple[int | None, Sequence[str]] = None, ()
    for index, value in enumerate(given):
        if isinstance(value, str):
            words.append(value)
            continue
        words.append(value[0] if len(value) == 1 else "")
        if len(value) > 1:
            if several[0] is not None:
                first, second = policy.words[several[0]], policy.words[index]
                raise RequestError(f"`{first}` and `{second}` both have several values")
            several = index, value
    return words, *several
