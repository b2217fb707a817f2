"""Which version brought each line of a policy."""

from collections import Counter
from collections.abc import Iterable
from typing import TypeVar

Version = TypeVar("Version")


def blame(versions: Iterable[tuple[Version, bytes]]) -> list[tuple[bytes, Version]]:
    """Each line of the first policy, and the version since which a line of that text has been there without a break.

    ``versions`` come from the newest on, and no more of them are read than it takes. A line that only moved keeps its
    version; of several lines with one text the last are the newest. Raises ``ValueError`` where there is no version.
    """
    older = iter(versions)
    first = next(older, None)
    if first is None:
        raise ValueError("no version to blame")
    current, policy = first
    lines = policy.splitlines()
    brought: list[Version | None] = [None] * len(lines)
    # For each text, the places whose version is still unknown, the first of them last to be told.
    open_places: dict[bytes, list[int]] = {}
    for place, line in enumerate(lines):
        open_places.setdefault(line, []).append(place)
    for version, earlier in older:
        if not open_places:
            break
        there = Counter(earlier.splitlines())
        for line in list(open_places):
            places = open_places[line]
            while len(places) > there[line]:
                brought[places.pop()] = current
            if not places:
                del open_places[line]
        current = version
    for places in open_places.values():
        for place in places:
            brought[place] = current
    return [(line, version) for line, version in zip(lines, brought, strict=True) if version is not None]
