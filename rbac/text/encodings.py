"""Which encoding a file that is not UTF-8 was saved with: UTF-16 for certain, others by their letters."""

import codecs
import re
from typing import Final

_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MOST_LOOKED_AT: Final = 1 << 16
_FEW: Final = 4  # zeros, which may also be a mistake in a line
_JAPANESE: Final = re.compile("[ぁ-んァ-ヶ一-龯]")
_LEAD: Final = re.compile(rb"[\x81-\x9f][\x40-\x7e\x80-\xfc]")
_PAIRS: Final = re.compile(rb"(?:[\xa1-\xfe][\xa1-\xfe])+")
_NAMES: Final = {
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "utf-32": "UTF-32",
    "cp932": "Shift JIS",
    "euc-jp": "EUC-JP",
    "cp1252": "Latin-1 (Windows-1252)",
}


def wide_encoding(content: bytes) -> str | None:
    """The codec of a file in UTF-16 or UTF-32, with or without its byte-order mark; ``None`` if it is no such file."""
    for mark, codec in _MARKS:
        if content.startswith(mark):
            return _decodable(content, codec)
    start = content[:_MOST_LOOKED_AT]
    zeros = start[0::2].count(0), start[1::2].count(0)
    if len(content) % 2 or max(zeros) * 4 < len(start) or max(zeros) < _FEW or min(zeros):
        return None
    return _decodable(content, "utf-16-le" if zeros[1] else "utf-16-be")


def letters_encoding(content: bytes) -> str | None:
    """The codec of one byte a letter, or of Japanese, that a file which is not UTF-8 was probably saved with."""
    for codec, letters in (("cp932", _LEAD), ("euc-jp", _PAIRS)):
        found = _decodable(content, codec) if letters.search(content) else None
        if found is not None and _JAPANESE.search(content.decode(codec)):
            return codec
    return _decodable(content, "cp1252")


def encoding_name(codec: str) -> str:
    """What people call a codec."""
    return _NAMES[codec]


def _decodable(content: bytes, codec: str) -> str | None:
    try:
        content.decode(codec)
    except UnicodeDecodeError:
        return None
    return codec
