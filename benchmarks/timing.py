"""Rounds in which every engine gets its turn, so that a noisy moment meets them all; medians over the rounds.

Turns report processor seconds, see ``worker.py``; only how long a turn should be given is read off the clock.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

from benchmarks.remote import Remote

Turn = Callable[[int, int], float]  # (calls, skip) -> seconds a call


@dataclass(frozen=True)
class Timing:
    """Seconds a call, one figure a round."""

    rounds: tuple[float, ...]
    calls: int

    @property
    def median(self) -> float:
        return median(self.rounds)


def interleave(
    turns: Mapping[str, Turn], *, rounds: int, slice_seconds: float, at_most: float
) -> dict[str, Timing]:
    """Times each of ``turns`` in alternation.

    A turn takes about ``slice_seconds``, a slow engine at least one call; after ``at_most`` seconds no further round
    is begun. The first turn of each finds out how many calls fit; it counts as a round where a call takes so long that
    there would be few. There are at least two rounds.
    """
    fitting = {name: _fitting(turn, slice_seconds) for name, turn in turns.items()}
    calls = {name: fit[0] for name, fit in fitting.items()}
    slow = any(seconds > slice_seconds for _, seconds in fitting.values())
    seen = {name: [seconds] if slow else [] for name, (_, seconds) in fitting.items()}
    until = time.perf_counter() + at_most
    for number in range(rounds):
        if number + slow >= 2 and time.perf_counter() > until:
            break
        order = list(turns) if number % 2 else list(turns)[::-1]
        for name in order:
            seen[name].append(turns[name](calls[name], number * calls[name]))
    return {name: Timing(tuple(figures), calls[name]) for name, figures in seen.items()}


def ratio(over: Timing, under: Timing) -> float:
    """The median of the rounds' own ratios: both sides of each were measured next to each other."""
    return median(a / b for a, b in zip(over.rounds, under.rounds, strict=True))


def asking(engine: Remote, kind: str) -> Turn:
    """A turn that has an engine decide requests of one kind."""
    return lambda calls, skip: engine.time(kind, calls, skip)


def _fitting(turn: Turn, seconds: float) -> tuple[int, float]:
    """How many calls fit into the time, and seconds a call as far as that shows them."""
    calls = 1
    while (spent := turn(calls, 0) * calls) < seconds / 8:
        calls *= 2 if spent > seconds / 1000 else 16
    return max(
        1, round(calls * seconds / spent)
    ), spent / calls  # spent is at least an eighth of the time: not 0
