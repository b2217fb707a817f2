"""Text from policies, tokens and logs, as it may be shown: what nobody would see, or what steers a screen, is spelled out.

Every output of the commands goes through here, whatever its form.
"""

import re
from typing import Final

# What `str.isprintable` takes for a letter or a sign, and a screen draws as nothing or as a space (Unicode's
# Default_Ignorable_Code_Point, and the blanks): joiners, fillers, variation selectors, an empty Braille cell.
_BLANK: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
CONTROL_SPANS: Final = ((0x00, 0x1F), (0x7F, 0x9F))
"""Every control character, from the first to the last of each row."""
# What follows is written as it stands in the brackets of a pattern.
CONTROL: Final = "".join(f"{chr(first)}-{chr(last)}" for first, last in CONTROL_SPANS)
"""Every control character: U+0000 to U+001F, U+007F to U+009F."""
NO_TEXT: Final = "\x00-\x08\x0b-\x1f\x7f-\x9f"
"""The control characters that no file of text holds: all but the tab and the line feed."""
LINE_SEPARATORS: Final = "\u2028\u2029"
"""What ends a line for some readers, and is no control character to Unicode."""
SURROGATES: Final = "\ud800-\udfff"
"""Halves of pairs: no encoding can write one that stands alone."""
_CONTROL: Final = re.compile(f"[{CONTROL}]")


def has_control(text: str) -> bool:
    """Whether a control character is in ``text``."""
    # What is printable holds none: most texts need no second look.
    return not text.isprintable() and _CONTROL.search(text) is not None


def is_plain(text: str) -> bool:
    """Whether ``text`` is printable, with no blank before or behind it."""
    return text.isprintable() and text == text.strip()


def visible(text: str) -> str:
    r"""``text`` with each character that is not seen written as an escape: ``\u202e``, ``\x1b``, ``\xa0``.

    These are control and format characters (all that turn the direction of writing among them), every space but the
    plain one, line separators, lone surrogates, unassigned and private ones, and blanks that count as letters.
    """
    if text.isprintable() and (text.isascii() or not _BLANK.search(text)):
        return text
    return "".join(map(_shown, text))


def visible_lines(text: str) -> str:
    """:func:`visible`, line by line: line feeds stay what they are."""
    return "\n".join(map(visible, text.split("\n")))


def visible_json(text: str) -> str:
    r"""A JSON document that is the same value, its texts with escapes as in :func:`visible`: ``\u202e``."""
    if text.isascii():
        return text
    return "".join(
        character if character == "\n" or _is_seen(character) else _json_escape(character)
        for character in text
    )


def _is_seen(character: str) -> bool:
    return character.isprintable() and not _BLANK.match(character)


def _shown(character: str) -> str:
    return character if _is_seen(character) else character.encode("unicode_escape").decode("ascii")


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
