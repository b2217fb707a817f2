"""What a path pattern meets beyond what its spelling promises, told of one pattern at a time."""

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from rbac.matching.languages import contains_language, is_empty
from rbac.model.functions import MATCHING, CasbinFunction

# Nobody writes a pattern for these words, so one that meets them meets every word.
_PROBES: Final = ("/qzxvkj", "/qzxvkj/wjqvxz", "/qzxvkj/wjqvxz/7")
_REPEATED: Final = {"*": "any number of times or not at all", "+": "once or more", "?": "once or not at all"}
_ANCHORED = re.compile(r"[\^$]|\\[AZbB]|\(\?")  # nothing else can keep an expression from meeting anything
_MORE = ".(){}[]^$|*+?"  # what is no character of its own in an expression
_ATOM = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|.", re.DOTALL
)  # an escaped character, a set of characters, or one character
_ORDINARY = re.compile(r"(?:[\w.~%@:=&;, -]++|/\*?+|\{[^/{}]+\})*+")


@dataclass(frozen=True, slots=True)
class PatternFinding:
    """One thing about a pattern: its code, what is so, and what to write instead."""

    code: str
    message: str
    hint: str


def ordinary(pattern: str) -> bool:
    """Whether nothing in a path pattern can mean more than it seems to: words, placeholders, and a `*` behind a slash."""
    return bool(_ORDINARY.fullmatch(pattern))


def findings(function: str, pattern: str) -> list[PatternFinding]:
    """What is odd about a pattern of a function, whoever the rule is for."""
    known = MATCHING[function]
    if known.ends_at_star:
        return _behind_the_star(pattern)
    if known.kind != "path" or ordinary(pattern):
        return []
    found = [*_anchors(pattern), *_alternatives(pattern)]
    if not found:
        found = _repeated_characters(known, pattern)
    if not found and _ANCHORED.search(pattern) and is_empty(function, pattern):
        message = f"no path at all meets `{pattern}`"
        found = [PatternFinding("never-met", message, f"write a path such as {_example(known)}")]
    return found


def opens(function: str, pattern: str) -> str:
    """How much a pattern opens that names no path: ``every path``, or an example of what it meets besides; else ``""``."""
    if _literal_start(function, pattern):
        return ""
    if meets_everything(function, pattern):
        return "every path"
    call = MATCHING[function].call
    if MATCHING[function].has_expression and _first_segment_is_plain(pattern):
        return ""
    try:
        met = [probe for probe in _PROBES if call(probe, pattern)]
    except (re.error, ValueError):
        return ""
    return f"every path like `{met[0]}`" if met else ""


def meets_everything(function: str, pattern: str) -> bool:
    """Whether a pattern meets every path that begins with a slash, by what its automaton accepts."""
    known = MATCHING[function]
    if pattern in known.everything or pattern in known.every_path:
        return True
    if known.ends_at_star:
        return pattern.startswith(("*", "/*"))
    try:
        if not all(known.call(probe, pattern) for probe in ("/", *_PROBES)):
            return False
    except (re.error, ValueError):
        return False
    return contains_language((function, pattern), ("regexMatch", "^/"))


def _behind_the_star(pattern: str) -> list[PatternFinding]:
    start, star, rest = pattern.partition("*")
    if not star or not rest:
        return []
    opened = "every path" if start in ("", "/") else f"every path that begins with `{start}`"
    message = f"`keyMatch` ignores what stands behind the first `*`: `{pattern}` meets {opened}"
    return [
        PatternFinding(
            "ignored-tail", message, f"write `{start}*` if you mean that, else one rule for each path"
        )
    ]


def _anchors(pattern: str) -> list[PatternFinding]:
    atoms = _ATOM.findall(pattern)
    inner = "".join(atoms[atoms[0] == "^" : len(atoms) - (atoms[-1] == "$")])
    if inner == pattern:
        return []
    message = f"Casbin itself ties a path to its beginning and end: `{pattern}` means no more than `{inner}`"
    return [
        PatternFinding(
            "pattern-anchor", message, f"write `{inner}`; for what lies below it, `{inner.rstrip('/')}/*`"
        )
    ]


def splits_the_whole(pattern: str, function: CasbinFunction) -> bool:
    """Whether a `|` outside brackets makes two expressions of a path pattern."""
    return function.kind == "path" and not function.ends_at_star and _has_loose_bar(pattern)


def _has_loose_bar(pattern: str) -> bool:
    depth = 0
    for atom in _ATOM.findall(pattern) if "|" in pattern else ():
        depth += {"(": 1, ")": -1}.get(atom, 0)
        if atom == "|" and depth == 0:
            return True
    return False


def _alternatives(pattern: str) -> list[PatternFinding]:
    if not _has_loose_bar(pattern):
        return []
    first, last = pattern.partition("|")[0], pattern.rpartition("|")[2]
    begun = f"all that begins with `{first}`" if first else "every path"
    rest = f", and `{last}` itself" if first and last else ""
    message = f"the `|` splits the whole of `{pattern}`: it meets {begun}{rest}"
    return [
        PatternFinding("loose-alternative", message, "write one rule for each path, or parentheses: `/(a|b)`")
    ]


def _repeated_characters(known: CasbinFunction, pattern: str) -> list[PatternFinding]:
    atoms = _ATOM.findall(known.variable.sub("{}", pattern) if known.variable else pattern)
    # A slash at the end that may be left out, `/orders/?`, is what it seems.
    last = len(atoms) - 1 if atoms[-2:] == ["/", "?"] and len(atoms) > 2 else len(atoms)
    for before, atom in pairwise(atoms[:last]):
        if atom not in _REPEATED or not _means_itself(before) or before + atom == "/*":
            continue
        message = f"the `{atom}` in `{pattern}` repeats the `{before}` before it, which may stand there {_REPEATED[atom]}"
        if atom == "*":
            start = pattern.partition(before + atom)[0] + before
            hint = f"write `{start}.*` for all that begins with `{start}`, or a `*` behind a slash"
        else:
            hint = f"write `\\{atom}` to mean the character itself"
        return [PatternFinding("repeated-character", message, hint)]
    return []


def _means_itself(atom: str) -> bool:
    """Whether a part of an expression is one character and nothing more."""
    if atom[0] == "\\":
        return not atom[1:].isalnum()
    return len(atom) == 1 and atom not in _MORE


def _example(known: CasbinFunction) -> str:
    return f"`/users/{known.placeholder('id')}`" if known.dialect else "`/users/*`"


def _literal_start(function: str, pattern: str) -> bool:
    """Whether a pattern begins with a slash and a character that means itself."""
    if MATCHING[function].kind == "regex":
        pattern = pattern.removeprefix("^")
    if "|" in pattern and not MATCHING[function].ends_at_star:
        return False
    return bool(re.match(r"/\w(?![*?+{])", pattern))


def _first_segment_is_plain(pattern: str) -> bool:
    """Whether the first segment is a word."""
    first = pattern.removeprefix("/").partition("/")[0]
    return bool(re.fullmatch(r"[\w.~-]*", first))
