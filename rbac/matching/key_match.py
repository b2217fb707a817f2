"""Casbin's ``keyMatch`` family: what a pattern asks of a path, segment by segment, and whether one path meets it."""

import re
from collections.abc import Callable, Container, Sequence
from operator import itemgetter
from typing import Any, Final

from casbin.util import builtin_operators as casbin_operators

from rbac.matching.linear import LinearMatches, Match, backtracks
from rbac.matching.repeated_names import finds_first_match, same_names
from rbac.model.functions import CasbinFunction

SPECIAL: Final = r".^$*+?{}\[\]\\|()"  # what a regular expression does not take literally
MAX_KEPT_EXPRESSIONS: Final = 8192  # about 1 KiB each; patterns of the policy only, never what a caller sends
MAX_KEPT_FORMS: Final = 65536  # about 200 bytes each; likewise

SegmentKind = str
LITERAL: Final[SegmentKind] = "literal"  # matches itself
DOTTED: Final[SegmentKind] = "dotted"  # matches itself, and any other character in place of a dot
ANY: Final[SegmentKind] = "any"  # a variable: one segment that is not empty
MIXED: Final[SegmentKind] = (
    "mixed"  # a variable and more: one segment that is not empty, and a regular expression says which
)
REST: Final[SegmentKind] = "rest"  # `*` behind a slash: whatever follows, slashes included
ODD: Final[SegmentKind] = "odd"  # a regular expression of its own


_PLAIN = re.compile(rf"[^{SPECIAL}]*")
_LITERAL_OR_DOT = re.compile(r"[^\^$*+?{}\[\]\\|()]*")
# Of a dot that is written `\\.`, a regular expression takes the dot itself.
_LITERAL_HEAD = re.compile(rf"(?:[^{SPECIAL}]|\\\.)*")


# A pattern as a path tree files it: (segments, rest, simple, dotted). `segments`: one text each, None where any segment
# that is not empty fits. `rest`: None if the pattern ends with them, else the text that whatever follows starts with.
# `simple`: whether comparing segments decides; with `dotted`, it decides only if they are alike.
Steps = tuple[list[str | None], str | None, bool, bool]

ANYWHERE: Final[Steps] = ([], "", False, False)


class SegmentReader:
    """Reads the patterns of one style. Keeps what it learns of each segment: make one for one policy."""

    def __init__(self, style: CasbinFunction) -> None:
        self.style = style
        self._kinds: dict[str, SegmentKind] = {}

    def steps(self, pattern: str) -> Steps:
        """Where ``pattern`` belongs in a tree; a superset of the paths it matches leads there."""
        if self.style.variable is None:
            return _prefix_steps(pattern)
        kinds = self._kinds
        segments: list[str | None] = []
        for text in pattern.split("/"):
            kind = kinds.get(text) or self._kind(text)
            if kind is LITERAL:
                segments.append(text)
            elif kind is ANY:
                segments.append(None)
            else:
                return self._uncommon(pattern)
        return segments, None, self._decided(pattern), False

    def _uncommon(self, pattern: str) -> Steps:
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
                last = simple and place == len(texts) - 1 and self._decided(pattern)
                return self._open(segments, text, place, simple=last, dotted=dotted)
        return segments, None, simple and self._decided(pattern), dotted

    def _decided(self, pattern: str) -> bool:
        """Whether comparing segments is enough, as far as repeated variables go."""
        return not self.style.same_names or _all_different(pattern)

    def _open(
        self, segments: list[str | None], text: str, place: int, *, simple: bool, dotted: bool
    ) -> Steps:
        if place == 0:
            return ANYWHERE
        if text.startswith("*"):
            return segments, "", simple and text == "*", dotted
        head = _LITERAL_HEAD.match(text)
        literal = head.group().replace(r"\.", ".") if head else ""
        if literal:
            # A quantifier takes the last literal character back, and a variable may start with it.
            return segments, literal[:-1].split(":", 1)[0], False, dotted
        quantifiers = "?+{" if self.style.dialect == ":id" else "?+"
        # A quantifier in the first place is one of the slash before it.
        return ANYWHERE if text[0] in quantifiers else (segments, "", False, dotted)

    def _kind(self, text: str) -> SegmentKind:
        kind = self._kinds.get(text)
        if kind is None:
            kind = self._kinds[text] = _kind_of(text, self.style)
        return kind


def _kind_of(text: str, style: CasbinFunction) -> SegmentKind:
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
        return [*pattern.split("/")], None, True, False
    *whole, rest = pattern[:star].split("/")
    return [*whole], rest, True, False


def _all_different(pattern: str) -> bool:
    variables = [text for text in pattern.split("/") if text[:1] == "{"]
    return len(variables) == len(set(variables))


class Expressions:
    """A policy's own patterns of one function, compiled to be matched in time that is in proportion to the text; at
    most :data:`MAX_KEPT_EXPRESSIONS` of them."""

    __slots__ = ("_function", "_kept", "_matches")

    def __init__(self, function: CasbinFunction) -> None:
        self._function = function
        self._matches = LinearMatches()
        self._kept: dict[str, Match] = {}

    def matches(self, text: str, pattern: str) -> bool:
        """Whether ``pattern`` matches ``text``. Raises ``re.error`` as Casbin does."""
        match = self._kept.get(pattern)
        if match is None:
            match = self._made(pattern)
            if len(self._kept) >= MAX_KEPT_EXPRESSIONS:
                self._kept = {}
            self._kept[pattern] = match
        return bool(match(text))

    def _made(self, pattern: str) -> Match:
        if self._function.same_names:
            return same_names(self._function, pattern, self._matches)
        return self._matches.of(self._function.expression(pattern))


def goes_back(function: CasbinFunction, pattern: str) -> bool:
    """Whether comparing a value with ``pattern``, which is valid, may take far longer than in proportion to it."""
    expression = function.expression(pattern)
    return not finds_first_match(expression) if function.repeats_a_name(pattern) else backtracks(expression)


def any_value(function: CasbinFunction) -> Callable[[Any, str], Any]:
    """``function`` as Casbin calls it, with a value of any type and a pattern of the policy."""
    matches = Expressions(function).matches

    def call(value: Any, pattern: str) -> Any:
        if type(value) is not str:
            return function.call(value, pattern)
        return matches(function.compared(value), pattern)

    return call


Verify = Callable[[str, Sequence[str] | None, str], bool]
Pick = Callable[[Sequence[str]], object]
Form = tuple[int, Pick, object, Pick, bool, bool]


def form_of(pattern: str, mark: str) -> Form:
    """A simple pattern ready to be compared: its length, what picks where it is literal, what stands there, what picks
    where its variables are, whether it is open-ended (then its length is the least one), and whether it has a dot."""
    texts = pattern.split("/")
    open_ended = texts[-1] == "*" and len(texts) > 1
    variables = [at for at, text in enumerate(texts) if text[:1] == mark]
    literal = [at for at, text in enumerate(texts) if text[:1] != mark]
    if open_ended:
        literal.pop()
    pick = _picks(literal)
    return len(texts), pick, pick(texts), _picks(variables), open_ended, "." in pattern


def _picks(places: Sequence[int]) -> Pick:
    """What gives the texts at ``places``, as a tuple."""
    return itemgetter(*places, *places[:1]) if places else _picks_nothing


def _picks_nothing(_: Sequence[str]) -> tuple[()]:
    return ()


def meets(segments: Sequence[str], form: Form) -> bool:
    """Whether the segments of a path meet a simple pattern, a dot standing for itself alone."""
    length, literal, texts, variables, open_ended, _ = form
    if length != len(segments) and (length > len(segments) or not open_ended):
        return False
    return literal(segments) == texts and "" not in variables(segments)  # type: ignore[operator]  # a tuple


# The same of a pattern {pattern}, written out for a function that has no time for calls.
VERIFIED: Final = """(
    {verify}({path}, {segments}, {pattern}) if {segments} is None or (form := {forms}[{pattern}]) is None
    else {pattern} == {path}
    or (form[0] == len({segments}) or form[0] < len({segments}) and form[4])
    and form[1]({segments}) == form[2] and '' not in form[3]({segments})
    or form[5] and {verify}({path}, {segments}, {pattern})
)"""
VERIFIED_PREFIX: Final = "{verify}({path}, {segments}, {pattern})"


class Forms(dict[str, Form | None]):
    """The forms of the simple patterns of a policy, made when first asked for; at most :data:`MAX_KEPT_FORMS` are kept.
    A pattern that is ``odd`` has none."""

    __slots__ = ("_mark", "_odd")

    def __init__(self, style: CasbinFunction, odd: Container[str]) -> None:
        self._mark = style.dialect[0]
        self._odd = odd

    def __missing__(self, pattern: str) -> Form | None:
        form = None if pattern in self._odd else form_of(pattern, self._mark)
        if len(self) < MAX_KEPT_FORMS:
            self[pattern] = form
        return form


def verifier(style: CasbinFunction, odd: Container[str]) -> Verify:
    """``verify(path, segments, pattern)``: Casbin's answer, without a regular expression where segments will do.

    ``segments`` are the path's, or ``None`` if it holds a line break; ``odd`` holds every pattern that is not simple.
    """
    if style.variable is None:
        return _verify_prefix
    by_expression = Expressions(style).matches
    mark = style.dialect[0]

    def verify(path: str, segments: Sequence[str] | None, pattern: str) -> bool:
        if pattern in odd:
            return by_expression(path, pattern)
        if path == pattern:
            return True
        form = form_of(pattern, mark)
        met = meets(segments, form) if segments is not None else _meets_despite_line_break(path, form)
        return met or ("." in pattern and by_expression(path, pattern))

    return verify


def _verify_prefix(path: str, segments: Sequence[str] | None, pattern: str) -> bool:  # noqa: ARG001 - as its kin
    return bool(casbin_operators.key_match(path, pattern))


def _meets_despite_line_break(path: str, form: Form) -> bool:
    # `$` also matches before a line break at the very end, and the `.*` of a final `*` does not cross any.
    length, open_ended = form[0], form[4]
    for text in (path, path.removesuffix("\n")):
        segments = text.split("/")
        if meets(segments, form) and not (open_ended and "\n" in "/".join(segments[length - 1 :])):
            return True
    return False
