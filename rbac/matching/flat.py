"""Whether a text meets an expression that is one piece after the other, found from its end: for each piece, the places
of the text from which the rest can be matched, all of them at once in one large number.

A place is a byte of that number, 1 or 0: a text becomes one without a step a character, and the carry of one addition
takes a run as far as it goes.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Final

from rbac.matching.backtracking import Piece
from rbac.matching.byte_classes import ByteClasses
from rbac.matching.charset import Charset

_FEW_SETS: Final = 8
_MOST_STEPS: Final = 100
_BYTES: Final = 256
WIDTH: Final = 8
"""The bits of a place."""


class Flat:
    """An expression of these pieces and nothing before them, up to the end of a text or to a newline there, as between
    ``^`` and ``$``. None of the pieces is an assertion."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self.pieces = tuple(pieces)
        self._sets = tuple(dict.fromkeys(piece.members or () for piece in pieces))

    def matches(self, text: str) -> bool:
        """Whether it matches ``text``."""
        return bool(self.reaching(text)[0] >> WIDTH * len(text) & 1)

    def reaching(self, text: str) -> list[int]:
        """For each number of pieces left out at the front, the places from which the others match to the end: place
        ``p`` is bit ``WIDTH * (len(text) - p)``, so that going back in the text is going up."""
        masks = self._masks(text)
        ones = int.from_bytes(b"\1" * (len(text) + 1), "big")
        reached = 1 << WIDTH | 1 if text.endswith("\n") else 1
        found = [reached]
        for piece in reversed(self.pieces):
            members = masks[piece.members or ()]
            for _ in range(piece.least):
                reached = reached << WIDTH & members
            if piece.most is None:
                last = reached << WIDTH & members
                reached |= (((last + members) ^ members) | last) & members & ones
            else:
                step = reached
                for _ in range(piece.most - piece.least):
                    step = step << WIDTH & members
                    reached |= step
            found.append(reached)
        found.reverse()
        return found

    def _masks(self, text: str) -> dict[Charset, int]:
        """For each set, the places before a character of it, every bit of each."""
        read = bytes(self._classes.read(text))
        return {
            members: int.from_bytes(read.translate(table), "big") << WIDTH
            for members, table in self._tables.items()
        }

    @cached_property
    def _classes(self) -> ByteClasses:
        return ByteClasses(self._sets)

    @cached_property
    def _tables(self) -> dict[Charset, bytes]:
        """For each set, all bits for a class inside it, none for others."""
        masks = {members: self._classes.of.mask(members) for members in self._sets}
        return {
            members: bytes(0xFF if mask >> number & 1 else 0 for number in range(_BYTES))
            for members, mask in masks.items()
        }


def is_whole(pieces: Sequence[Piece]) -> bool:
    """Whether the only assertions are a ``^`` in front and a ``$`` at the end."""
    ends = [at for at, piece in enumerate(pieces) if piece.members is None]
    return ends == [0, len(pieces) - 1] and (pieces[0].text, pieces[-1].text) == ("^", "$")


def is_short(pieces: Sequence[Piece]) -> bool:
    """Whether :class:`Flat` takes less time than reading every character."""
    steps = sum(piece.least if piece.most is None else piece.most for piece in pieces)
    return steps <= _MOST_STEPS and len({piece.members for piece in pieces}) <= _FEW_SETS
