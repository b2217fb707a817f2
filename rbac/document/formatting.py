"""A policy file tidied: aligned columns, no byte-order mark, LF line ends, no empty last columns; same meaning."""

from collections.abc import Iterable, Sequence

from rich.cells import cell_len

from rbac.document.rows import Refusal, split_line
from rbac.document.unread_lines import cells, comment_of, is_filled_up
from rbac.errors import PolicyError
from rbac.model.definition import Definition
from rbac.text.encodings import letters_encoding, wide_encoding
from rbac.text.source import SourceText, decode

_WIDEST = (
    48  # a column is aligned up to this width; longer words stand out instead of pushing all others away
)


def format_policy(
    content: bytes | str, definition: Definition | None = None, *, name: str = "policy.csv"
) -> str:
    """The policy file ``content`` tidied: every comment, blank line and row stays, in its order and with its meaning.

    With ``definition``, what a spreadsheet saved is a policy again: empty columns beyond what a row's type has are
    removed, lines that are separated by semicolons or tabs, or quoted, are written with commas. A line that cannot be
    read stays as it is. Raises :class:`PolicyError` for bytes that are not text and for control characters.
    """
    lines: list[str] = []
    block: list[list[str]] = []
    text = _text(content, name)
    filled = is_filled_up(text)
    for raw in text.split("\n"):
        line = raw.strip()
        words = _words(line, definition)
        if block and (words is None or words[0] != block[0][0]):
            lines += _aligned(block)
            block = []
        if words is None:
            comment = None if definition is None else comment_of(line, filled=filled)
            lines.append(line if comment is None else comment)
        else:
            block.append(words)
    lines += _aligned(block)
    return "\n".join(lines).rstrip("\n") + "\n" if any(lines) else ""


def format_model(content: bytes | str, *, name: str = "model.conf") -> str:
    """The model file ``content`` without byte-order mark, CRLF and spaces at the ends of lines. Raises as above."""
    text = "\n".join(line.rstrip() for line in _text(content, name).split("\n"))
    return text.rstrip("\n") + "\n" if text.strip() else ""


def _text(content: bytes | str, name: str) -> str:
    source: SourceText = decode(content.encode() if isinstance(content, str) else _utf8(content), name)
    if source.text is None or source.problems:
        raise PolicyError(source.problems)
    return source.text


def _utf8(content: bytes) -> bytes:
    """A file in UTF-16 in UTF-8; one in another encoding only if nothing but its comments holds such letters."""
    wide = wide_encoding(content)
    if wide is not None:
        return content.decode(wide).encode()
    if _only_comments_are_foreign(content):
        codec = letters_encoding(content)
        return content if codec is None else content.decode(codec).encode()
    return content


def _only_comments_are_foreign(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        lines = content.split(b"\n")
        return all(line.isascii() or line.lstrip(b' "')[:1] == b"#" for line in lines)
    return False


def _words(line: str, definition: Definition | None) -> list[str] | None:
    """The type and the columns of a row; ``None`` for a line that is none."""
    if not line or line[0] == "#":
        return None
    try:
        words = [piece.strip() for piece in split_line(line)]
    except Refusal:
        return None
    if definition is None:
        return words if words[0] else None
    width = definition.width(words[0])
    if width is None or len(words) < width + 1:
        found = cells(line, definition.widths)
        return None if found is None and width is None else words if found is None else found[1]
    while len(words) > width + 1 and not words[-1]:
        words.pop()
    return words


def _aligned(block: Sequence[Sequence[str]]) -> Iterable[str]:
    """The rows of one type that follow each other, each column as wide as its widest word."""
    widths: list[int] = []
    for words in block:
        for index, word in enumerate(words):
            widths.extend([0] * (index + 1 - len(widths)))
            widths[index] = max(widths[index], min(cell_len(word), _WIDEST))
    for words in block:
        cells = [word + "," + " " * (widths[index] - cell_len(word)) for index, word in enumerate(words[:-1])]
        yield " ".join((*cells, words[-1])).rstrip()
