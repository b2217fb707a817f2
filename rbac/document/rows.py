"""A policy file: lines to rows, as Casbin's file adapter reads them, or a problem for a line it would not."""

import re
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from rbac.background import Pause, paced
from rbac.document.unread_lines import effect_hint, no_type, offset_of, wrong_width
from rbac.errors import FirstProblems, Problem, RbacError
from rbac.model.definition import Definition

EFFECTS = frozenset(("allow", "deny"))
_PAUSE_EVERY = 512
_PIECE = 1 << 15  # characters
_BRACKETS = re.compile(r"[\[\]()]")
_STRUCTURE = re.compile(r"[,\[\]()]")


class RowWords(dict[str, str]):
    """Pieces between commas to stripped words; a word that occurs often is kept once."""

    def __missing__(self, piece: str) -> str:
        word = piece.strip()
        word = self.setdefault(word, word)
        self[piece] = word
        return word


@dataclass(slots=True)
class RowsOfType:
    """All rows of one type, the line of each, and what a row must look like (``effect``: position or -1); ``columns``
    is how people write one."""

    rows: list[list[str]]
    lines: "array[int]"
    width: int
    effect: int
    columns: str


class Refusal(RbacError):  # noqa: N818 - carries a problem from a line to the loop, and never leaves this module
    """A line that is not a row: where in the line (from 0), and why."""

    code: ClassVar[str] = "line_refused"

    def __init__(self, offset: int, code: str, message: str, hint: str) -> None:
        super().__init__(message)
        self._offset, self._code, self._message, self._hint = offset, code, message, hint

    def problem(self, name: str, line: int) -> Problem:
        return Problem(name, line, self._offset + 1, self._code, "error", self._message, self._hint)


def lines_of(text: str) -> Iterator[str]:
    """The lines of ``text``, split a piece at a time: no other thread runs while a large text is split in one go."""
    start = 0
    while (end := text.find("\n", start + _PIECE)) >= 0:
        yield from text[start:end].split("\n")
        start = end + 1
    yield from text[start:].split("\n")


def read_rows(
    text: str, definition: Definition, name: str, pause: Pause | None = None
) -> tuple[dict[str, RowsOfType], list[Problem]]:
    """The rows of ``text`` by type, and a problem for every other line. ``pause``: called every 512 lines."""
    kinds = _kinds(definition)
    problems = FirstProblems(name)
    words = RowWords()
    split = split_line if any(bracket in text for bracket in "[]()") else _plain_pieces
    for number, raw in enumerate(lines_of(text), 1):
        if pause is not None and number % _PAUSE_EVERY == 0:
            pause()
        try:
            row = list(map(words.__getitem__, split(raw)))
            kind = kinds.get(row[0])
            if kind is None or len(row) != kind.width + 1:
                if raw.strip()[:1] in ("", "#"):
                    continue
                raise _refusal(raw, split(raw), kinds)
        except Refusal as refusal:
            problems.add(refusal.problem(name, number))
            continue
        del row[0]
        kind.rows.append(row)
        kind.lines.append(number)
    for problem in _unknown_effects(kinds, text, name):
        problems.add(problem)
    return kinds, problems.told()


def _unknown_effects(kinds: Mapping[str, RowsOfType], text: str, name: str) -> Iterator[Problem]:
    """Casbin takes any other word than these two for "no effect", without a word."""
    places = FieldPlaces(text)
    for kind in kinds.values():
        if kind.effect < 0 or {row[kind.effect] for row in paced(kind.rows)} <= EFFECTS:
            continue
        for row, line in paced(zip(kind.rows, kind.lines, strict=True)):
            effect = row[kind.effect]
            if effect not in EFFECTS:
                named = f"the effect `{effect}`" if effect else "the empty effect"
                message = f"{named} is neither `allow` nor `deny`, so the rule would do nothing"
                hint = effect_hint(effect, row, kind.columns)
                column = places.column(line, kind.effect)
                yield Problem(name, line, column, "unknown-effect", "error", message, hint)


def _kinds(definition: Definition) -> dict[str, RowsOfType]:
    kinds = {}
    for ptype, fields in definition.policies.items():
        effect = fields.index("eft") if "eft" in fields else -1
        kinds[ptype] = RowsOfType([], array("L"), len(fields), effect, ", ".join((ptype, *fields)))
    for ptype, width in definition.roles.items():
        columns = (ptype, "who", "role", "domain", *("parameter" for _ in range(width)))
        kinds[ptype] = RowsOfType([], array("L"), width, -1, ", ".join(columns[: width + 1]))
    return kinds


def _plain_pieces(line: str) -> list[str]:
    return line.split(",")


def split_line(line: str) -> list[str]:
    """What stands between commas outside ``()`` and ``[]``, as in Casbin, which does not pair them."""
    # A comment in quotes is none, which is told, and whatever brackets stand in it are not what is wrong.
    if _BRACKETS.search(line) is None or line.lstrip().startswith(("#", '"#')):
        return line.split(",")
    pieces = []
    start = 0
    opened: list[int] = []
    for match in _STRUCTURE.finditer(line):
        character = match.group()
        if character in "([":
            opened.append(match.start())
        elif character == ",":
            if not opened:
                pieces.append(line[start : match.start()])
                start = match.end()
        elif not opened:
            raise Refusal(
                match.start(),
                "unbalanced-bracket",
                f"the `{character}` closes nothing",
                "delete it, or open it before",
            )
        else:
            opened.pop()
    if opened:
        message = f"the `{line[opened[-1]]}` is never closed, so the rest of the line would be one column"
        raise Refusal(opened[-1], "unbalanced-bracket", message, "close it, or delete it")
    pieces.append(line[start:])
    return pieces


def _refusal(line: str, pieces: list[str], kinds: Mapping[str, RowsOfType]) -> Refusal:
    widths = {ptype: kind.width for ptype, kind in kinds.items()}
    columns = {ptype: kind.columns for ptype, kind in kinds.items()}
    if pieces[0].strip() in kinds:
        return Refusal(*wrong_width(line, pieces, widths, columns))
    return Refusal(*no_type(line, widths, columns))


class FieldPlaces:
    """Where the columns of a row stand in its line. Lines are looked at only when somebody asks."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._lines: list[str] = []

    def column(self, line: int, field: int) -> int:
        """Where, from 1, the word of column ``field`` (-1 is the type) begins on ``line``."""
        if not self._lines:
            self._lines = list(paced(lines_of(self._text)))
        return offset_of(split_line(self._lines[line - 1]), field + 1) + 1


def rows_in_file_order(
    rows: Mapping[str, list[list[str]]], lines: Mapping[str, "array[int]"]
) -> Iterator[tuple[int, str, list[str]]]:
    """Every row with its line and type, by line."""
    tagged = [
        (line, ptype, row) for ptype in rows for line, row in zip(lines[ptype], rows[ptype], strict=True)
    ]
    tagged.sort(key=lambda item: item[0])
    return iter(tagged)
