"""What a reader of a file does not see, or sees elsewhere than it stands: told wherever it is, also in a comment."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from rbac.background import paced
from rbac.errors import Problem
from rbac.text.nearest import INVISIBLE

_TURNING: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
# Languages write these between their own letters, and emoji are joined by them: among ASCII they belong to nothing.
_AMONG_ASCII: Final = re.compile(
    "(?<=[!-~])[\u00ad\u061c\u180e\u200b-\u200f\u2060-\u2064\ufeff]+(?=[!-~])|(?<=[ -~])[\U000e0020-\U000e007f]"
)
_HINT: Final = "delete it; it is easiest to type the line anew"


def hidden_in_words(text: str, name: str) -> Iterator[Problem]:
    """A warning for each line of a policy or a model whose words hold a character that nobody sees, or that is a comment
    and may be taken for something else."""
    for number, line in _lines(text):
        comment = line.lstrip()[:1] == "#"
        if not comment and (found := INVISIBLE.search(line.strip())):
            column = line.index(found.group()) + 1
            code = ord(found.group())
            message = f"the invisible character `U+{code:04X}` makes this word another than it looks"
            yield _told(name, number, column, message)
        elif comment:
            yield from _deceiving(line, number, name)


def hidden_in_prose(text: str, name: str) -> Iterator[Problem]:
    """A warning for each line of a file that people may write anything in, by the same measure as for comments."""
    for number, line in _lines(text):
        yield from _deceiving(line, number, name)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    if text.isascii():
        return
    for number, line in enumerate(paced(text.split("\n")), 1):
        if not line.isascii():
            yield number, line


def _deceiving(line: str, number: int, name: str) -> Iterator[Problem]:
    """The first character of a line that turns the direction of writing, else one between plain letters."""
    turning = _TURNING.search(line)
    found = turning or _AMONG_ASCII.search(line)
    if found is None:
        return
    character = found.group()[0]
    code, called = ord(character), unicodedata.name(character, "").lower()
    known = f"`U+{code:04X}` ({called})" if called else f"`U+{code:04X}`"
    message = f"the invisible character {known} stands among letters"
    if turning:
        message = f"the invisible {known} turns the direction of writing: what is seen is not what is read"
    yield _told(name, number, found.start() + 1, message)


def _told(name: str, line: int, column: int, message: str) -> Problem:
    return Problem(name, line, column, "invisible-character", "warning", message, _HINT)
