"""``keyMatch4``, whose repeated ``{name}`` must stand for the same text each time.

Casbin compares the groups of the first match that ``re`` finds: every run as long as the rest allows. Where ``re``
would go back too far for that, the same match is found from its end: for each piece of the pattern, the places of the
path from which the rest can be matched, all of them at once as the bits of one number.
"""

import re
from collections.abc import Callable, Sequence

from casbin.util.builtin_operators import KEY_MATCH4_PATTERN

from rbac.backtracking import Piece, backtracking_of
from rbac.charset import Charset, contains
from rbac.functions import FUNCTIONS
from rbac.linear import LinearMatches, Match


def names_of(pattern: str) -> list[str]:
    """The names that ``keyMatch4`` sees in a pattern, in order."""
    return KEY_MATCH4_PATTERN.findall(pattern.replace("/*", "/.*"))


def repeats_a_name(pattern: str) -> bool:
    """Whether it takes more than one regular expression to match ``pattern``."""
    names = names_of(pattern)
    return len(set(names)) < len(names)


def finds_first_match(pattern: str) -> bool:
    """Whether the first match of ``pattern`` is found in time that is in proportion to the path."""
    expression = FUNCTIONS["keyMatch4"].expression(pattern)
    known = backtracking_of(expression)
    return known.degree == 1 or (known.pieces is not None and _is_greedy(expression, known.pieces))


def key_match4(pattern: str, matches: LinearMatches) -> Match:
    """Casbin's ``keyMatch4`` for one pattern. Raises ``re.error`` as Casbin does, and its bare Exception
    over a path that meets a pattern with groups of its own."""
    expression = FUNCTIONS["keyMatch4"].expression(pattern)
    names = names_of(pattern)
    if re.compile(expression).groups != len(names):
        return _uneven(matches.of(expression))
    if not repeats_a_name(pattern):
        return matches.of(expression)
    first = _first_match(expression)

    def equal(path: str) -> bool:
        values = first(path)
        return values is not None and len(set(zip(names, values, strict=True))) == len(set(names))

    return equal


def _uneven(match: Match) -> Match:
    def raising(path: str) -> object:
        if match(path):
            # Casbin's own words and type, which a caller may look for.
            raise Exception("KeyMatch4: number of tokens is not equal to number of values")  # noqa: TRY002
        return False

    return raising


def _first_match(expression: str) -> Callable[[str], Sequence[str] | None]:
    """The groups of the first match that ``re`` finds, in time that is in proportion to the path."""
    compiled = re.compile(expression)

    def searched(path: str) -> Sequence[str] | None:
        found = compiled.match(path)
        return None if found is None else found.groups()

    known = backtracking_of(expression)
    pieces = known.pieces
    if known.degree == 1 or pieces is None or not _is_greedy(expression, pieces):
        return searched
    inner, longest = pieces[1:-1], known.longest

    def first(path: str) -> Sequence[str] | None:
        return searched(path) if len(path) <= longest else longest_runs(path, inner)

    return first


def _is_greedy(expression: str, pieces: Sequence[Piece]) -> bool:
    """Whether every run is one without an upper end that takes all it can, between one `^` and one `$`."""
    ends = [at for at, piece in enumerate(pieces) if piece.members is None]
    whole = ends == [0, len(pieces) - 1] and (pieces[0].text, pieces[-1].text) == ("^", "$")
    return whole and "?" not in expression and all(piece.least < 2 for piece in pieces if piece.is_run)


def longest_runs(text: str, pieces: Sequence[Piece]) -> list[str] | None:
    """What the captured runs of ``^pieces$`` take of ``text`` when each, in order, takes as much as it can; ``None``
    without a match."""
    reaching = _reaching(text, pieces)
    length, at = len(text), 0
    if not reaching[0] >> length & 1:
        return None
    values = []
    for piece, rest in zip(pieces, reaching[1:], strict=True):
        start = at
        if piece.is_run:
            taken = re.compile(f"{piece.text}*").match(text, at)
            furthest = taken.end() if taken else at
            ends = rest >> (length - furthest)
            at = furthest - ((ends & -ends).bit_length() - 1)
        else:
            at += piece.least
        if piece.captured:
            values.append(text[start:at])
    return values


def _reaching(text: str, pieces: Sequence[Piece]) -> list[int]:
    """For each number of pieces left out at the front, the places from which the others match up to the end: place
    ``p`` is bit ``len(text) - p``, so that going back in the text is going up."""
    masks: dict[Charset, int] = {}
    reached = 0b11 if text.endswith("\n") else 0b1
    found = [reached]
    for piece in reversed(pieces):
        taken = piece.members or ()
        members = masks.get(taken)
        if members is None:
            members = masks[taken] = _places(text, taken)
        if piece.is_run:
            last = reached << 1 & members
            # The carry of an addition fills each run of ones from its marked places upwards.
            filled = (((last + members) ^ members) | last) & members
            reached = filled | (0 if piece.least else reached)
        else:
            for _ in range(piece.least):
                reached = reached << 1 & members
        found.append(reached)
    found.reverse()
    return found


class _Bits(dict[int, str]):
    """A character as ``1`` if it is in a set, as ``0`` if not, for :meth:`str.translate`."""

    def __init__(self, members: Charset) -> None:
        super().__init__()
        self._members = members

    def __missing__(self, code: int) -> str:
        bit = self[code] = "1" if contains(self._members, code) else "0"
        return bit


def _places(text: str, members: Charset) -> int:
    """The places of ``text`` at which a character of the set stands."""
    return int(text.translate(_Bits(members)) or "0", 2) << 1
