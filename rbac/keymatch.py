"""Casbin's ``keyMatch`` family: what a pattern asks of a path, segment by segment, and whether one path meets it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from casbin.util import builtin_operators as casbin_operators

SPECIAL: Final = r".^$*+?{}\[\]\\|()"  # what a regular expression does not take literally
MAX_KEPT_EXPRESSIONS: Final = 8192  # about 1 KiB each; patterns of the policy only, never what a caller sends

Kind = str
LITERAL: Final[Kind] = "literal"  # matches itself
DOTTED: Final[Kind] = "dotted"  # matches itself, and any other character in place of a dot
ANY: Final[Kind] = "any"  # a variable: one segment that is not empty
MIXED: Final[Kind] = (
    "mixed"  # a variable and more: one segment that is not empty, and a regular expression says which
)
REST: Final[Kind] = "rest"  # `*` behind a slash: whatever follows, slashes included
ODD: Final[Kind] = "odd"  # a regular expression of its own


@dataclass(frozen=True, slots=True)
class Style:
    """One member of the family: its name in matchers, Casbin's function, and how it spells a variable."""

    name: str
    function: Callable[..., bool]
    variable: re.Pattern[str] | None  # a whole segment that is one variable
    substitution: tuple[re.Pattern[str], str] | None  # Casbin's own rewriting into a regular expression
    plain: re.Pattern[str]  # a pattern that can match nothing but itself

    def expression(self, pattern: str) -> str:
        """The regular expression that Casbin makes of ``pattern``."""
        text = pattern.replace("/*", "/.*")
        if self.substitution is not None:
            found, replacement = self.substitution
            text = found.sub(replacement, text)
        if self.name == "keyMatch2" and text == "*":
            text = "(.*)"
        return f"^{text}$"


_PLAIN = re.compile(rf"[^{SPECIAL}]*")
_PLAIN_NO_COLON = re.compile(rf"[^:{SPECIAL}]*")
_BRACES = re.compile(r"\{[^/{}]+\}")
_COLON = re.compile(r":[^/]+")
_LITERAL_OR_DOT = re.compile(r"[^\^$*+?{}\[\]\\|()]*")
_LITERAL_HEAD = re.compile(rf"[^{SPECIAL}]*")

STYLES: Final[dict[str, Style]] = {
    style.name: style
    for style in (
        Style("keyMatch", casbin_operators.key_match_func, None, None, re.compile(r"[^*]*")),
        Style(
            "keyMatch2",
            casbin_operators.key_match2_func,
            _COLON,
            (casbin_operators.KEY_MATCH2_PATTERN, r"\g<1>[^\/]+\g<2>"),
            _PLAIN_NO_COLON,
        ),
        Style(
            "keyMatch3",
            casbin_operators.key_match3_func,
            _BRACES,
            (casbin_operators.KEY_MATCH3_PATTERN, r"\g<1>[^\/]+\g<2>"),
            _PLAIN,
        ),
        Style(
            "keyMatch4",
            casbin_operators.key_match4_func,
            _BRACES,
            (casbin_operators.KEY_MATCH4_PATTERN, "([^/]+)"),
            _PLAIN,
        ),
        Style(
            "keyMatch5",
            casbin_operators.key_match5_func,
            _BRACES,
            (casbin_operators.KEY_MATCH5_PATTERN, "[^/]+"),
            _PLAIN,
        ),
    )
}


class Steps(NamedTuple):
    """A pattern as a path tree files it.

    ``segments``: one text each, ``None`` where any segment that is not empty fits. ``rest``: ``None`` if the pattern ends
    with them, else the text that whatever follows starts with. ``simple``: whether comparing segments decides a path
    that holds no line break (``dotted``: decides it unless they differ).
    """

    segments: list[str | None]
    rest: str | None
    simple: bool
    dotted: bool


ANYWHERE: Final = Steps([], "", simple=False, dotted=False)


class Reader:
    """Reads the patterns of one style. Keeps what it learns of a segment while a policy is read, so make one a policy."""

    def __init__(self, style: Style) -> None:
        self.style = style
        self._kinds: dict[str, Kind] = {}

    def steps(self, pattern: str) -> Steps:
        """Where ``pattern`` belongs in a tree; a superset of the paths it matches leads there."""
        if self.style.name == "keyMatch":
            return _prefix_steps(pattern)
        if "|" in pattern:
            return ANYWHERE
        texts = pattern.split("/")
        segments: list[str | None] = []
        simple, dotted = True, False
        for place, text in enumerate(texts):
            kind = self._kind(text)
            if kind is LITERAL:
                segments.append(text)
            elif kind is DOTTED:
                segments.append(text)
                dotted = True
            elif kind is ANY or kind is MIXED:
                segments.append(None)
                simple = simple and kind is ANY
            else:
                last = simple and place == len(texts) - 1
                return self._open(segments, text, place, simple=last, dotted=dotted)
        if self.style.name == "keyMatch4" and simple:
            simple = _all_different(texts)
        return Steps(segments, None, simple, dotted)

    def _open(
        self, segments: list[str | None], text: str, place: int, *, simple: bool, dotted: bool
    ) -> Steps:
        if place == 0:
            return ANYWHERE
        if text.startswith("*"):
            return Steps(segments, "", simple and text == "*", dotted)
        head = _LITERAL_HEAD.match(text)
        literal = head.group() if head else ""
        if literal:
            # A quantifier takes the last literal character back, and a variable may start with it.
            return Steps(segments, literal[:-1].split(":", 1)[0], simple=False, dotted=dotted)
        quantifiers = "?+{" if self.style.name == "keyMatch2" else "?+"
        # A quantifier in the first place is one of the slash before it.
        return ANYWHERE if text[0] in quantifiers else Steps(segments, "", simple=False, dotted=dotted)

    def _kind(self, text: str) -> Kind:
        kind = self._kinds.get(text)
        if kind is None:
            kind = self._kinds[text] = _kind_of(text, self.style)
        return kind


def _kind_of(text: str, style: Style) -> Kind:
    if style.plain.fullmatch(text):
        return LITERAL
    if style.variable is not None and style.variable.fullmatch(text):
        return ANY
    if text == "*":
        return REST
    if text == ":":
        return ODD  # no variable, but looks like one
    bare = style.expression(text)[1:-1].replace("[^\\/]+", "").replace("([^/]+)", "").replace("[^/]+", "")
    if bare == text:
        return DOTTED if _LITERAL_OR_DOT.fullmatch(text) else ODD
    return MIXED if _PLAIN.fullmatch(bare) else ODD


def _prefix_steps(pattern: str) -> Steps:
    star = pattern.find("*")
    if star < 0:
        return Steps([*pattern.split("/")], None, simple=True, dotted=False)
    *whole, rest = pattern[:star].split("/")
    return Steps([*whole], rest, simple=True, dotted=False)


def _all_different(texts: list[str]) -> bool:
    variables = [text for text in texts if text[:1] == "{"]
    return len(variables) == len(set(variables))


class Expressions:
    """Compiled regular expressions of a policy's own patterns, at most :data:`MAX_KEPT_EXPRESSIONS` of them."""

    __slots__ = ("_kept", "_text")

    def __init__(self, text: Callable[[str], str]) -> None:
        self._text = text
        self._kept: dict[str, Callable[[str], re.Match[str] | None]] = {}

    def matches(self, text: str, pattern: str) -> bool:
        """Whether ``pattern`` matches at the start of ``text``. Raises ``re.error`` as Casbin does."""
        match = self._kept.get(pattern)
        if match is None:
            match = re.compile(self._text(pattern)).match
            if len(self._kept) >= MAX_KEPT_EXPRESSIONS:
                self._kept = {}
            self._kept[pattern] = match
        return match(text) is not None


Verify = Callable[[str, Sequence[str] | None, str], bool]


def verifier(style: Style, odd: set[str]) -> Verify:
    """``verify(path, segments, pattern)``: Casbin's answer, without a regular expression where segments will do.

    ``segments`` are the path's, or ``None`` if it holds a line break; ``odd`` holds every pattern that is not simple.
    """
    if style.name == "keyMatch":
        key_match = casbin_operators.key_match
        return lambda path, _segments, pattern: bool(key_match(path, pattern))
    if style.name == "keyMatch4":
        function = style.function

        def with_expression(path: str, pattern: str) -> bool:
            return function(path, pattern)
    else:
        with_expression = Expressions(style.expression).matches
    mark = ":" if style.name == "keyMatch2" else "{"

    def verify(path: str, segments: Sequence[str] | None, pattern: str) -> bool:
        if pattern in odd:
            return with_expression(path, pattern)
        if segments is None:
            return _meets_despite_line_break(path, pattern, mark) or (
                "." in pattern and with_expression(path, pattern)
            )
        if meets(segments, pattern, mark):
            return True
        return "." in pattern and with_expression(path, pattern)

    return verify


def meets(segments: Sequence[str], pattern: str, mark: str) -> bool:
    """Whether the segments of a path without line breaks meet a simple pattern, a dot standing for itself alone."""
    wanted = pattern.split("/")
    if len(wanted) != len(segments) and (wanted[-1] != "*" or len(wanted) > len(segments)):
        return False
    for have, want in zip(segments, wanted, strict=False):
        if have != want:
            if want == "*":
                return True
            if want[:1] != mark or not have:
                return False
    return True


def _meets_despite_line_break(path: str, pattern: str, mark: str) -> bool:
    # `$` also matches before a line break at the very end, and the `.*` of a final `*` does not cross any.
    for text in (path, path.removesuffix("\n")):
        segments = text.split("/")
        if meets(segments, pattern, mark):
            wanted = pattern.split("/")
            if wanted[-1] != "*" or "\n" not in "/".join(segments[len(wanted) - 1 :]):
                return True
    return False
