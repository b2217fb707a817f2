"""Casbin's ``keyMatch`` family: what a pattern asks of a path, segment by segment, and whether one path meets it."""

import re
from collections.abc import Callable, Container, Sequence
from operator import itemgetter
from typing import Any, Final

from casbin.util import builtin_operators as casbin_operators

from rbac.functions import CasbinFunction
from rbac.linear import LinearMatches, Match, backtracks
from rbac.repeated_names import finds_first_match, key_match4, repeats_a_name

SPECIAL: Final = r".^$*+?{}\[\]\\|()"  # what a regular expression does not take literally
MAX_KEPT_EXPRESSIONS: Final = 8192  # about 1 KiB each; patterns of the policy only, never what a caller sends
MAX_KEPT_FORMS: Final = 65536  # about 200 bytes each; likewise

Kind = str
LITERAL: Final[Kind] = "literal"  # matches itself
DOTTED: Final[Kind] = "dotted"  # matches itself, and any other character in place of a dot
ANY: Final[Kind] = "any"  # a variable: one segment that is not empty
MIXED: Final[Kind] = (
    "mixed"  # a variable and more: one segment that is not empty, and a regular expression says which
)
REST: Final[Kind] = "rest"  # `*` behind a slash: whatever follows, slashes included
ODD: Final[Kind] = "odd"  # a regular expression of its own


_PLAIN = re.compile(rf"[^{SPECIAL}]*")
_LITERAL_OR_DOT = re.compile(r"[^\^$*+?{}\[\]\\|()]*")
_LITERAL_HEAD = re.compile(rf"[^{SPECIAL}]*")


# A pattern as a path tree files it: (segments, rest, simple, dotted). `segments`: one text each, None where any segment
# that is not empty fits. `rest`: None if the pattern ends with them, else the text that whatever follows starts with.
# `simple`: whether comparing segments decides; with `dotted`, it decides only if they are alike.
Steps = tuple[list[str | None], str | None, bool, bool]

ANYWHERE: Final[Steps] = ([], "", False, False)


class Reader:
    """Reads the patterns of one style. Keeps what it learns of each segment: make one for one policy."""

    def __init__(self, style: CasbinFunction) -> None:
        self.style = style
        self._kinds: dict[str, Kind] = {}

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
        return self.style.name != "keyMatch4" or _all_different(pattern)

    def _open(
        self, segments: list[str | None], text: str, place: int, *, simple: bool, dotted: bool
    ) -> Steps:
        if place == 0:
            return ANYWHERE
        if text.startswith("*"):
            return segments, "", simple and text == "*", dotted
        head = _LITERAL_HEAD.match(text)
        literal = head.group() if head else ""
        if literal:
            # A quantifier takes the last literal character back, and a variable may start with it.
            return segments, literal[:-1].split(":", 1)[0], False, dotted
        quantifiers = "?+{" if self.style.dialect == ":id" else "?+"
        # A quantifier in the first place is one of the slash before it.
        return ANYWHERE if text[0] in quantifiers else (segments, "", False, dotted)

    def _kind(self, text: str) -> Kind:
        kind = self._kinds.get(text)
        if kind is None:
            kind = self._kinds[text] = _kind_of(text, self.style)
        return kind


def _kind_of(text: str, style: CasbinFunction) -> Kind:
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
        if self._function.name == "keyMatch4":
            return key_match4(pattern, self._matches)
        return self._matches.of(self._function.expression(pattern))


def goes_back(function: CasbinFunction, pattern: str) -> bool:
    """Whether comparing a value with ``pattern``, which is valid, may take far longer than in proportion to it."""
    if function.name == "keyMatch4" and repeats_a_name(pattern):
        return not finds_first_match(pattern)
    return backtracks(function.expression(pattern))


def any_value(function: CasbinFunction) -> Callable[[Any, str], Any]:
    """``function`` as Casbin calls it, with a value of any type and a pattern of the policy."""
    matches = Expressions(function).matches

    def call(value: Any, pattern: str) -> Any:
        if type(value) is not str:
            return function.call(value, pattern)
        return matches(value.split("?", 1)[0] if function.name == "keyMatch5" else value, pattern)

    return call


Verify = Callable[[str, Sequence[str] | None, str], bool]
Form = tuple[int, bool, Callable[[Sequence[str]], object] | None, object, tuple[int, ...]]


def form_of(pattern: str, mark: str) -> Form:
    """A simple pattern ready to be compared: its length, whether that is the least length, where it is literal and what
    stands there, and where its variables are."""
    texts = pattern.split("/")
    open_ended = texts[-1] == "*" and len(texts) > 1
    variables = tuple(at for at, text in enumerate(texts) if text[:1] == mark)
    literal = [at for at, text in enumerate(texts) if text[:1] != mark]
    if open_ended:
        literal.pop()
    getter = itemgetter(*literal) if literal else None
    return len(texts), open_ended, getter, getter(texts) if getter else None, variables


def verifier(style: CasbinFunction, odd: Container[str]) -> Verify:
    """``verify(path, segments, pattern)``: Casbin's answer, without a regular expression where segments will do.

    ``segments`` are the path's, or ``None`` if it holds a line break; ``odd`` holds every pattern that is not simple.
    """
    if style.variable is None:
        return _verify_prefix
    by_expression = Expressions(style).matches
    mark = style.dialect[0]
    forms: dict[str, Form] = {}

    def verify(path: str, segments: Sequence[str] | None, pattern: str) -> bool:
        if pattern in odd:
            return by_expression(path, pattern)
        if path == pattern:
            return True
        if segments is None:
            met = _meets_despite_line_break(path, pattern, mark)
        else:
            form = forms.get(pattern)
            if form is None:
                form = form_of(pattern, mark)
                if len(forms) < MAX_KEPT_FORMS:
                    forms[pattern] = form
            met = meets(segments, form)
        return met or ("." in pattern and by_expression(path, pattern))

    return verify


def _verify_prefix(path: str, segments: Sequence[str] | None, pattern: str) -> bool:  # noqa: ARG001 - as its kin
    return bool(casbin_operators.key_match(path, pattern))


def meets(segments: Sequence[str], form: Form) -> bool:
    """Whether the segments of a path meet a simple pattern, a dot standing for itself alone."""
    length, open_ended, literal, texts, variables = form
    if length != len(segments) and (not open_ended or length > len(segments)):
        return False
    for at in variables:
        if not segments[at]:
            return False
    return literal is None or literal(segments) == texts


def _meets_despite_line_break(path: str, pattern: str, mark: str) -> bool:
    # `$` also matches before a line break at the very end, and the `.*` of a final `*` does not cross any.
    form = form_of(pattern, mark)
    length, open_ended = form[:2]
    for text in (path, path.removesuffix("\n")):
        segments = text.split("/")
        if meets(segments, form) and not (open_ended and "\n" in "/".join(segments[length - 1 :])):
            return True
    return False
