"""Warnings about single words of a rule that no request can have: a method, a path, a comment behind a rule, quotes."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from itertools import permutations

from rbac.background import paced, take_apart
from rbac.errors import Problem
from rbac.linting.patterns.path_meaning import splits_the_whole
from rbac.linting.reading.subject import Reading
from rbac.linting.words.http_columns import HttpColumn, HttpColumns
from rbac.linting.words.placeholders import placeholder_fault
from rbac.model.expression import evaluated
from rbac.model.functions import CasbinFunction
from rbac.model.http_words import FULL_WIDTH, WordFault, method_fault, path_fault
from rbac.model.request_shape import HTTP_METHODS
from rbac.routes import Route

QUOTES = "\"'`´“”„‟‘’‚‛«»‹›「」『』｢｣〝〞〟＂＇"
_COMMENT = re.compile(r"(?P<word>.*?)\s+(?P<comment>(?:#|//|--|;|/\*).*)", re.DOTALL)
_PATH = re.compile(r"\^?/|https?://")
_IN_EXPRESSION = re.compile(
    r"\[[^\]]*\]|\\[^\w\s]|\\[dDwWsSbBAZ](?![A-Za-z])|\?(?![\w.-]+[=&])|[()^$]|\.[*+]"
)
_IN_GLOB = re.compile(r"\[[^\]]*\]|\{[^}]*\}|[*?]")
# What most words are, and nothing is wrong with: they are told apart at once.
_PLAIN = re.compile(r"[\w-]+")
_PLAIN_PATHS = {
    "": re.compile(r"/|(?:/[A-Za-z0-9_-]+)+"),
    ":id": re.compile(r"/|(?:/:?[A-Za-z0-9_-]+)+"),
    "{id}": re.compile(r"/|(?:/(?:[A-Za-z0-9_-]+|\{[A-Za-z_]+\}))+"),
}
_STAND_IN = 0xF0000  # the private characters that stand for what is no plain text of a pattern

WordFinding = tuple[int, str, WordFault]
"""The column, the code, and what is wrong."""


def check_words(reading: Reading, routes: Sequence[Route] = ()) -> Iterator[Problem]:
    """One problem for each word that is wrong, the first that explains it."""
    yield from _Words(reading, routes).problems()


class _Words:
    def __init__(self, reading: Reading, routes: Sequence[Route]) -> None:
        self._reading = reading
        self._columns = HttpColumns(reading)
        self._acts = {route.act for route in routes}
        self._literals = {part for route in routes for part in route.obj.split("/") if "{" not in part}
        self._paths = {route.obj for route in routes if "{" not in route.obj}
        self._known: dict[tuple[int, str], tuple[str, WordFault] | None] = {}
        words = [f"p.{word}" for word in reading.document.definition.policy_words]
        conditions = {name.replace("p_", "p.", 1) for name in evaluated(reading.document.definition.matcher)}
        self._plain = [index for index, word in enumerate(words) if word not in conditions]

    def problems(self) -> Iterator[Problem]:
        checks = self._checks()
        for line, row in self._reading.rules():
            found = [finding for finding in (self._finding(row, *check) for check in checks) if finding]
            swapped = self._swapped(row) if found else None
            for column, code, fault in [swapped] if swapped else found:
                yield self._reading.in_rule(line, column, code, *fault)
        for ptype, rows in self._reading.document.rows.items():
            if ptype == "p":
                continue
            for line, row in paced(zip(self._reading.document.lines[ptype], rows, strict=True)):
                for column, word in enumerate(row):
                    told = None if _PLAIN.fullmatch(word) else in_any_word(word)
                    if told is not None:
                        yield self._reading.in_rule(line, column, *_flat(told))
        take_apart(self._known)

    def _checks(self) -> list[tuple[int, Callable[[str], tuple[str, WordFault] | None]]]:
        path, method = self._columns.path, self._columns.method
        checks: list[tuple[int, Callable[[str], tuple[str, WordFault] | None]]] = []
        for column in self._plain:
            if path is not None and column == path.column:
                checks.append((column, lambda word: self._path(word, path)))
            elif method is not None and column == method.column:
                checks.append((column, lambda word: self._method(word, method)))
            elif column == self._columns.role:
                checks.append((column, self._role))
            else:
                checks.append((column, in_any_word))
        return checks

    def _finding(
        self, row: Sequence[str], column: int, check: Callable[[str], tuple[str, WordFault] | None]
    ) -> WordFinding | None:
        key = column, row[column]
        if key not in self._known:
            self._known[key] = check(row[column])
        found = self._known[key]
        return None if found is None else (column, *found)

    def _role(self, word: str) -> tuple[str, WordFault] | None:
        if self._columns.path is not None and (_PATH.match(word) or word in HTTP_METHODS):
            kind = "method" if word in HTTP_METHODS else "path"
            fault = WordFault(
                f"`{word}` is a {kind}, and stands where a role is named", "write the role here"
            )
            return "swapped-columns", fault
        return in_any_word(word)

    def _method(self, word: str, column: HttpColumn) -> tuple[str, WordFault] | None:
        told = in_any_word(word)
        if told is not None or word in self._acts or word in column.texts:
            return told
        if any(column.meets(method, word) for method in HTTP_METHODS):
            return None
        fault = method_fault(word, "*" if "*" in column.texts else "")
        if column.functions and fault is not None:
            fault = WordFault(fault.message, _in_regex(fault.hint))
        return None if fault is None else ("unknown-method", fault)

    def _path(self, word: str, column: HttpColumn) -> tuple[str, WordFault] | None:
        plain = _PLAIN_PATHS[column.functions[0].dialect if len(column.functions) == 1 else ""]
        if plain.fullmatch(word):
            return None
        told = in_any_word(word)
        if told is not None or word in self._paths or word in column.texts:
            return told
        return self._in_full_width(word, column) or self._unmet(word, column)

    def _unmet(self, word: str, column: HttpColumn) -> tuple[str, WordFault] | None:
        """Why no path of a request meets a word, by the functions that read it."""
        for function in column.functions:
            foreign = placeholder_fault(word, function, self._literals)
            if foreign is not None:
                return "foreign-placeholder", foreign
            fault = pattern_fault(word, function)
            if fault is not None:
                return "impossible-path", fault
        fault = None if column.functions else path_fault(word)
        return None if fault is None else ("impossible-path", fault)

    def _in_full_width(self, word: str, column: HttpColumn) -> tuple[str, WordFault] | None:
        """A path in full-width characters that is wrong in half-width ones, too: only the right one is a hint."""
        plain = unicodedata.normalize("NFKC", word) if FULL_WIDTH.search(word) else word
        found = self._path(plain, column) if plain != word else None
        if found is None:
            return None
        message = f"`{word}` is not a path that a request can have"
        return "impossible-path", WordFault(message, f"it holds full-width characters; {found[1].hint}")

    def _swapped(self, row: Sequence[str]) -> WordFinding | None:
        """The row in the order that was meant, if its words fit the columns in another one."""
        role, path, method = self._columns.role, self._columns.path, self._columns.method
        if role is None or path is None:
            return None
        places = [role, path.column] if method is None else [role, path.column, method.column]
        words = [row[place] for place in places]
        for order in permutations(words):
            if order != tuple(words) and _fits(order):
                meant = list(row)
                for place, word in zip(places, order, strict=True):
                    meant[place] = word
                first = next(place for place, word in zip(places, order, strict=True) if row[place] != word)
                names = self._reading.document.definition.policy_words
                message = (
                    f"`{row[first]}` stands in the column `{names[first]}`: the columns are in another order"
                )
                return first, "swapped-columns", WordFault(message, f"write `{', '.join(('p', *meant))}`")
        return None


def _fits(words: Sequence[str]) -> bool:
    role, path, *method = words
    is_role = bool(role) and not _PATH.match(role) and role.upper() not in HTTP_METHODS and role != "*"
    methods = all(word in {*HTTP_METHODS, "*"} for word in method)
    return is_role and (_PATH.match(path) is not None) and methods


def in_any_word(word: str) -> tuple[str, WordFault] | None:
    """What is wrong with a word wherever it stands: quotes, or a comment behind it."""
    if _PLAIN.fullmatch(word):
        return None
    comment = _COMMENT.fullmatch(word)
    if comment is not None or word.endswith(";"):
        meant = comment["word"].strip() if comment is not None else word.rstrip("; ")
        what = f"the comment `{comment['comment']}`" if comment is not None else "the `;`"
        hint = f"write `{meant}`, and a comment on a line of its own that begins with `#`"
        return "comment-in-rule", WordFault(f"{what} is part of the word {_quoted(word)}", hint)
    if word[:1] and (word[0] in QUOTES or word[-1] in QUOTES):
        message = f"the quotes are part of the word {_quoted(word)}, which no request will have"
        return "quoted-word", WordFault(message, f"delete the quotes: `{word.strip(QUOTES + ' ')}`")
    return None


def pattern_fault(pattern: str, function: CasbinFunction) -> WordFault | None:
    """Why no path of a request meets ``pattern``, by the letters that it spells; ``None`` where one may."""
    text = pattern
    kept: list[str] = []
    if splits_the_whole(pattern, function):
        return None  # it is told as that

    def stand_in(found: re.Match[str]) -> str:
        kept.append(found.group())
        return chr(_STAND_IN + len(kept) - 1)

    if function.ends_at_star:
        text, goes_on = function.start(pattern)
        if goes_on and not text:
            return None
    else:
        if function.variable is not None:
            text = function.variable.sub(stand_in, text)
        text = (_IN_GLOB if function.kind == "glob" else _IN_EXPRESSION).sub(stand_in, text)
    if text and (ord(text[0]) >= _STAND_IN or text[0] == "*") and not _begins_in_a_segment(pattern, function):
        return None  # it begins with what may stand for a slash
    fault = path_fault(text)
    if fault is None or not pattern:
        return fault
    hint = "".join(kept[ord(one) - _STAND_IN] if ord(one) >= _STAND_IN else one for one in fault.hint)
    return WordFault(f"`{pattern}` is not a path that a request can have", hint)


def _begins_in_a_segment(pattern: str, function: CasbinFunction) -> bool:
    """Whether a pattern begins with a placeholder, which stands for no slash."""
    return function.variable is not None and function.variable.match(pattern) is not None


def _in_regex(hint: str) -> str:
    return hint.replace("write a line for each method", "write `.*` for every method")


def _quoted(word: str) -> str:
    return "`" + word + "`"


def _flat(told: tuple[str, WordFault]) -> tuple[str, str, str]:
    return told[0], *told[1]
