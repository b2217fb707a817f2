"""Why a line of a policy file is no row, by what people write and spreadsheets save instead, and what it was to be."""

import csv
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from rbac.model.request_shape import HTTP_METHODS
from rbac.text.wording import quoted

SEPARATORS: Final[Mapping[str, str]] = {
    ";": "semicolons",
    "\t": "tabs",
    "，": "full-width commas",
    "、": "Japanese commas",
    "；": "full-width semicolons",
    "､": "half-width Japanese commas",
    "،": "Arabic commas",
    "|": "bars",
    "｜": "full-width bars",
}
_ANY: Final = re.compile(f"[,{''.join(map(re.escape, SEPARATORS))}]")
_MARKER: Final = re.compile(r"(?:<{7}|>{7}|={7}|\|{7})(?=\s|$)")
_COMMENT: Final = re.compile(r"(?:;|//|--|/\*|<!--|%|'(?![^',]+'\s*,)|＃|REM\b)[;/%'\s]*", re.IGNORECASE)
_FILLED: Final = re.compile(r"[,;\t]{2,}\s*$", re.MULTILINE)
_BEHIND: Final = re.compile(r"\s(#|//)")
_HEADINGS: Final = frozenset(
    ("ptype", "type", "v0", "role", "sub", "subject", "who", "user", "path", "obj", "method")
)
_VERBS: Final = frozenset(("policy", "rule", "allow", "deny", "permit", "grant", "role", "group", "link"))

Widths = Mapping[str, int]
"""How many columns a row has behind its type, by type."""


class LineFault(NamedTuple):
    """What is wrong with a line: where in it (from 0), the code, what is so, and what to write."""

    offset: int
    code: str
    message: str
    hint: str


def cells(line: str, widths: Widths) -> tuple[str, list[str]] | None:
    """The separator and the words of a row that is written with another one than commas, or quoted as a whole.

    ``None`` where no separator makes a row of it, or where a word would hold a comma.
    """
    for separator in (",", *SEPARATORS):
        words = _quoted_cells(line, separator) if separator in line else []
        if words and "," in words[0] and not any(words[1:]):
            words = [word.strip() for word in words[0].split(",")]
        if fits(words, widths):
            return separator, words
    other = next((separator for separator in SEPARATORS if separator in line), None)
    words = [word.strip() for word in _ANY.split(line)]
    return (other, words) if other is not None and fits(words, widths) else None


def fits(words: list[str], widths: Widths) -> bool:
    """Whether these are a row; empty words beyond its columns are dropped."""
    width = widths.get(words[0]) if words else None
    while width is not None and len(words) > width + 1 and not words[-1]:
        words.pop()
    return width is not None and len(words) == width + 1 and not any("," in word for word in words)


def is_filled_up(text: str) -> bool:
    """Whether a spreadsheet wrote this: it fills its rows up to the longest with separators."""
    return _FILLED.search(text) is not None


def comment_of(line: str, *, filled: bool) -> str | None:
    """A comment as it was before a spreadsheet quoted it, or ``filled`` its row with separators; ``None`` if it is
    none."""
    for separator in (",", ";", "\t"):
        if is_empty_row(line, separator):
            return ""
        if line.startswith('"#'):
            words = _quoted_cells(line, separator)
            while words and not words[-1]:
                words.pop()
            if words:
                return separator.join(words)
    if line[:1] == "#":
        return line.rstrip(",;\t ") if filled else line
    return None


def is_empty_row(line: str, separator: str) -> bool:
    """Whether a line is a spreadsheet's row without a word in it."""
    return not line.replace('""', "").strip(f"{separator} ")


def _quoted_cells(line: str, separator: str) -> list[str]:
    try:
        (found,) = csv.reader([line], delimiter=separator, skipinitialspace=True, strict=True)
    except (csv.Error, ValueError):
        return []
    return [word.strip() for word in found]


def no_type(line: str, widths: Widths, columns: Mapping[str, str]) -> LineFault:
    """Why a line begins with no type that the model defines. ``columns`` are how people write a row of each."""
    text, indent = line.strip(), len(line) - len(line.lstrip())
    ptype = text.partition(",")[0].strip()
    told = _of_other_tools(text, widths) or _misspelled_type(ptype, widths, columns)
    if told is not None:
        return LineFault(indent, *told)
    known = quoted(widths)
    message = f"`{ptype}` is no type of line" if ptype else "the line has no type in front of its first comma"
    hint = f"begin the line with {known}, or with `#` if it is a comment"
    return LineFault(indent, "unknown-type", f"{message}, and Casbin would ignore it", hint)


def _of_other_tools(text: str, widths: Widths) -> tuple[str, str, str] | None:
    marker = _MARKER.match(text)
    if marker is not None:
        message = f"`{marker.group()}` is the mark of two versions that were not merged"
        return "merge-conflict", message, "keep the lines of the version that is meant, and delete the marks"
    words = text.split()
    found = cells(text, widths) or ((" ", words) if fits(words, widths) else None)
    return _no_comment(text) if found is None else _written_otherwise(*found)


def _no_comment(text: str) -> tuple[str, str, str] | None:
    """What another tool takes for a comment or for nothing."""
    if any(is_empty_row(text, separator) for separator in ",;\t"):
        return "unknown-type", "the line holds nothing but separators", "delete it, or run `rbac fmt`"
    if text.startswith('"#'):
        message = "the comment is in quotes, so it is none"
        return "unknown-type", message, "begin the line with `#`, or run `rbac fmt`"
    comment = _COMMENT.match(text)
    if comment is None:
        return None
    message = f"`{comment.group().strip()}` does not begin a comment, and Casbin would ignore the line"
    return "unknown-type", message, f"write `# {text[comment.end() :].strip()}`"


def _written_otherwise(separator: str, words: Sequence[str]) -> tuple[str, str, str]:
    hint = f"write `{', '.join(words)}`, or run `rbac fmt` for the whole file"
    if separator == ",":
        return "wrong-separator", "the words are in quotes, which would be part of them", hint
    if separator == " ":
        return (
            "wrong-separator",
            "the columns are parted by spaces, and not by commas",
            hint.rpartition(", or")[0],
        )
    return "wrong-separator", f"the columns are parted by {SEPARATORS[separator]}, and not by commas", hint


def _misspelled_type(ptype: str, widths: Widths, columns: Mapping[str, str]) -> tuple[str, str, str] | None:
    plain = unicodedata.normalize("NFKC", ptype).strip("\"'` ").casefold()
    message = f"`{ptype}` is no type of line, and Casbin would ignore it"
    if plain in widths:
        return "unknown-type", message, f"did you mean `{plain}`?"
    if plain in _HEADINGS:
        return (
            "unknown-type",
            message,
            f"if this names the columns, begin the line with `#`: `# {columns['p']}`",
        )
    if plain in _VERBS:
        return "unknown-type", message, f"a rule is written `{columns['p']}`"
    return None


def wrong_width(line: str, pieces: Sequence[str], widths: Widths, columns: Mapping[str, str]) -> LineFault:
    """Why a line of a known type has too many or too few columns."""
    ptype, *row = (piece.strip() for piece in pieces)
    width = widths[ptype]
    message = f"a `{ptype}` line has {width} columns behind its type, and this one has {len(row)}"
    written = _other_type(ptype, row, widths) or f"write it as `{columns[ptype]}`, "
    if len(row) < width:
        hint = f"{written}with a comma before every column" if written.endswith(" ") else written
        fault = LineFault(len(line.rstrip()), "wrong-width", message, hint)
        return _other_comma(line, widths) or fault
    offset = offset_of(pieces, width + 1)
    if not any(row[width:]):
        hint = "run `rbac fmt`, which removes empty columns at the end"
        return LineFault(offset, "wrong-width", f"{message}, the last of them empty", hint)
    hint = f"{written}and delete what is too much" if written.endswith(" ") else written
    return _too_much(line, pieces, width, message) or LineFault(offset, "wrong-width", message, hint)


def _too_much(line: str, pieces: Sequence[str], width: int, message: str) -> LineFault | None:
    """A comment behind a row, or quotes, with a comma inside; or several methods."""
    comment = _BEHIND.search(line)
    if comment is not None:
        hint = "a comment stands on a line of its own, which begins with `#`"
        message = f"{message}: a comment behind it counts as columns"
        return LineFault(comment.start(1), "wrong-width", message, hint)
    words = [piece.strip() for piece in pieces]
    for index, word in enumerate(words):
        if word[:1] in {'"', "'"} and word[-1:] != word[:1]:
            hint = "quotes do not protect a comma: write the word without quotes and without a comma"
            return LineFault(offset_of(pieces, index), "wrong-width", message, hint)
    methods = dict.fromkeys(word for word in words if word.upper() in HTTP_METHODS)
    if len(words) == width + len(methods) and len(methods) > 1:
        hint = "write a line for " + " and one for ".join(f"`{method}`" for method in methods)
        return LineFault(offset_of(pieces, words.index([*methods][1])), "wrong-width", message, hint)
    return None


def _other_comma(line: str, widths: Widths) -> LineFault | None:
    """A character that only looks like the comma which is missing."""
    found = cells(line, widths)
    if found is None:
        return None
    separator, words = found
    if separator == ",":  # inside brackets, where it parts no columns
        return None
    place = line.index(separator)
    name = unicodedata.name(separator, "TAB").lower()
    message = f"`{separator}` ({name}) is no comma, so two columns are one"
    return LineFault(place, "wrong-separator", message, f"write `{', '.join(words)}`")


def _other_type(ptype: str, row: Sequence[str], widths: Widths) -> str:
    """The type of which this row has as many columns, and whose line looks like it."""
    other = next((key for key, width in widths.items() if key != ptype and width == len(row)), None)
    if other is None:
        return ""
    meant = ", ".join((other, *row))
    return f"a line with {len(row)} columns begins with `{other}`: write `{meant}`"


def offset_of(pieces: Sequence[str], index: int) -> int:
    """Where the word of piece ``index`` begins in its line, or the line's end if there is none."""
    if index >= len(pieces):
        return len(",".join(pieces).rstrip())
    before = sum(map(len, pieces[:index])) + index
    piece = pieces[index]
    return before + len(piece) - len(piece.lstrip())


def effect_hint(effect: str, row: Sequence[str], columns: str) -> str:
    """What to write for an effect that is neither ``allow`` nor ``deny``, in a row of these ``columns``."""
    plain = unicodedata.normalize("NFKC", effect).strip("\"'“”‘’„«»「」『』`´;. ").casefold()
    word = next((word for word, others in _EFFECTS.items() if plain == word or plain in others.split()), "")
    if word:
        return f"write `{word}`, in small letters and without quotes"
    start = re.match(r"(allow|deny)\s*(?:#|//|--|;)", plain)
    if start is not None:
        return f"write `{start[1]}`, and the comment on a line of its own that begins with `#`"
    if not {"allow", "deny"}.isdisjoint(row):
        return f"the columns are in another order: write them as `{columns}`"
    return "write `allow` or `deny`, in small letters, and a comment on a line of its own"


_EFFECTS: Final = {
    "allow": "allows allowed permit permitted grant granted accept yes true ok 1 許可 erlauben autoriser permitir",
    "deny": "denied denies forbid forbidden block reject refuse drop no false 0 拒否 禁止 verbieten refuser negar",
}
