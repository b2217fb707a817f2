"""How far Python's ``re`` may go back over a text for one expression, and the same expression written so that it need
not.

``re`` tries the longest run of every ``*`` and ``+`` first, and shorter ones when what follows does not fit. A run is
`settled` where the first try is the only one that can succeed: then its time is in proportion to the text.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import comb
from typing import Any, Final

from rbac.matching.automaton import (
    NotRegularError,
    Parsed,
    characters,
    parse_expression,
    parser,
    regular_expression,
    written,
)
from rbac.matching.charset import Charset, intersect, union

FEW_STEPS: Final = 10_000
"""What ``re`` may try before another way is taken: some 0.1 ms."""
NESTED: Final = -1
"""The degree of an expression that repeats something that itself may be read in several ways."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One step of a flat expression: a run of ``least`` to ``most`` characters of a set (``most`` is ``None`` for no
    end), or with ``members`` ``None`` an assertion such as ``$``. ``text`` is how the set or the assertion is written.
    """

    members: Charset | None
    text: str
    least: int = 1
    most: int | None = 1
    captured: bool = False

    @property
    def is_run(self) -> bool:
        """Whether it can take more than one length."""
        return self.members is not None and self.least != self.most


@dataclass(frozen=True)
class Backtracking:
    """What is known of one expression: its ``pieces`` where it is flat, and the ``degree`` to which the steps of
    ``re`` grow with the text: 1 is in proportion, 2 by the square, :data:`NESTED` without bound. ``prefix``
    are the flags it begins with."""

    pieces: tuple[Piece, ...] | None
    degree: int
    prefix: str = ""

    @cached_property
    def longest(self) -> int:
        """The longest text over which ``re`` tries no more than :data:`FEW_STEPS`; only for a degree over 1."""
        if self.degree == NESTED:
            return 0
        length = self.degree
        while comb(length + 1, self.degree) <= FEW_STEPS:
            length += 1
        return length

    @cached_property
    def settled(self) -> str | None:
        """The expression with every run settled in one try, ``None`` where that cannot be written exactly."""
        if self.pieces is None or _degree(self.pieces, in_one_try=True) > 1:
            return None
        return self.prefix + "".join(_in_one_try(self.pieces))


def backtracking_of(expression: str) -> Backtracking:
    """Reads an expression that compiles."""
    try:
        parsed = regular_expression(expression)
        pieces = tuple(_flat(parsed))
    except NotRegularError:
        runs = _runs(parse_expression(expression).operations)
        return Backtracking(None, NESTED if runs is None else max(1, runs))
    return Backtracking(pieces, _degree(pieces), parsed.prefix)


def _flat(parsed: Parsed, *, captured: bool = False) -> Iterator[Piece]:
    """The pieces of an expression without alternatives and without repeated groups; NotRegularError for others."""
    for operation, argument in parsed.operations:
        name = str(operation)
        match name:
            case "LITERAL" | "NOT_LITERAL" | "ANY" | "IN":
                yield Piece(characters(name, argument, parsed.flags), written(name, argument))
            case "AT":
                yield Piece(None, _ASSERTIONS.get(str(argument)) or _not_flat())
            case "SUBPATTERN" if not argument[1] and not argument[2]:
                yield from _flat(Parsed(argument[3], parsed.flags), captured=argument[0] is not None)
            case "MAX_REPEAT" | "MIN_REPEAT":
                least, most, body = argument
                of, inner = (str(body[0][0]), body[0][1]) if len(body) == 1 else ("", None)
                members = characters(of, inner, parsed.flags) if of in _SETS else _not_flat()
                end = None if most == parser.MAXREPEAT else int(most)
                yield Piece(members, written(of, inner), int(least), end, captured)
            case _:
                _not_flat()


_SETS: Final = frozenset({"LITERAL", "NOT_LITERAL", "ANY", "IN"})
_ASSERTIONS: Final = {
    "AT_BEGINNING": "^",
    "AT_BEGINNING_STRING": r"\A",
    "AT_END": "$",
    "AT_END_STRING": r"\Z",
}


def _not_flat() -> Any:
    raise NotRegularError("the expression is not flat")


def _degree(pieces: tuple[Piece, ...], *, in_one_try: bool = False) -> int:
    open_runs = [
        at
        for at, piece in enumerate(pieces)
        if piece.is_run and not _decided(pieces, at) and not (in_one_try and _absorbed(pieces, at))
    ]
    if not open_runs:
        return 1
    return len(open_runs) + any(piece.is_run for piece in pieces[open_runs[-1] + 1 :])


def _decided(pieces: tuple[Piece, ...], at: int) -> bool:
    """Whether nothing that the run leaves over could be what follows it."""
    members = pieces[at].members or ()
    for piece in pieces[at + 1 :]:
        if piece.members is None:
            continue
        if intersect(members, piece.members):
            return False
        if piece.least:
            return True
    return True


def _absorbed(pieces: tuple[Piece, ...], at: int) -> bool:
    """Whether the run may end where what follows first fits: the next run takes whatever a later end would take.

    ``pieces[at]`` is the set S, then come single characters, then a run over T. If a match has S end later, it has one
    with S ending first: what lies between is of S and of the characters, and all of those are in T.
    """
    if pieces[at].most is not None:
        return False
    taken = pieces[at].members or ()
    for piece in pieces[at + 1 :]:
        if piece.members is None:
            return False
        if piece.is_run:
            return piece.most is None and union(taken, piece.members) == piece.members
        taken = union(taken, piece.members)
    return False


def _in_one_try(pieces: tuple[Piece, ...]) -> Iterator[str]:
    """The pieces as an expression that takes the first end of every absorbed run and never another."""
    inside = False
    for at, piece in enumerate(pieces):
        if piece.is_run and inside:
            yield ")"
            inside = False
        if piece.members is None or (piece.least, piece.most) == (1, 1):
            yield piece.text
        elif piece.is_run and not _decided(pieces, at) and _absorbed(pieces, at):
            yield f"(?>{piece.text}{{{piece.least},}}?"
            inside = True
        else:
            yield f"{piece.text}{{{piece.least},{'' if piece.most is None else piece.most}}}"


def _runs(parsed: Iterable[tuple[Any, Any]]) -> int | None:
    """How many runs of single characters there are; ``None`` where anything else is repeated."""
    count = 0
    for operation, argument in parsed:
        name = str(operation)
        if name in _REPEATS:
            least, most, body = argument
            single = len(body) == 1 and str(body[0][0]) in _SETS
            if not single and int(most) > 1:
                return None
            count += single and least != most
            inner: Iterable[Any] = () if single else (body,)
        else:
            inner = _INNER.get(name, _nothing)(argument)
        for part in inner:
            more = _runs(part)
            if more is None:
                return None
            count += more
    return count


def _nothing(_argument: Any) -> tuple[Any, ...]:
    return ()


_REPEATS: Final = frozenset({"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"})
# The expressions inside an operation of Python's parser.
_INNER: Final[Mapping[str, Callable[[Any], Iterable[Any]]]] = {
    "SUBPATTERN": lambda argument: argument[3:],
    "BRANCH": lambda argument: argument[1],
    "ASSERT": lambda argument: argument[1:],
    "ASSERT_NOT": lambda argument: argument[1:],
    "ATOMIC_GROUP": lambda argument: (argument,),
    "GROUPREF_EXISTS": lambda argument: [part for part in argument[1:] if part is not None],
}
