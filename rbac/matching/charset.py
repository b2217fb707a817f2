"""Sets of characters as Python's ``re`` means them, and the classes of characters that several sets tell
apart."""

import re
import sys
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import cache

Span = tuple[int, int]
Charset = tuple[Span, ...]
"""Disjoint spans of code points in order, both ends included."""

EVERY: Charset = ((0, sys.maxunicode),)
NEWLINE: Charset = ((10, 10),)

# Characters for examples, the ones that read best first; any other comes behind them.
_READABLE = "xabcdefghijklmnopqrstuvwyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ/-_.~:@,;=+!$&'()*% "


def single(code: int) -> Charset:
    """The set of one character."""
    return ((code, code),)


def union(*sets: Charset) -> Charset:
    """The characters in any of the sets."""
    spans = sorted(span for charset in sets for span in charset)
    merged: list[Span] = []
    for low, high in spans:
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


def contains(charset: Charset, code: int) -> bool:
    """Whether a character is in the set."""
    at = bisect_right(charset, (code, sys.maxunicode)) - 1
    return at >= 0 and charset[at][1] >= code


def intersect(one: Charset, other: Charset) -> Charset:
    """The characters in both sets."""
    return complement(union(complement(one), complement(other)))


def complement(charset: Charset) -> Charset:
    """Every character that is not in the set."""
    spans: list[Span] = []
    start = 0
    for low, high in charset:
        if low > start:
            spans.append((start, low - 1))
        start = high + 1
    if start <= sys.maxunicode:
        spans.append((start, sys.maxunicode))
    return tuple(spans)


@cache
def taken_by(expression: str) -> Charset:
    """The characters that an expression of one character takes, as this Python has them."""
    everything = "".join(map(chr, range(sys.maxunicode + 1)))
    return tuple((found.start(), found.end() - 1) for found in re.finditer(f"{expression}+", everything))


class CharacterClasses:
    """The characters that some sets cannot tell apart, numbered from 0 so that lower numbers read better.

    A set of classes is a bit mask. ``examples[n]`` is the character of class ``n`` that reads best.
    Characters of ``excluded`` belong to no class.
    """

    def __init__(self, sets: Iterable[Charset], excluded: Charset = ()) -> None:
        distinct = tuple(dict.fromkeys((*sets, excluded)))
        starts = {0}
        for low, high in (span for charset in distinct for span in charset):
            starts |= {low, high + 1}
        self._starts = sorted(start for start in starts if start <= sys.maxunicode)
        signatures = [self._signature(start, distinct) for start in self._starts]
        outside = 1 << distinct.index(excluded)
        examples = self._examples(signatures, outside if excluded else 0)
        self.examples: tuple[str, ...] = tuple(examples.values())
        numbers = {signature: number for number, signature in enumerate(examples)}
        self._class_of_start = [numbers.get(signature, -1) for signature in signatures]
        self.all = (1 << len(numbers)) - 1
        self._masks = {
            charset: sum(1 << number for signature, number in numbers.items() if signature >> bit & 1)
            for bit, charset in enumerate(distinct)
        }

    @staticmethod
    def _signature(start: int, sets: Sequence[Charset]) -> int:
        return sum(1 << bit for bit, charset in enumerate(sets) if contains(charset, start))

    def _examples(self, signatures: Sequence[int], excluded: int) -> dict[int, str]:
        """Signature to the character of its class that reads best, in order of readability."""
        examples: dict[int, str] = {}
        for character in _READABLE:
            signature = signatures[bisect_right(self._starts, ord(character)) - 1]
            if not signature & excluded:
                examples.setdefault(signature, character)
        for start, signature in zip(self._starts, signatures, strict=True):
            if not signature & excluded:
                examples.setdefault(signature, chr(start))
        return examples

    def mask(self, charset: Charset) -> int:
        """The classes inside a set; it must be one of those that the classes were made from."""
        return self._masks[charset]

    def class_of(self, character: str) -> int:
        """The number of this character's class, -1 for one that is excluded."""
        return self._class_of_start[bisect_right(self._starts, ord(character)) - 1]

    def class_beyond(self, code: int) -> int | None:
        """The class of every character from ``code`` on; ``None`` where there are several."""
        found = {self.class_of(chr(start)) for start in (code, *self._starts) if start >= code}
        return found.pop() if len(found) == 1 else None
