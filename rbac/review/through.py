"""Callers who call through a program, as a service decides with ``SCOPES=required``: what both may do."""

from collections.abc import Iterable, Iterator

from rbac.asking import CallingProgram, answer, bounded, document_names
from rbac.decision import Decision
from rbac.document.names import is_of_access_token
from rbac.space.callers import Caller, NamedWords
from rbac.space.space import Space


class Through:
    """The program of callers of a space of one policy; ``None`` where they call for themselves."""

    def __init__(self, space: Space, program: CallingProgram | None) -> None:
        self._space = space
        self._program = program
        self._words = {} if program is None else program.words(space.shape, document_names(space.policies[0]))

    def bounded(self, own: Decision, words: NamedWords) -> Decision:
        """What is decided where ``own`` is decided about the person; ``words`` are the request's but for who asks."""
        other = self.decision(words) if own.allowed else None
        return own if other is None else bounded(own, other)

    def decision(self, words: NamedWords) -> Decision | None:
        """What is decided about the program alone."""
        if self._program is None:
            return None
        request = self._space.request({**self._words, **words})
        return answer(self._space.policies[0], request, self._program.roles)

    def people(self, callers: Iterable[Caller]) -> Iterator[Caller]:
        """Those who can call through a program: whoever has a token, and is no program themselves."""
        for caller in callers:
            if self._program is None or not (caller.kind == "nobody" or is_of_access_token(caller.name)):
                yield caller
