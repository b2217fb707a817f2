"""Whether some value meets two patterns at once, for very many patterns: "no" is certain, "perhaps" is not."""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from rbac.lints.beginnings import Beginnings
from rbac.lints.covering import ANY, REST, segments
from rbac.lints.languages import LOOK, Budget, share_a_value
from rbac.pacing import paced, take_apart


@dataclass(slots=True)
class Pairs:
    """Pairs of patterns of one function, each looked at once."""

    function: str
    budget: Budget
    known: dict[tuple[str, str], bool] = field(default_factory=dict)
    read: dict[str, tuple[str, ...] | None] = field(default_factory=dict)

    def pieces(self, pattern: str) -> tuple[str, ...] | None:
        """The segments of a pattern, if they tell its meaning."""
        if pattern not in self.read:
            self.read[pattern] = _pieces(self.function, pattern)
        return self.read[pattern]

    def meet(self, one: str, other: str) -> bool:
        """Whether some value may meet both."""
        if one == other:
            return True
        if not self.function:
            return False
        pair = (one, other) if one < other else (other, one)
        if pair not in self.known:
            self.known[pair] = self._meet(*pair)
        return self.known[pair]

    def _meet(self, one: str, other: str) -> bool:
        if self.function == "keyMatch":
            return _prefixes_meet(one, other)
        if self.function == "ipMatch":
            return _networks_meet(one, other)
        if self.function == "globMatch":
            return any(character in one + other for character in "*?[{\\!+@(")
        return not self.budget.spend(LOOK) or share_a_value(self.function, one, other)


def _prefixes_meet(one: str, other: str) -> bool:
    (first, star, _), (second, starred, _) = one.partition("*"), other.partition("*")
    return (bool(star) and second.startswith(first)) or (bool(starred) and first.startswith(second))


def _networks_meet(one: str, other: str) -> bool:
    try:
        first, second = (ipaddress.ip_network(text, strict=False) for text in (one, other))
    except ValueError:
        return False  # what is no address is met by no address, but by its very text
    return first.version == second.version and first.overlaps(second)


class _Node:
    __slots__ = ("children", "ends", "open")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.ends: list[str] = []
        self.open: list[str] = []


class Patterns:
    """Patterns of one function, asked whether one of them may meet a value that another pattern meets."""

    def __init__(self, pairs: Pairs) -> None:
        self._pairs = pairs
        self._root = _Node()
        self._nodes: list[_Node] = []
        self._odd = Beginnings(pairs.function)
        self._all: dict[str, None] = {}

    def add(self, pattern: str) -> None:
        """Put a pattern among them."""
        if pattern in self._all:
            return
        self._all[pattern] = None
        pieces = self._pairs.pieces(pattern)
        if pieces is None:
            self._odd.add(pattern)
            return
        node = self._root
        for piece in pieces[:-1] if pieces[-1] == REST else pieces:
            child = node.children.get(piece)
            if child is None:
                child = node.children[piece] = _Node()
                self._nodes.append(child)
            node = child
        (node.open if pieces[-1] == REST else node.ends).append(pattern)

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __contains__(self, pattern: str) -> bool:
        return pattern in self._all

    @cached_property
    def _whole(self) -> Beginnings:
        """All of them."""
        found = Beginnings(self._pairs.function)
        for pattern in paced(self._all):
            found.add(pattern)
        return found

    def meet(self, pattern: str) -> bool:
        """Whether some value may meet ``pattern`` and one of these."""
        if pattern in self._all:
            return True
        pieces = self._pairs.pieces(pattern)
        if pieces is None:
            return any(self._meet(pattern, other) for other in self._whole.near(pattern))
        return self._walk(pieces) or any(self._meet(pattern, other) for other in self._odd.near(pattern))

    def take_apart(self) -> None:
        """Frees what the patterns are filed in bit by bit; nothing can be asked afterwards."""
        for node in paced(reversed(self._nodes)):
            node.children = {}
        take_apart(self._nodes)
        take_apart(self._all)

    def _meet(self, one: str, other: str) -> bool:
        return not self._pairs.budget.spend() or self._pairs.meet(one, other)

    def _walk(self, pieces: tuple[str, ...]) -> bool:
        pending = [(self._root, 0)]
        while pending:
            if not self._pairs.budget.spend():
                return True
            node, position = pending.pop()
            if position == len(pieces):
                found = node.ends
            elif pieces[position] == REST:
                found = node.open
                if node.children:
                    return True
            else:
                found = node.open
                pending += ((child, position + 1) for child in _next(node, pieces[position]))
            if found:
                return True
        return False


def _next(node: _Node, piece: str) -> Iterator[_Node]:
    """The nodes that a segment may lead to."""
    if piece == ANY:
        yield from (child for text, child in node.children.items() if text != "/")
        return
    for text in (piece, ANY) if piece != "/" else (piece,):
        child = node.children.get(text)
        if child is not None:
            yield child


def _pieces(function: str, pattern: str) -> tuple[str, ...] | None:
    """The segments of a pattern; none if a dot in it stands for any character, which may be a slash."""
    pieces = segments(function, pattern)
    if pieces is None or "." not in pattern:
        return pieces
    plain = tuple(piece.replace("\\.", "") for piece in pieces)
    return (
        None if any("." in piece for piece in plain) else tuple(piece.replace("\\.", ".") for piece in pieces)
    )
