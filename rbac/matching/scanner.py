"""Whether a text meets an expression, found by reading each of its characters once: time in proportion to the text,
whatever the expression.

What :mod:`rbac.matching.automaton` makes of the expression is followed with all of its runs at once; a set of runs is
remembered as one state, and a step between two states costs one look-up.
"""

from typing import Final

from rbac.matching import charset
from rbac.matching.automaton import ENDED, ENDING, FREE, Automaton
from rbac.matching.byte_classes import ByteClasses

MOST_STATES: Final = 1024
"""States remembered for one expression; more, and they are worked out anew."""
_BLOCK: Final = 256  # characters between two looks at whether the answer is settled


class _State(dict[int, "_State"]):
    """A set of runs; maps a class of characters to the state behind it."""

    __slots__ = ("accepts", "runs", "scanner", "settled")

    def __init__(self, scanner: "Scanner", runs: int) -> None:
        super().__init__()
        self.scanner = scanner
        self.runs = runs
        self.accepts = bool(runs & scanner.finals)
        self.settled = not runs or bool(runs & scanner.free_finals)

    def __missing__(self, number: int) -> "_State":
        return self.scanner.after(self, number)


class Scanner:
    """One regular expression, asked as ``re.match`` is: from the start of the text, and not to its end.

    Raises NotRegularError for an expression that is no regular language. Safe to ask from many threads.
    """

    def __init__(self, expression: str) -> None:
        self._automaton = Automaton()
        self._automaton.add("regexMatch", expression)
        (final,) = self._automaton.finals
        self.finals = 0b111 << (final * 3)
        self.free_finals = 1 << (final * 3 + FREE)
        self._final = final
        self._classes = ByteClasses((*self._automaton.sets, charset.NEWLINE))
        classes = self._classes.of
        self._newline = classes.mask(charset.NEWLINE)
        self._steps = [
            [(classes.mask(characters), target) for characters, target in steps]
            for steps in self._automaton.steps
        ]
        self._moves: dict[int, list[tuple[int, int]]] = {}
        self._closures: dict[int, int] = {}
        self._states: dict[int, _State] = {}
        self._start = self._closure(self._automaton.starts[0] * 3 + FREE, at_start=True)

    def matches(self, text: str) -> bool:
        """Whether the expression matches at the start of ``text``."""
        classes = self._classes.read(text)
        state = self._state(self._start)
        for start in range(0, len(classes), _BLOCK):
            for number in classes[start : start + _BLOCK]:
                state = state[number]
            if state.settled:
                break
        return state.accepts

    def after(self, state: _State, number: int) -> _State:
        """The state behind a character of a class, which ``state`` remembers."""
        if state.settled:
            return state
        bit, runs, reached = 1 << number, state.runs, 0
        while runs:
            lowest = runs & -runs
            runs ^= lowest
            for members, behind in self._moves_of(lowest.bit_length() - 1):
                if members & bit:
                    reached |= behind
        found = state[number] = self._state(reached)
        return found

    def _state(self, runs: int) -> _State:
        state = self._states.get(runs)
        if state is None:
            if len(self._states) >= MOST_STATES:
                self._states = {}
            state = self._states[runs] = _State(self, runs)
        return state

    def _moves_of(self, run: int) -> list[tuple[int, int]]:
        """The ways out of a run: the classes of characters, and the runs behind them."""
        moves = self._moves.get(run)
        if moves is None:
            state, mode = divmod(run, 3)
            allowed = (-1, self._newline, 0)[mode]
            behind = ENDED if mode else FREE
            moves = [
                (members & allowed, self._closure(target * 3 + behind))
                for members, target in self._steps[state]
                if members & allowed
            ]
            if state == self._final and mode == ENDING:
                moves.append((self._newline, 1 << (state * 3 + ENDED)))
            self._moves[run] = moves
        return moves

    def _closure(self, run: int, *, at_start: bool = False) -> int:
        """The runs that stand where ``run`` does, without reading anything."""
        known = None if at_start else self._closures.get(run)
        if known is not None:
            return known
        found = sum(1 << one for one in self._automaton.closure((run,), at_start=at_start))
        if not at_start:
            self._closures[run] = found
        return found
