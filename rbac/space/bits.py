"""Sets of small numbers as bit masks: bit ``n`` is set for each ``n`` in the set."""

from collections.abc import Iterable, Iterator
from typing import Final

_NARROW: Final = 1 << 256
_FEW: Final = 48


def bits(mask: int) -> Iterator[int]:
    """The numbers in ``mask``, from the smallest, in a time that grows with its width and not with its square."""
    if mask < _NARROW or mask.bit_count() < _FEW:
        while mask:
            lowest = mask & -mask
            yield lowest.bit_length() - 1
            mask ^= lowest
        return
    digits = f"{mask:b}"[::-1]
    at = digits.find("1")
    while at >= 0:
        yield at
        at = digits.find("1", at + 1)


def mask_of(numbers: Iterable[int]) -> int:
    """The mask of ``numbers``, none of them negative."""
    listed = tuple(numbers)
    if len(listed) < 2:
        return 1 << listed[0] if listed else 0
    octets = bytearray(max(listed) // 8 + 1)
    for number in listed:
        octets[number >> 3] |= 1 << (number & 7)
    return int.from_bytes(octets, "little")
