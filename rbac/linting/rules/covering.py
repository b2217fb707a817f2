"""Which pattern is at least as wide as another, decided for very many patterns at once:
by their segments, and where these do not tell their meaning, by an automaton."""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from rbac.background import breathe, paced, take_apart
from rbac.linting.rules.beginnings import Beginnings
from rbac.matching.languages import LOOK, Budget, contains
from rbac.model.functions import PATH_FUNCTIONS

_OPEN = {name: row for name, row in PATH_FUNCTIONS.items() if row.ends_at_star}
_NAMED = {name: row.variable for name, row in PATH_FUNCTIONS.items() if row.variable is not None}
_LITERAL = re.compile(r"(?:[\w~%@=&;, -]|\\?\.)*")
ANY, REST = "{}", "*"


def segments(function: str, pattern: str, kinds: Mapping[str, str] | None = None) -> tuple[str, ...] | None:
    """The segments of a path pattern, ``{}`` for a name and a last ``*``; ``None`` if they do not tell its meaning.

    ``kinds`` says what each piece between slashes stands for."""
    if function not in _NAMED:
        return None
    pieces = pattern.split("/")
    found = [_segment(function, piece) if kinds is None else kinds[piece] for piece in pieces]
    if len(pieces) > 1 and pieces[-1] == REST:
        found[-1] = REST
    if "" in found or (PATH_FUNCTIONS[function].same_names and _repeats(pieces, found)):
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


class Kinds(dict[str, str]):
    """Pieces of patterns of one function to what they stand for; each is looked at once."""

    def __init__(self, function: str) -> None:
        super().__init__()
        self._function = function

    def __missing__(self, piece: str) -> str:
        kind = self[piece] = _segment(self._function, piece)
        return kind


class PatternSegments:
    """The :func:`segments` of the patterns of one function, remembered."""

    def __init__(self, function: str) -> None:
        self._function = function
        self._kinds = Kinds(function)
        self._read: dict[str, tuple[str, ...] | None] = {}

    def of(self, pattern: str) -> tuple[str, ...] | None:
        """The segments of a pattern, ``None`` if they do not tell its meaning."""
        if pattern not in self._read:
            self._read[pattern] = segments(self._function, pattern, self._kinds)
        return self._read[pattern]

    def take_apart(self) -> None:
        """Frees what is remembered bit by bit."""
        take_apart(self._read)


class _Node:
    __slots__ = ("children", "rest", "rules")

    def __init__(self) -> None:
        self.children: dict[str, _Node] | None = None
        self.rules: list[int] = []
        self.rest: list[int] = []

    def child(self, piece: str) -> "_Node":
        if self.children is None:
            self.children = {}
        node = self.children.get(piece)
        if node is None:
            node = self.children[piece] = _Node()
        return node


class Cover:
    """Rules by their pattern, in ascending order; finds those whose pattern meets whatever another pattern meets.

    ``read`` remembers the segments of patterns, and may be shared by covers for the same function; so may the
    ``budget`` of what automata are asked, and the one of ``branches``: the places at which a search goes two ways.
    """

    def __init__(
        self,
        function: str,
        read: PatternSegments | None = None,
        budget: Budget | None = None,
        branches: Budget | None = None,
    ) -> None:
        self._function = function
        self._read = read or PatternSegments(function)
        self._budget = budget or Budget()
        self._branches = branches or Budget()
        self._contained: dict[tuple[str, str], bool] | None = None
        self._same: dict[str, list[int]] = {}
        self._filed: _Filed | None = None

    def __contains__(self, pattern: str) -> bool:
        return pattern in self._same

    def add(self, pattern: str, rule: int) -> None:
        self._filed = None
        known = self._same.get(pattern)
        if known is not None:
            known.append(rule)
        else:
            self._same[pattern] = [rule]

    def take_apart(self) -> None:
        """Frees bit by bit what many rules were filed under; nothing is asked any more."""
        if self._filed is not None:
            self._filed.take_apart()
        take_apart(self._same)

    def find(self, pattern: str) -> Iterator[int]:
        """The rules whose pattern covers ``pattern``, its own among them."""
        for rules in self.lists(pattern):
            yield from rules

    def lists(self, pattern: str) -> Iterable[list[int]]:
        """The same in several lists, which are not to be changed."""
        same = self._same.get(pattern)
        if same is not None and len(self._same) == 1:
            return (same,)
        return self._lists(pattern, same)

    def _lists(self, pattern: str, same: list[int] | None) -> Iterator[list[int]]:
        if same is not None:
            yield same
        filed = self._filed
        if filed is None:
            filed = self._filed = _Filed(self._function, self._same, self._read)
        if self._function in _OPEN:
            literal = _OPEN[self._function].start(pattern)[0]
            for length in range(len(literal) + 1):
                if literal[:length] in filed.prefixes:
                    yield filed.prefixes[literal[:length]]
        if self._function not in _NAMED:
            pieces = None
            near = filed.near if self._function == "regexMatch" else None
        else:
            pieces = self._read.of(pattern)
            near = filed.near if pieces is None else filed.near_odd
        if pieces is not None and filed.wide:
            yield from _walk(filed.root, pieces, self._branches)
        if near is not None and self._budget.left > 0:
            yield from self._by_meaning(pattern, near.near(pattern, self._branches))

    def _by_meaning(self, pattern: str, others: Iterator[str]) -> Iterator[list[int]]:
        for other in others:
            if not self._budget.spend():
                return
            if other != pattern and self._contains(other, pattern):
                yield self._same[other]

    def _contains(self, wide: str, narrow: str) -> bool:
        """Whether one of two patterns, of which one is no mere list of segments, meets all that the other meets."""
        if self._contained is None:
            self._contained = {}
        key = (wide, narrow)
        if key not in self._contained:
            if not self._budget.spend(LOOK):
                return False
            self._contained[key] = contains(self._function, wide, narrow)
        return self._contained[key]


class _Filed:
    """The rules of a cover, filed by what their patterns consist of."""

    def __init__(self, function: str, same: dict[str, list[int]], read: PatternSegments) -> None:
        self._function = function
        self._same = same
        self._odd: list[str] = []
        self.root = _Node()
        self.wide = False
        """Whether there is a placeholder or a last ``*``: segments that are literal cover themselves alone."""
        self.prefixes: dict[str, list[int]] = {}
        if function in _OPEN:
            self._file_prefixes()
        several: dict[int, list[int]] = {}
        for pattern, rules in paced(same.items()):
            pieces = read.of(pattern) if function in _NAMED else None
            if pieces is None:
                self._odd.append(pattern)
                continue
            self.wide = self.wide or ANY in pieces or pieces[-1] == REST
            filed = self._place(pieces)
            if filed:
                several[id(filed)] = filed
            filed += rules
        for filed in several.values():
            filed.sort()

    def _place(self, pieces: tuple[str, ...]) -> list[int]:
        node = self.root
        if pieces[-1] == REST:
            for piece in pieces[:-1]:
                node = node.child(piece)
            return node.rest
        for piece in pieces:
            node = node.child(piece)
        return node.rules

    def _file_prefixes(self) -> None:
        for pattern, rules in paced(self._same.items()):
            if "*" in pattern:
                self.prefixes.setdefault(pattern[: pattern.index("*")], []).extend(rules)
        for filed in self.prefixes.values():
            filed.sort()

    def take_apart(self) -> None:
        """Frees the nodes one by one."""
        pending = [self.root]
        while pending:
            node = pending.pop()
            if node.children is not None:
                pending += node.children.values()
                take_apart(node.children)
            if not len(pending) % 256:
                breathe()

    @cached_property
    def near(self) -> Beginnings:
        """All patterns by their beginning."""
        return self._by_beginning(self._same)

    @cached_property
    def near_odd(self) -> Beginnings:
        """Those whose segments do not tell their meaning."""
        return self._by_beginning(self._odd)

    def _by_beginning(self, patterns: Iterable[str]) -> Beginnings:
        found = Beginnings(self._function)
        for pattern in paced(patterns):
            found.add(pattern)
        return found


def _walk(root: _Node, pieces: tuple[str, ...], branches: Budget) -> Iterator[list[int]]:
    pending = [(root, 0)]  # no call a segment: a pattern may have more of them than Python has frames
    while pending:
        node, position = pending.pop()
        if position == len(pieces):
            if node.rules:
                yield node.rules
            continue
        if node.rest:
            yield node.rest
        piece = pieces[position]
        if node.children is None or piece == REST:
            continue
        exact = node.children.get(piece)
        if piece not in ("/", ANY) and ANY in node.children and "." not in piece.replace("\\.", ""):
            if exact is not None and not branches.spend():
                return
            pending.append((node.children[ANY], position + 1))
        if exact is not None:
            pending.append((exact, position + 1))
