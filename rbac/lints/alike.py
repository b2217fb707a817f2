"""The known name that somebody meant who wrote another one."""

from collections.abc import Collection
from difflib import get_close_matches
from functools import cached_property

from rbac.lints.in_names import skeleton

_ALIKE = 0.7
_MOST_NAMES = 20_000  # of a policy that somebody writes by hand
_MOST_COMPARED = 500
_SHORT = 4  # letters; shorter names are alike by chance


class Alike:
    """Known names, asked which of them another one was meant to be."""

    def __init__(self, known: Collection[str]) -> None:
        self._known = known

    @cached_property
    def _without_one(self) -> dict[str, list[str]]:
        """The known names by themselves and by what is left of them without one letter."""
        found: dict[str, list[str]] = {}
        for name in sorted(self._known) if len(self._known) <= _MOST_NAMES else ():
            if len(name) >= _SHORT:
                for text in _shortened(name):
                    found.setdefault(text, []).append(name)
        return found

    def slip(self, name: str) -> str:
        """The known name that is one slip of the pen away (a letter too many, too few, wrong or out of place)."""
        if len(name) < _SHORT:
            return ""
        candidates = (other for text in _shortened(name) for other in self._without_one.get(text, ()))
        return next((other for other in candidates if is_slip(name, other)), "")

    def nearest(self, name: str) -> str:
        """The known name that is most like another, if any is."""
        slip = self.slip(name)
        if slip or len(self._known) > _MOST_COMPARED:
            return slip
        return next(iter(get_close_matches(name, sorted(self._known), 1, _ALIKE)), "")


def is_slip(one: str, other: str) -> bool:
    """Whether two names differ by one slip that is no other name: not in a digit, not in the first letter, and not
    in what only looks alike."""
    if one == other or one[0] != other[0] or skeleton(one) == skeleton(other):
        return False
    start = next(
        (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
    mine, theirs = one[start:], other[start:]
    changed = mine[:1] + theirs[:1]
    if any(character.isdigit() for character in changed):
        return False
    swapped = mine[:2] == theirs[1::-1] and mine[2:] == theirs[2:]
    return swapped or mine[1:] == theirs or mine == theirs[1:] or mine[1:] == theirs[1:]


def _shortened(name: str) -> list[str]:
    return [name, *(name[:at] + name[at + 1 :] for at in range(len(name)))]
