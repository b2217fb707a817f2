"""A policy file tidied: aligned columns, no byte-order mark, LF line ends, no empty last columns; same meaning."""

import unicodedata
from collections.abc import Iterable, Sequence

from rbac.errors import PolicyError
from rbac.model_file import Definition
from rbac.policy_file import Refusal, split_line
from rbac.source import Source, decode

_WIDEST = (
    48  # a column is aligned up to this width; longer words stand out instead of pushing all others away
)


def format_policy(
    content: bytes | str, definition: Definition | None = None, *, name: str = "policy.csv"
) -> str:
    """The policy file ``content`` tidied: every comment, blank line and row stays, in its order and with its meaning.

    With ``definition``, empty columns beyond what a row's type has are removed (a spreadsheet's). A line that cannot be
    read stays as it is. Raises :class:`PolicyError` for bytes that are not text and for control characters.
    """
    lines: list[str] = []
    block: list[list[str]] = []
    for raw in _text(content, name).split("\n"):
        line = raw.strip()
        words = _words(line, definition)
        if block and (words is None or words[0] != block[0][0]):
            lines += _aligned(block)
            block = []
        if words is None:
            lines.append(line)
        else:
            block.append(words)
    lines += _aligned(block)
    return "\n".join(lines).rstrip("\n") + "\n" if any(lines) else ""


def format_model(content: bytes | str, *, name: str = "model.conf") -> str:
    """The model file ``content`` without byte-order mark, CRLF and spaces at the ends of lines. Raises as above."""
    text = "\n".join(line.rstrip() for line in _text(content, name).split("\n"))
    return text.rstrip("\n") + "\n" if text.strip() else ""


def _text(content: bytes | str, name: str) -> str:
    source: Source = decode(content.encode() if isinstance(content, str) else content, name)
    if source.text is None or source.problems:
        raise PolicyError(source.problems)
    return source.text


def _words(line: str, definition: Definition | None) -> list[str] | None:
    """The type and the columns of a row; ``None`` for a line that is none."""
    if not line or line[0] == "#":
        return None
    try:
        words = [piece.strip() for piece in split_line(line)]
    except Refusal:
        return None
    width = definition.width(words[0]) if definition is not None else None
    if not words[0] or (definition is not None and width is None):
        return None
    while width is not None and len(words) > width + 1 and not words[-1]:
        words.pop()
    return words


def _aligned(block: Sequence[Sequence[str]]) -> Iterable[str]:
    """The rows of one type that follow each other, each column as wide as its widest word."""
    widths: list[int] = []
    for words in block:
        for index, word in enumerate(words):
            widths.extend([0] * (index + 1 - len(widths)))
            widths[index] = max(widths[index], min(_width(word), _WIDEST))
    for words in block:
        cells = [word + "," + " " * (widths[index] - _width(word)) for index, word in enumerate(words[:-1])]
        yield " ".join((*cells, words[-1])).rstrip()


def _width(word: str) -> int:
    """How many columns of a terminal a word takes: an East Asian character takes two."""
    if word.isascii():
        return len(word)
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in word)
