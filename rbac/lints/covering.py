"""Which pattern is at least as wide as another, decided by the text of the two, for very many patterns at once."""

import re
from collections.abc import Iterator

_NAMED = {"keyMatch2": re.compile(r":[^/{}]+"), "keyMatch3": re.compile(r"\{[^/{}]+\}")}
_NAMED["keyMatch4"] = _NAMED["keyMatch5"] = _NAMED["keyMatch3"]
_LITERAL = re.compile(r"(?:[\w~%@=&;, -]|\\?\.)*")
_ANY, _REST = "{}", "*"


def segments(function: str, pattern: str) -> tuple[str, ...] | None:
    """The segments of a path pattern, ``{}`` for a name and a last ``*``; ``None`` if they do not tell its meaning."""
    named = _NAMED.get(function)
    if named is None:
        return None
    pieces = pattern.split("/")
    found = []
    names = []
    for position, piece in enumerate(pieces):
        if named.fullmatch(piece):
            names.append(piece)
            found.append(_ANY)
        elif _LITERAL.fullmatch(piece) or (piece == _REST and 0 < position == len(pieces) - 1):
            found.append(piece)
        else:
            return None
    repeated = function == "keyMatch4" and len(set(names)) < len(names)
    return None if repeated else tuple(found)


class _Node:
    __slots__ = ("children", "rest", "rules")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.rules: list[int] = []
        self.rest: list[int] = []


class Cover:
    """Rules by their pattern; finds those whose pattern meets whatever another pattern meets."""

    def __init__(self, function: str) -> None:
        self._function = function
        self._same: dict[str, list[int]] = {}
        self._prefixes: dict[str, list[int]] = {}
        self._root = _Node()

    def add(self, pattern: str, rule: int) -> None:
        self._same.setdefault(pattern, []).append(rule)
        if self._function == "keyMatch" and "*" in pattern:
            self._prefixes.setdefault(pattern[: pattern.index("*")], []).append(rule)
        pieces = segments(self._function, pattern)
        if pieces is None:
            return
        node = self._root
        for piece in pieces[:-1] if pieces[-1] == _REST else pieces:
            node = node.children.setdefault(piece, _Node())
        (node.rest if pieces[-1] == _REST else node.rules).append(rule)

    def find(self, pattern: str) -> Iterator[int]:
        """The rules whose pattern covers ``pattern``, its own among them."""
        yield from self._same.get(pattern, ())
        if self._function == "keyMatch":
            end = pattern.find("*")
            literal = pattern if end < 0 else pattern[:end]
            for length in range(len(literal) + 1):
                yield from self._prefixes.get(literal[:length], ())
        pieces = segments(self._function, pattern)
        if pieces is not None:
            yield from _walk(self._root, pieces, 0)


def _walk(node: _Node, pieces: tuple[str, ...], position: int) -> Iterator[int]:
    if position == len(pieces):
        yield from node.rules
        return
    yield from node.rest
    piece = pieces[position]
    if piece == _REST and position == len(pieces) - 1:
        return
    if piece in node.children:
        yield from _walk(node.children[piece], pieces, position + 1)
    if piece not in ("", _ANY) and _ANY in node.children and "." not in piece.replace("\\.", ""):
        yield from _walk(node.children[_ANY], pieces, position + 1)
