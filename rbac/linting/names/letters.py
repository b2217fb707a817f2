"""Warnings about letters and signs that are drawn like others, in whatever alphabet: the word is another than it looks."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from rbac.background import paced
from rbac.errors import Problem
from rbac.linting.reading.subject import Reading
from rbac.model.http_words import WordFault

# Unicode has a table of confusables (UTS #39), which neither Python nor anything that this package needs brings along: these
# are the alphabets and the signs that it is about, as far as somebody types them by mistake.

# Alphabets whose letters are drawn like Latin ones. Nobody mixes these within a word, as one does Latin and Japanese.
_ALPHABETS: Final = (
    "CYRILLIC",
    "GREEK",
    "ARMENIAN",
    "CHEROKEE",
    "COPTIC",
    "LISU",
    "DESERET",
    "OSAGE",
    "WARANG",
    "VAI",
)
_SIGNS: Final = {
    **dict.fromkeys("‐‑‒–—―−﹘﹣－⁃", "-"),
    **dict.fromkeys("∕⁄╱⧸／⟋", "/"),
    **dict.fromkeys("․．｡", "."),
    **dict.fromkeys("∗＊٭﹡⁎✱", "*"),
    **dict.fromkeys("｛❴﹛", "{"),
    **dict.fromkeys("｝❵﹜", "}"),
    **dict.fromkeys("：﹕꞉ː", ":"),
    **dict.fromkeys("＿﹍", "_"),
    **dict.fromkeys("＠﹫", "@"),
}
_TOKEN: Final = re.compile(r"[^\W_]+")


def check_letters(reading: Reading) -> Iterator[Problem]:
    """A problem for each word of a rule or a link that holds such a letter."""
    if reading.policy_text.isascii():
        return
    told: dict[str, WordFault | None] = {}
    for ptype, rows in reading.document.rows.items():
        for line, row in paced(zip(reading.document.lines[ptype], rows, strict=True)):
            for column, word in enumerate(row):
                if word.isascii():
                    continue
                if word not in told:
                    told[word] = deceptive(word)
                fault = told[word]
                if fault is not None:
                    yield reading.in_rule(line, column, "deceptive-letter", *fault)


def deceptive(word: str) -> WordFault | None:
    """The letter or sign of ``word`` that looks like another one; ``None`` if there is none."""
    sign = next((character for character in word if character in _SIGNS), None)
    if sign is not None:
        plain = "".join(_SIGNS.get(character, character) for character in word)
        return WordFault(f"`{sign}` ({_name(sign)}) in `{word}` is no `{_SIGNS[sign]}`", f"write `{plain}`")
    plain = "".join(_plain(character) for character in word)
    if plain != word:
        odd = next(character for character in word if _plain(character) != character)
        return WordFault(f"`{odd}` ({_name(odd)}) in `{word}` is no `{_plain(odd)}`", f"write `{plain}`")
    mixed = next(filter(None, map(_mixed, _TOKEN.findall(word))), None)
    if mixed is not None:
        message = f"`{mixed}` ({_name(mixed)}) stands among Latin letters in `{word}`, and may look like one of them"
        return WordFault(message, "type the word anew")
    composed = unicodedata.normalize("NFC", word)
    if composed != word:
        return WordFault(
            f"the accents in `{word}` are characters of their own, which few requests have", "type it anew"
        )
    return None


def _plain(character: str) -> str:
    """The ASCII character of which this one is a variant (full-width, mathematical, in a circle), else itself."""
    if character.isascii():
        return character
    plain = unicodedata.normalize("NFKC", character)
    return plain if plain.isascii() and plain.isalnum() else character


def _mixed(token: str) -> str | None:
    """A letter of another alphabet than the Latin ones beside it; Latin letters that are only drawn like others are
    one, too."""
    latin = [one for one in token if one.isascii() and one.isalpha()]
    others = [one for one in token if not one.isascii() and _name(one).upper().startswith(_ALPHABETS)]
    twins = [one for one in token if one in "ɡɑɩıɪʟɴʀ"]
    return next(iter([*others, *twins]), None) if latin else None


def _name(character: str) -> str:
    return unicodedata.name(character, f"U+{ord(character):04X}").lower()
