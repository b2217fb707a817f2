"""From bytes to text: what a model or policy file may consist of, whoever reads it.

Casbin's readers and ours must see the same lines. They do in UTF-8 without control characters: a lone
carriage return, a form feed or U+2028 ends a line for one reader and not for another.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rbac.background import paced
from rbac.errors import Problem
from rbac.text.encodings import encoding_name, letters_encoding, wide_encoding
from rbac.text.visible import LINE_SEPARATORS, NO_TEXT

_SLICE = 1 << 16  # one search over megabytes would hold up every other thread
_WORD = 60  # bytes
BOM = "\ufeff"
_FORBIDDEN = re.compile(f"[{NO_TEXT}{LINE_SEPARATORS}]")


@dataclass(frozen=True, slots=True)
class SourceText:
    """A file as text, without byte-order mark and with LF ending lines; ``None`` when it is not text."""

    name: str
    text: str | None
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


def decode(content: bytes, name: str) -> SourceText:
    """Text of ``content``, or where it is not UTF-8. A BOM and CRLF are read as if absent, and warned of."""
    wide = wide_encoding(content)
    if wide is not None:
        return SourceText(name, None, (_wide(wide, name),), ())
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        return SourceText(name, None, (_undecodable(content, error, name),), ())
    warnings = []
    if text.startswith(BOM):
        text = text[1:]
        warnings.append(
            Problem(
                name,
                1,
                1,
                "byte-order-mark",
                "warning",
                "the file begins with an invisible byte-order mark, over which other Casbin tools stumble",
                "run `rbac fmt`, or save the file as UTF-8 without BOM",
            )
        )
    if "\r" in text and "\r\n" in text:  # the one is found ten times as fast as two
        line, column = place(text, text.index("\r\n"))
        text = text.replace("\r\n", "\n")
        warnings.append(
            Problem(
                name,
                line,
                column,
                "crlf",
                "warning",
                "lines end in CRLF, of which other Casbin tools may keep a stray character",
                "run `rbac fmt`, or save the file with Unix (LF) line ends",
            )
        )
    return SourceText(name, text, tuple(_controls(text, name)), tuple(warnings))


def place(text: str, offset: int) -> tuple[int, int]:
    """Line and column, both from 1 and in characters, of ``offset`` in ``text``."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def _wide(codec: str, name: str) -> Problem:
    saved = encoding_name(codec)
    message = f"the file is saved with the encoding {saved}, in which other Casbin tools cannot read it"
    hint = "run `rbac fmt`, or save the file with the encoding UTF-8"
    return Problem(name, 1, 1, "undecodable", "error", message, hint)


def _undecodable(content: bytes, error: UnicodeDecodeError, name: str) -> Problem:
    before = content[: error.start].decode("utf-8").removeprefix(BOM)
    line, column = place(before, len(before))
    return Problem(
        name,
        line,
        column,
        "undecodable",
        "error",
        f"the byte `0x{content[error.start]:02x}` is not UTF-8 text" + _guessed(content, error.start),
        "save the file with the encoding UTF-8",
    )


def _guessed(content: bytes, offset: int) -> str:
    """What the file seems to be, with the word that it then says there."""
    codec = letters_encoding(content)
    if codec is None:
        return ""
    start = max(content.rfind(end, 0, offset) for end in (b" ", b"\n", b",", b"#"))
    word = re.split(r"[\s,]", content[start + 1 : start + 1 + _WORD].decode(codec, "ignore"), maxsplit=1)[0]
    return f": in {encoding_name(codec)} the word would be `{word}`" if word.isprintable() else ""


def _controls(text: str, name: str) -> Iterator[Problem]:
    """The first control character of each line: a file of another encoding, or of zeros, has one in every place."""
    line, counted, told = 1, 0, 0
    for start in paced(range(0, len(text), _SLICE), every=1):
        at = max(start, told)
        while match := _FORBIDDEN.search(text, at, start + _SLICE):
            offset = match.start()
            line, counted = line + text.count("\n", counted, offset), offset
            yield Problem(
                name,
                line,
                offset - text.rfind("\n", 0, offset),
                "control-character",
                "error",
                f"the invisible control character `U+{ord(match.group()):04X}` may not stand in this file",
                "delete it; it is easiest to type the line anew",
            )
            at = told = text.find("\n", offset)
            if told < 0:
                return
