"""Decides for other programs: by the service's own document, or by one that ``PDP_MODEL`` and ``PDP_POLICY`` name."""

from collections.abc import Mapping, Sequence
from typing import cast

from rbac import LivePolicy, Policy, RequestError
from rbac.decision_log.ruling import Ruling

# A word of a question; a list stands for several roles, each asked about in turn.
Word = str | Sequence[str]


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
        request = tuple([given.get(name, "") for name in policy.words])
        for value in request:
            if type(value) is not str:
                return _ask_with_lists(request, policy)
        return Ruling.of(policy, cast("tuple[str, ...]", request))


def _ask_with_lists(given: Sequence[Word], policy: Policy) -> Ruling:
    words: list[str] = []
    several: tuple[int, Sequence[str]] | None = None
    for index, value in enumerate(given):
        if isinstance(value, str):
            words.append(value)
            continue
        words.append(value[0] if len(value) == 1 else "")
        if len(value) > 1:
            if several is not None:
                first, second = policy.words[several[0]], policy.words[index]
                raise RequestError(f"`{first}` and `{second}` both have several values")
            several = (index, value)
    if several is None:
        return Ruling.of(policy, tuple(words))
    return Ruling.of(policy, tuple(words), *several)
