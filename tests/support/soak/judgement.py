"""What must hold of a soak."""

from collections.abc import Iterator
from typing import Final

from tests.support.soak.run import Outcome

MEMORY: Final = 0.05
"""The share by which the workers may grow from the first fifth of the readings to the last."""


def faults(outcome: Outcome, memory: float = MEMORY) -> list[str]:
    """Everything that is not as it should be."""
    return list(_faults(outcome, memory))


def _faults(outcome: Outcome, memory: float) -> Iterator[str]:
    yield from outcome.wrong
    if outcome.unlogged:
        yield f"{outcome.unlogged} answers are in no decision log"
    if outcome.restarted:
        yield "a worker died"
    if outcome.exit_code:
        yield f"the service ended with {outcome.exit_code}"
    if outcome.memory.share > memory:
        yield f"memory grew by {outcome.memory.share:.1%}"
    # A connection more or less of the callers' own, as they come and go.
    if outcome.descriptors.last > outcome.descriptors.first + 4:
        yield f"descriptors grew from {outcome.descriptors.first:g} to {outcome.descriptors.last:g}"
    yield from (f"there were no {name}" for name, number in outcome.changes.items() if not number)
    if not outcome.events:
        yield "no event came over a stream"
