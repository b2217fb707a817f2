"""Patterns by the text that all they meet begins with, so that only those are compared that may have a value in common."""

import re
from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

_LITERAL: Final = re.compile(r"\^*((?:[\w/~%@=&;, -]|\\[^\w\s])*)([*+?{]?)", re.ASCII)
_ESCAPED: Final = re.compile(r"\\(.)")
_PLAIN: Final = re.compile(r"[\w/~%@=&;, .:-]*", re.ASCII)
_UNREADABLE: Final = re.compile(r"[\[\\]")


def beginning(function: str, pattern: str) -> str:
    """What every value begins with that ``pattern`` meets by Casbin's ``function``; may be shorter than it could be."""
    if function == "keyMatch":
        return pattern.partition("*")[0]
    if function == "globMatch":
        found = _PLAIN.match(pattern)
        return found.group() if found else ""
    if function == "ipMatch" or _has_alternatives(pattern):
        return ""
    found = _LITERAL.match(pattern)
    if found is None:
        return ""
    text = _ESCAPED.sub(r"\1", found[1])
    return text[:-1] if found[2] else text


def _has_alternatives(pattern: str) -> bool:
    """Whether a ``|`` may stand outside of all brackets."""
    if "|" not in pattern:
        return False
    if _UNREADABLE.search(pattern):
        return True
    depth = 0
    for character in pattern:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "|" and not depth:
            return True
    return False


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

    def near(self, pattern: str) -> Iterator[str]:
        """Those that may have a value in common with ``pattern``, in their order."""
        if not self._by_text:
            return iter(())
        if len(self._texts) != len(self._by_text):
            self._texts = sorted(self._by_text)
        text = beginning(self._function, pattern)
        found = [one for length in range(len(text)) for one in self._by_text.get(text[:length], ())]
        for place in range(bisect_left(self._texts, text), len(self._texts)):
            if not self._texts[place].startswith(text):
                break
            found += self._by_text[self._texts[place]]
        return (one for _, one in sorted(found))
