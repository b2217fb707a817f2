"""Sets of small numbers as bit masks: bit ``n`` is set for each ``n`` in the set."""

from collections.abc import Iterable, Sequence
from itertools import compress
from typing import Final

_FEW: Final = 48
# To look at every place takes as long as to search for so many of them: one in six.
_DENSE: Final = 6
_SET: Final = bytes.maketrans(b"01", b"\x00\x01")


def bits(mask: int) -> Sequence[int]:
    """The numbers in ``mask``, from the smallest, in a time that grows with its width and not with its square."""
    # From the largest, as what is left then gets narrower.
    last: list[int] = []
    while mask and len(last) < _FEW:
        highest = mask.bit_length() - 1
        last.append(highest)
        mask ^= 1 << highest
    last.reverse()
    return [*_many(mask), *last] if mask else last


def _many(mask: int) -> list[int]:
    digits = f"{mask:b}"[::-1]
    if mask.bit_count() * _DENSE > len(digits):
        return list(compress(range(len(digits)), digits.encode().translate(_SET)))
    found, at = [], digits.find("1")
    while at >= 0:
        found.append(at)
        at = digits.find("1", at + 1)
    return found


def mask_of(numbers: Iterable[int]) -> int:
    """The mask of ``numbers``, none of them negative."""
    listed = tuple(numbers)
    if len(listed) < 2:
        return 1 << listed[0] if listed else 0
    octets = bytearray(max(listed) // 8 + 1)
    for number in listed:
        octets[number >> 3] |= 1 << (number & 7)
    return int.from_bytes(octets, "little")
