"""How much a word of a request is like a word of a rule: what somebody who mistyped one would have meant."""

from collections.abc import Sequence
from typing import Final

from rbac.text.nearest import ratio

FAR: Final = 1.0  # the distance of what has nothing in common

# Names and methods are alike from here on (a slip of the pen); what lies below says nothing.
_ALIKE: Final = 0.7
# So much of a path has to be as a pattern has it. A variable fits anything, so it counts half.
_PATHS_ALIKE: Final = 0.5
_SLASH: Final = 0.01  # what a slash too many at the end counts
_OPEN: Final = frozenset({"*", "/*", ".*", "^.*$", "/.*"})


def distance(asked: str, value: str, *, exact: bool) -> float:
    """How much two words differ, from 0 to :data:`FAR`. Where a rule holds the very word (``exact``), all that are not
    alike are equally far."""
    if exact:
        return FAR - _names(asked, value)
    return FAR - ratio(asked, value)


def path_distance(asked: str, pattern: str) -> float:
    """How much a path differs from what a pattern means, from 0 to :data:`FAR`, which stands for all that are not
    alike."""
    alike = _paths(asked.strip("/").split("/"), pattern.strip("/").split("/"))
    if asked.endswith("/") != pattern.endswith("/"):
        alike -= _SLASH
    return FAR - alike if alike >= _PATHS_ALIKE else FAR


def _paths(asked: Sequence[str], pattern: Sequence[str]) -> float:
    """The share of the segments that are as the pattern has them, place by place."""
    alike = sum(map(_segments, asked, pattern))
    return alike / max(len(asked), len(pattern))


def _segments(asked: str, value: str) -> float:
    if asked == value:
        return 1.0
    if value[:1] in ("{", ":", "*"):
        return 0.5
    return _names(asked, value)


def _names(asked: str, value: str) -> float:
    """How much two names are alike, from 0 to 1; 0 for what is no slip of the pen."""
    return ratio(asked, value, _ALIKE)


def breadth(fields: Sequence[str]) -> int:
    """In how many of its columns a rule is open to everything."""
    return sum(field in _OPEN for field in fields)


def roughly(asked: str, value: str) -> tuple[int, int]:
    """A distance that is cheap: what does not begin alike, and the difference in length."""
    alike = 0
    for one, other in zip(asked, value, strict=False):
        if one != other:
            break
        alike += 1
    return len(asked) - alike, abs(len(asked) - len(value))
