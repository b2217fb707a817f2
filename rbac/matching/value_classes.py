"""The classes of values that a set of patterns tells apart, with one short example of each.

Two values are in one class when the same patterns match both. All patterns are read at once, one character
after the other (the subset construction), so each class is found, and found first by its shortest example.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from rbac.matching import charset
from rbac.matching.automaton import ENDED, FREE, Automaton
from rbac.matching.charset import CharacterClasses
from rbac.text.visible import CONTROL_SPANS

Runs = frozenset[int]
Edges = Sequence[tuple[int, int]]
"""The ways out of a state: a mask of character classes, and the state they lead to."""


class ValueClasses:
    """What the patterns of an automaton tell apart. A set of patterns is a bit mask of their numbers.

    Values that hold a control character are left out unless ``control``: no request with one reaches a
    decision. Each character of ``apart`` is a class of its own.

    Who walks the automaton beside something else begins at ``start`` and goes on with :meth:`after` and :meth:`ways`.
    """

    def __init__(self, automaton: Automaton, *, control: bool = False, apart: Iterable[str] = ()) -> None:
        self._automaton = automaton
        alone = (charset.single(ord(character)) for character in apart)
        self._characters = CharacterClasses(
            (*automaton.sets, *alone, charset.NEWLINE), () if control else CONTROL_SPANS
        )
        self._newline = self._characters.mask(charset.NEWLINE)
        query = charset.single(ord("?"))
        self._query = self._characters.mask(query) if automaton.queries else 0
        self._steps = [
            [(self._characters.mask(characters), target) for characters, target in steps]
            for steps in automaton.steps
        ]
        self._numbers: dict[Runs, int] = {}
        self._runs: list[Runs] = []
        self._edges: list[Edges | None] = []
        self._accepted: list[int] = []
        self.start = self._number(
            frozenset(automaton.closure((start * 3 for start in automaton.starts), at_start=True))
        )

    def __len__(self) -> int:
        """How many states were needed so far."""
        return len(self._runs)

    def matching(self, value: str) -> int:
        """The patterns that match ``value``, which may hold a control character also where no class has one."""
        state = self.start
        for character in value:
            number = self._characters.class_of(character)
            if number < 0:
                return self._whole.matching(value)
            state = self._after(state, 1 << number)
        return self._accepted[state]

    def after(self, state: int, text: str) -> int:
        """The state that ``text``, which holds no control character, leads to."""
        for character in text:
            if self.stays(state):
                break
            state = self._after(state, 1 << self._characters.class_of(character))
        return state

    def accepted(self, state: int) -> int:
        """The patterns that match a value that leads to this state."""
        return self._accepted[state]

    def stays(self, state: int) -> bool:
        """Whether nothing that follows leads anywhere else."""
        return all(target == state for _, target in self._out(state))

    def ways(self, state: int, apart: Iterable[str]) -> Iterator[tuple[str, int]]:
        """Where one character more leads to: each of ``apart``, and one example besides of all others that lead alike."""
        known = {character: 1 << self._characters.class_of(character) for character in apart}
        others = self._characters.all & ~sum(known.values())
        for mask, target in self._out(state):
            yield from ((character, target) for character, one in known.items() if one & mask)
            if mask & others:
                yield self._characters.examples[_lowest(mask & others)], target

    @cached_property
    def _whole(self) -> "ValueClasses":
        """The same with control characters, for a value that holds one."""
        return ValueClasses(self._automaton, control=True)

    def examples(self, limit: int, first: str = "") -> Iterator[tuple[int, str]]:
        """Every set of patterns that some value matches exactly, each with a shortest such value.

        Values that begin with ``first`` come before all others. Stops without a word after ``limit``
        states: ask :meth:`exhausted`.
        """
        seen: set[int] = set()
        found: set[int] = set()
        for prefix in dict.fromkeys((first, "")):
            state = self.start
            for character in prefix:
                state = self._after(state, 1 << self._characters.class_of(character))
            queue = deque([(state, prefix)])
            while queue and len(self._runs) <= limit:
                state, value = queue.popleft()
                if state in seen:
                    continue
                seen.add(state)
                if self._accepted[state] not in found:
                    found.add(self._accepted[state])
                    yield self._accepted[state], value
                for mask, target in self._out(state):
                    if target not in seen:
                        queue.append((target, value + self._characters.examples[_lowest(mask)]))

    def exhausted(self, limit: int) -> bool:
        """Whether :meth:`examples` with this ``limit`` left classes out."""
        return len(self._runs) > limit

    def _after(self, state: int, character: int) -> int:
        for mask, target in self._out(state):
            if mask & character:
                return target
        return self._number(frozenset())

    def _number(self, runs: Runs) -> int:
        number = self._numbers.setdefault(runs, len(self._runs))
        if number == len(self._runs):
            self._runs.append(runs)
            self._edges.append(None)
            finals = self._automaton.finals
            accepted = {finals[run // 3] for run in runs if run // 3 in finals}
            self._accepted.append(sum(1 << pattern for pattern in accepted))
        return number

    def _out(self, state: int) -> Edges:
        edges = self._edges[state]
        if edges is None:
            edges = self._edges[state] = self._make_edges(self._runs[state])
        return edges

    def _make_edges(self, runs: Runs) -> Edges:
        """Cut all character classes into parts on which every run steps alike."""
        narrow: dict[int, set[int]] = {}
        wide: dict[int, set[int]] = {}
        for mask, target in self._moves(runs):
            (wide if mask & (mask - 1) else narrow).setdefault(mask, set()).add(target)
        rest = self._characters.all
        parts: list[tuple[int, set[int]]] = []
        for mask, targets in narrow.items():
            rest &= ~mask
            parts.append((mask, targets.union(*(more for other, more in wide.items() if other & mask))))
        regions: list[tuple[int, set[int]]] = [(rest, set())] if rest else []
        for mask, targets in wide.items():
            regions = [
                (part, found | targets if part & mask else found)
                for region, found in regions
                for part in (region & mask, region & ~mask)
                if part
            ]
        # What reads best comes first, so that among examples of one length the best is found.
        ordered = sorted(parts + regions, key=lambda part: _lowest(part[0]))
        return [
            (mask, self._number(frozenset(self._automaton.closure(targets)))) for mask, targets in ordered
        ]

    def _moves(self, runs: Runs) -> Iterator[tuple[int, int]]:
        """Where each run can go: over which classes, to which run."""
        finals, queries = self._automaton.finals, self._automaton.queries
        for run in runs:
            state, mode = divmod(run, 3)
            allowed = (self._characters.all, self._newline, 0)[mode]
            if state in queries:
                if state in finals and self._query:
                    yield self._query, queries[state] * 3
                allowed &= ~self._query
            if state in finals and allowed:
                yield allowed, state * 3 + (ENDED if mode else FREE)
            for mask, target in self._steps[state]:
                if mask & allowed:
                    yield mask & allowed, target * 3 + (ENDED if mode else FREE)


def _lowest(mask: int) -> int:
    return (mask & -mask).bit_length() - 1
