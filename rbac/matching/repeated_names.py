"""``keyMatch4``, whose repeated ``{name}`` must stand for the same text each time.

Casbin compares the groups of the first match that ``re`` finds: every run as long as the rest allows. Where ``re``
would go back too far for that, the same match is found from its end, as :mod:`rbac.matching.flat` does.
"""

import re
from collections.abc import Callable, Sequence

from rbac.matching.backtracking import Piece, backtracking_of
from rbac.matching.flat import WIDTH, Flat, is_whole
from rbac.matching.linear import LinearMatches, Match
from rbac.model.functions import CasbinFunction


def finds_first_match(expression: str) -> bool:
    """Whether the first match of ``expression`` is found in time that is in proportion to the path."""
    known = backtracking_of(expression)
    return known.degree == 1 or (known.pieces is not None and _is_greedy(expression, known.pieces))


def same_names(function: CasbinFunction, pattern: str, matches: LinearMatches) -> Match:
    """Such a function for one pattern. Raises ``re.error`` as Casbin does, and its bare Exception
    over a path that meets a pattern with groups of its own."""
    expression, names = function.expression(pattern), function.names(pattern)
    if function.has_own_groups(pattern):
        return _uneven(matches.of(expression))
    if not function.repeats_a_name(pattern):
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
    flat, longest = Flat(pieces[1:-1]), known.longest

    def first(path: str) -> Sequence[str] | None:
        return searched(path) if len(path) <= longest else longest_runs(path, flat)

    return first


def _is_greedy(expression: str, pieces: Sequence[Piece]) -> bool:
    """Whether every run is one without an upper end that takes all it can, between one `^` and one `$`."""
    greedy = all(piece.least < 2 for piece in pieces if piece.is_run)
    return is_whole(pieces) and "?" not in expression and greedy


def longest_runs(text: str, flat: Flat) -> list[str] | None:
    """What the captured runs of ``^flat$`` take of ``text`` when each, in order, takes as much as it can; ``None``
    without a match."""
    reaching = flat.reaching(text)
    length, at = len(text), 0
    if not reaching[0] >> WIDTH * length & 1:
        return None
    values = []
    for piece, rest in zip(flat.pieces, reaching[1:], strict=True):
        start = at
        if piece.is_run:
            taken = re.compile(f"{piece.text}*").match(text, at)
            furthest = taken.end() if taken else at
            ends = rest >> WIDTH * (length - furthest)
            at = furthest - ((ends & -ends).bit_length() - 1) // WIDTH
        else:
            at += piece.least
        if piece.captured:
            values.append(text[start:at])
    return values
