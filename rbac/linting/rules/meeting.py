"""Whether some value meets two patterns at once, for very many patterns: "no" is certain, "perhaps" is not."""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from rbac.background import paced, take_apart
from rbac.linting.rules.beginnings import Beginnings
from rbac.linting.rules.covering import ANY, REST, Kinds, segments
from rbac.matching.languages import LOOK, Budget, share_a_value
from rbac.model.functions import MATCHING


@dataclass(slots=True)
class Pairs:
    """Pairs of patterns of one function, each looked at once. ``steps`` are those that looking patterns up may take."""

    function: str
    budget: Budget
    steps: Budget
    known: dict[tuple[str, str], bool] = field(default_factory=dict)
    read: dict[str, tuple[str, ...] | None] = field(default_factory=dict)
    kinds: Kinds = field(init=False)
    networks: dict[str, tuple[int, int, int] | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.kinds = Kinds(self.function)

    def pieces(self, pattern: str) -> tuple[str, ...] | None:
        """The segments of a pattern, if they tell its meaning."""
        if pattern not in self.read:
            self.read[pattern] = _pieces(self.function, pattern, self.kinds)
        return self.read[pattern]

    def take_apart(self) -> None:
        """Frees what is remembered bit by bit."""
        for remembered in (self.known, self.read, self.networks):
            take_apart(remembered)

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
        called = MATCHING[self.function]
        if called.ends_at_star:
            (first, goes_on), (second, also) = called.start(one), called.start(other)
            return (goes_on and second.startswith(first)) or (also and first.startswith(second))
        if called.kind == "address":
            mine, theirs = self._network(one), self._network(other)
            if mine is None or theirs is None:
                return False  # what is no address is met by no address, but by its very text
            return mine[0] == theirs[0] and mine[1] <= theirs[2] and theirs[1] <= mine[2]
        if called.kind == "glob":
            return any(character in one + other for character in "*?[{\\!+@(")
        return not self.budget.spend(LOOK) or share_a_value(self.function, one, other)

    def _network(self, text: str) -> tuple[int, int, int] | None:
        """The version of an address or a network, its first address and its last."""
        if text not in self.networks:
            try:
                network = ipaddress.ip_network(text, strict=False)
            except ValueError:
                self.networks[text] = None
            else:
                ends = int(network.network_address), int(network.broadcast_address)
                self.networks[text] = (network.version, *ends)
        return self.networks[text]


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
            return self._meets_one_of(self._whole, pattern)
        return self._walk(pieces) or self._meets_one_of(self._odd, pattern)

    def take_apart(self) -> None:
        """Frees what the patterns are filed in bit by bit; nothing can be asked afterwards."""
        for node in paced(reversed(self._nodes)):
            node.children = {}
        take_apart(self._nodes)
        take_apart(self._all)

    def _meets_one_of(self, patterns: Beginnings, pattern: str) -> bool:
        pairs = self._pairs
        near = patterns.near(pattern, pairs.steps)
        return any(not pairs.budget.spend() or pairs.meet(pattern, other) for other in near) or (
            pairs.steps.left <= 0
        )

    def _walk(self, pieces: tuple[str, ...]) -> bool:
        # The nodes that are still to be looked at, by their depth: one that is found ends it.
        pending: list[Iterator[_Node]] = [iter((self._root,))]
        budget = self._pairs.budget
        while pending:
            node = next(pending[-1], None)
            if node is None:
                pending.pop()
                continue
            if not budget.spend():
                return True
            position = len(pending) - 1
            if position == len(pieces):
                found = node.ends
            elif pieces[position] == REST:
                found = node.open
                if node.children:
                    return True
            else:
                found = node.open
                pending.append(_next(node, pieces[position]))
            if found:
                return True
        return False


def _next(node: _Node, piece: str) -> Iterator[_Node]:
    """The nodes that a segment may lead to."""
    if piece == ANY:
        yield from (child for text, child in reversed(node.children.items()) if text != "/")
        return
    for text in (ANY, piece) if piece != "/" else (piece,):
        child = node.children.get(text)
        if child is not None:
            yield child


def _pieces(function: str, pattern: str, kinds: Kinds) -> tuple[str, ...] | None:
    """The segments of a pattern; none if a dot in it stands for any character, which may be a slash."""
    pieces = segments(function, pattern, kinds)
    if pieces is None or "." not in pattern:
        return pieces
    plain = tuple(piece.replace("\\.", "") for piece in pieces)
    return (
        None if any("." in piece for piece in plain) else tuple(piece.replace("\\.", ".") for piece in pieces)
    )
