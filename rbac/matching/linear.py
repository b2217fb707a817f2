"""Matching a policy's patterns in time that is in proportion to the text, with exactly the answer of Python's ``re``.

``re`` itself serves where it does not go back far over this expression, or over a text of this length. For the rest
there is the same expression written so that every run is settled in one try, :class:`rbac.matching.flat.Flat`, and
:class:`rbac.matching.scanner.Scanner`.
"""

import re
from collections.abc import Callable
from typing import Final

from rbac.matching.automaton import NotRegularError
from rbac.matching.backtracking import backtracking_of
from rbac.matching.flat import Flat, is_short, is_whole
from rbac.matching.scanner import Scanner

Match = Callable[[str], object]
"""Called with a text, gives something true if the expression matches at its start."""

MOST_SCANNERS: Final = 64
"""Scanners that are kept at a time, some 0.2 MiB each at the most."""


class LinearMatches:
    """Makes the :data:`Match` of each expression; shares a bounded number of scanners among them."""

    __slots__ = ("_scanners",)

    def __init__(self) -> None:
        self._scanners: dict[str, Scanner] = {}

    def of(self, expression: str) -> Match:
        """The match of ``expression``. Raises as ``re.compile`` does."""
        match = re.compile(expression).match
        backtracking = backtracking_of(expression)
        if backtracking.degree == 1:
            return match
        if backtracking.settled is not None:
            return re.compile(backtracking.settled).match
        longest, pieces = backtracking.longest, backtracking.pieces
        if pieces is not None and is_whole(pieces) and is_short(pieces):
            meets = Flat(pieces[1:-1]).matches
            return lambda text: match(text) if len(text) <= longest else meets(text)
        try:
            self._scanner(expression)
        except NotRegularError:
            return match

        def matches(text: str) -> object:
            return match(text) if len(text) <= longest else self._scanner(expression).matches(text)

        return matches

    def _scanner(self, expression: str) -> Scanner:
        scanner = self._scanners.get(expression)
        if scanner is None:
            if len(self._scanners) >= MOST_SCANNERS:
                self._scanners = {}
            scanner = self._scanners[expression] = Scanner(expression)
        return scanner


def backtracks(expression: str) -> bool:
    """Whether matching ``expression``, which compiles, may take far longer than in proportion to the text."""
    if backtracking_of(expression).degree == 1:
        return False
    try:
        Scanner(expression)
    except NotRegularError:
        return True
    return False
