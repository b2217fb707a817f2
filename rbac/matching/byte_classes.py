"""Texts as the classes of their characters, a byte each, at the speed of an encoder."""

from collections.abc import Iterable, Sequence
from typing import Final

from rbac.matching.charset import CharacterClasses, Charset

_BYTES: Final = 256
_REPLACED: Final = "?"  # what the encoder writes for a character that is none of Latin-1
_MOST_REMEMBERED: Final = 1024


class ByteClasses:
    """What some sets of characters tell apart: :attr:`of` is told which set, :meth:`read` reads a text."""

    def __init__(self, sets: Iterable[Charset]) -> None:
        self.of = CharacterClasses(sets)
        numbers = [self.of.class_of(chr(code)) for code in range(_BYTES)]
        self._many = len(self.of.examples) > _BYTES
        self._translation = _Translation(self.of, numbers)
        if self._many:
            return
        self._table = bytes(numbers)
        replaced = ord(_REPLACED)
        twins = (code for code in range(_BYTES) if code != replaced and numbers[code] == numbers[replaced])
        self._twin = chr(next(twins, replaced))
        """A character of the same class as the one that is written for others."""
        self._beyond = self.of.class_beyond(_BYTES)
        if self._beyond is not None:
            self._beyond_table = self._table[:replaced] + bytes((self._beyond,)) + self._table[replaced + 1 :]

    def read(self, text: str) -> Sequence[int]:
        """The class of each character: bytes, unless there are more classes than bytes have values."""
        if self._many:
            return list(map(ord, text.translate(self._translation)))
        try:
            return text.encode("latin-1").translate(self._table)
        except UnicodeEncodeError:
            pass
        if self._beyond is None or (_REPLACED in text and self._twin == _REPLACED):
            return text.translate(self._translation).encode("latin-1")
        plain = text.replace(_REPLACED, self._twin)
        return plain.encode("latin-1", "replace").translate(self._beyond_table)


class _Translation(dict[int, int]):
    """Characters to their classes, for :meth:`str.translate`; remembers a bounded number."""

    def __init__(self, classes: CharacterClasses, numbers: Sequence[int]) -> None:
        super().__init__(enumerate(numbers))
        self._classes = classes

    def __missing__(self, code: int) -> int:
        number = self._classes.class_of(chr(code))
        if len(self) < _MOST_REMEMBERED:
            self[code] = number
        return number
