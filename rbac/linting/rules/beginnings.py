"""Patterns by the text that all they meet begins with, so that only those are compared that may have a value in common."""

from bisect import bisect_left
from collections.abc import Iterator
from heapq import merge
from itertools import chain

from rbac.background import in_order
from rbac.matching.languages import Budget, beginning


class Beginnings:
    """Patterns of one function in the order in which they are added."""

    def __init__(self, function: str) -> None:
        self._function = function
        self._by_text: dict[str, list[tuple[int, str]]] = {}
        self._texts: list[str] = []
        self._count = 0

    def add(self, pattern: str) -> None:
        """Put another pattern behind them."""
        self._by_text.setdefault(beginning(self._function, pattern), []).append((self._count, pattern))
        self._count += 1

    def near(self, pattern: str, budget: Budget) -> Iterator[str]:
        """Those that may have a value in common with ``pattern``, in their order; none of them once the ``budget`` is
        spent, of which each of the texts that they begin with takes a step."""
        if not self._by_text:
            return iter(())
        if len(self._texts) != len(self._by_text):
            self._texts = in_order(self._by_text)
        text = beginning(self._function, pattern)
        found = [self._by_text[text[:at]] for at in range(len(text)) if text[:at] in self._by_text]
        for place in range(bisect_left(self._texts, text), len(self._texts)):
            if not self._texts[place].startswith(text):
                break
            if not budget.spend():
                return iter(())
            found.append(self._by_text[self._texts[place]])
        return (one for _, one in (merge(*found) if len(found) > 1 else chain(*found)))
