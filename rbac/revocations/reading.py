"""``revocations.csv``, read strictly: rows, or every problem with its line and column.

What cannot be read is never passed over: a row that is lost lets somebody back in.
"""

from collections.abc import Sequence
from typing import Final, cast

from rbac.background import breathe
from rbac.errors import FirstProblems, PolicyError, Problem
from rbac.revocations.row import ALL, COLUMNS, EXAMPLE_TIME, KINDS, Kind, Revocation, moment
from rbac.text.nearest import nearest
from rbac.text.source import decode
from rbac.text.visible import is_plain
from rbac.text.wording import quoted

MOST_LETTERS: Final = 256
"""Of a value, as of every name in a token."""
_OF_POLICIES: Final = ("client:", "scope:")
_BREATHE_EVERY = 256
_WIDTH = 4


class RevocationsError(PolicyError):
    """Revocations that cannot be gone by. ``problems`` is the whole list."""

    code = "revocations_refused"


class _Refusal(Exception):  # noqa: N818 - carries a problem from a line to the loop, and never leaves this module
    def __init__(self, column: int, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.column, self.code, self.hint = column, code, hint


def read_revocations(content: bytes, name: str) -> tuple[Revocation, ...]:
    """The rows of ``content``, in order. Raises :class:`RevocationsError` with all that is wrong with it.

    A row is ``kind, value, before, reason``; the reason is the rest of the line, commas included. Empty lines, and lines
    that begin with ``#``, say nothing.
    """
    source = decode(content, name)
    if source.text is None or source.problems:
        raise RevocationsError(source.problems)
    rows: list[Revocation] = []
    problems = FirstProblems(name)
    for number, line in enumerate(source.text.split("\n"), 1):
        if number % _BREATHE_EVERY == 0:
            breathe()
        if line.lstrip(" \t")[:1] in ("", "#"):
            continue
        try:
            rows.append(_row(line, number))
        except _Refusal as refusal:
            told = (refusal.column + 1, refusal.code, "error", str(refusal), refusal.hint)
            problems.add(Problem(name, number, *told))  # type: ignore[arg-type]  # a row of columns
    found = problems.told()
    if found:
        raise RevocationsError(found)
    return tuple(rows)


def _row(line: str, number: int) -> Revocation:
    pieces = line.split(",", _WIDTH - 1)
    words = [piece.strip() for piece in pieces]
    if words[0] not in KINDS:
        raise _unknown_kind(line, pieces, words)
    if len(words) != _WIDTH:
        message = f"a row has {_WIDTH} columns, and this one has {len(words)}"
        raise _Refusal(len(line), "wrong-revocation", message, f"write it as `{COLUMNS}`")
    kind, value, time, reason = words
    wrong = wrong_value(kind, value)
    if wrong is not None:
        raise _Refusal(_at(pieces, 1), "wrong-revocation", *wrong)
    try:
        before = moment(time)
    except ValueError:
        message = f"`{time}` is no time in whole seconds with a time zone"
        raise _Refusal(_at(pieces, 2), "wrong-time", message, f"write it like `{EXAMPLE_TIME}`") from None
    if not reason:
        message, hint = "the row does not say why", "write a reason behind the third comma"
        raise _Refusal(_at(pieces, 3), "wrong-revocation", message, hint)
    return Revocation(cast("Kind", kind), value, before, reason, number)


def wrong_value(kind: str, value: str) -> tuple[str, str] | None:
    """Why no row of ``kind`` can have ``value``, and what to do; ``None`` where it can."""
    told = None
    if kind == "everyone":
        if value != ALL:
            hint = f"write `everyone, {ALL}, …`, or `sub` in front of one person's name"
            told = f"`{value}` is not everyone", hint
    elif not value:
        told = f"the row does not say which {kind}", f"write it as `{COLUMNS}`"
    elif value == ALL:
        told = f"`{ALL}` is not one {kind}", f"write `everyone, {ALL}, …`, which is what it would mean"
    elif len(value) > MOST_LETTERS:
        told = f"no token has a {kind} of more than {MOST_LETTERS} letters", "copy it from the decision log"
    elif value.startswith(_OF_POLICIES):
        told = (
            f"no token has a {kind} called `{value}`",
            "write it without what the policy puts in front of it",
        )
    elif "," in value or not is_plain(value):
        told = f"`{value}` cannot stand in a row", "send everyone or a session away, or lock the person out"
    return told


def _unknown_kind(line: str, pieces: Sequence[str], words: Sequence[str]) -> _Refusal:
    known = nearest(words[0], KINDS)
    kinds = quoted(KINDS)
    message = f"a row begins with one of {kinds}, and not with `{words[0]}`"
    if line.startswith(("<<<<<<<", "=======", ">>>>>>>")):
        hint = "keep the lines of one version, and delete the marks"
    elif known:
        hint = f"write `{known}`"
    else:
        hint = f"write it as `{COLUMNS}`"
    return _Refusal(_at(pieces, 0), "wrong-revocation", message, hint)


def _at(pieces: Sequence[str], number: int) -> int:
    """Where in the line, from 0, the word of a column begins."""
    piece = pieces[number]
    before = sum(len(each) + 1 for each in pieces[:number])
    return before + len(piece) - len(piece.lstrip())
