"""Which pattern is at least as wide as another, decided for very many patterns at once:
by their segments, and where these do not tell their meaning, by an automaton."""

import re
from collections.abc import Iterable, Iterator
from functools import cached_property

from rbac.functions import PATH_FUNCTIONS
from rbac.lints.beginnings import Beginnings
from rbac.lints.languages import LOOK, Budget, contains
from rbac.pacing import paced

_NAMED = {name: row.variable for name, row in PATH_FUNCTIONS.items() if row.variable is not None}
_LITERAL = re.compile(r"(?:[\w~%@=&;, -]|\\?\.)*")
ANY, REST = "{}", "*"


def segments(function: str, pattern: str) -> tuple[str, ...] | None:
    """The segments of a path pattern, ``{}`` for a name and a last ``*``; ``None`` if they do not tell its meaning."""
    if function not in _NAMED:
        return None
    pieces = pattern.split("/")
    found = [_segment(function, piece) for piece in pieces]
    if len(pieces) > 1 and pieces[-1] == REST:
        found[-1] = REST
    if "" in found or (function == "keyMatch4" and _repeats(pieces, found)):
        return None
    return tuple(found)


def _segment(function: str, piece: str) -> str:
    """``{}`` for a name, ``/`` before a literal, ``""`` for anything else."""
    if piece.isalnum():
        return "/" + piece
    if _NAMED[function].fullmatch(piece):
        return ANY
    return f"/{piece}" if _LITERAL.fullmatch(piece) else ""


def _repeats(pieces: list[str], found: list[str]) -> bool:
    names = [piece for piece, kind in zip(pieces, found, strict=True) if kind == ANY]
    return len(set(names)) < len(names)


class _Node:
    __slots__ = ("children", "rest", "rules")

    def __init__(self) -> None:
        self.children: dict[str, _Node] | None = None
        self.rules: tuple[int, ...] = ()
        self.rest: tuple[int, ...] = ()

    def child(self, piece: str) -> "_Node":
        if self.children is None:
            self.children = {}
        node = self.children.get(piece)
        if node is None:
            node = self.children[piece] = _Node()
        return node


class Cover:
    """Rules by their pattern; finds those whose pattern meets whatever another pattern meets.

    ``read`` remembers the segments of patterns, and may be shared by covers for the same function; so may the
    ``budget`` of what automata are asked.
    """

    def __init__(
        self,
        function: str,
        read: dict[str, tuple[str, ...] | None] | None = None,
        budget: Budget | None = None,
    ) -> None:
        self._function = function
        self._read = {} if read is None else read
        self._budget = budget or Budget()
        self._odd: list[str] = []
        self._contained: dict[tuple[str, str], bool] = {}
        self._same: dict[str, list[int]] = {}
        self._prefixes: dict[str, list[int]] = {}
        self._root = _Node()

    def add(self, pattern: str, rule: int) -> None:
        known = self._same.get(pattern)
        if known is not None:
            known.append(rule)
        else:
            self._same[pattern] = [rule]
        if self._function == "keyMatch" and "*" in pattern:
            self._prefixes.setdefault(pattern[: pattern.index("*")], []).append(rule)
        pieces = self._segments(pattern)
        if pieces is None:
            if known is None:
                self._odd.append(pattern)
            return
        node = self._root
        if pieces[-1] == REST:
            for piece in pieces[:-1]:
                node = node.child(piece)
            node.rest += (rule,)
            return
        for piece in pieces:
            node = node.child(piece)
        node.rules += (rule,)

    def _segments(self, pattern: str) -> tuple[str, ...] | None:
        if pattern not in self._read:
            self._read[pattern] = segments(self._function, pattern)
        return self._read[pattern]

    def find(self, pattern: str) -> Iterator[int]:
        """The rules whose pattern covers ``pattern``, its own among them."""
        yield from self._same.get(pattern, ())
        if self._function == "keyMatch":
            end = pattern.find("*")
            literal = pattern if end < 0 else pattern[:end]
            for length in range(len(literal) + 1):
                yield from self._prefixes.get(literal[:length], ())
        pieces = self._segments(pattern)
        if pieces is not None:
            yield from _walk(self._root, pieces)
        if self._function in _NAMED or self._function == "regexMatch":
            for other in (self._near_odd if pieces is not None else self._near).near(pattern):
                if not self._budget.spend():
                    return
                if other != pattern and self._contains(other, pattern):
                    yield from self._same[other]

    @cached_property
    def _near(self) -> Beginnings:
        return self._by_beginning(self._same)

    @cached_property
    def _near_odd(self) -> Beginnings:
        return self._by_beginning(self._odd)

    def _by_beginning(self, patterns: Iterable[str]) -> Beginnings:
        found = Beginnings(self._function)
        for pattern in paced(patterns):
            found.add(pattern)
        return found

    def _contains(self, wide: str, narrow: str) -> bool:
        """Whether one of two patterns, of which one is no mere list of segments, meets all that the other meets."""
        key = (wide, narrow)
        if key not in self._contained:
            if not self._budget.spend(LOOK):
                return False
            self._contained[key] = contains(self._function, wide, narrow)
        return self._contained[key]


def _walk(root: _Node, pieces: tuple[str, ...]) -> Iterator[int]:
    pending = [(root, 0)]  # no call a segment: a pattern may have more of them than Python has frames
    while pending:
        node, position = pending.pop()
        if position == len(pieces):
            yield from node.rules
            continue
        yield from node.rest
        piece = pieces[position]
        if node.children is None or piece == REST:
            continue
        if piece not in ("/", ANY) and "." not in piece.replace("\\.", "") and ANY in node.children:
            pending.append((node.children[ANY], position + 1))
        if piece in node.children:
            pending.append((node.children[piece], position + 1))
