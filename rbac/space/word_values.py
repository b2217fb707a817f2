"""The values of one word of a request that some documents can tell apart, one of each kind."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Final

from rbac.document.names import stranger
from rbac.matching.automaton import Automaton, NotRegularError
from rbac.matching.key_match import SegmentReader, Steps
from rbac.matching.path_classes import MixedClasses, PathClasses, plain_steps
from rbac.matching.value_classes import ValueClasses
from rbac.model.functions import MATCHING
from rbac.routes import Route, plain_segments
from rbac.space.bits import bits, mask_of
from rbac.text.visible import has_control

MOST_STATES: Final = 60_000
"""More states than this, and the classes of a word's values are not followed to the end."""

_WILD: Final = re.compile(r"[*{}()\[\]|\\^$+?]")
# What is an expression and no path, whatever it may match.
_EXPRESSION: Final = re.compile(r"[*{}()\[\]|\\^$+?]|\.\.|/\.")
_FAILURES: Final = (re.error, ValueError, OverflowError, RecursionError)

Pattern = tuple[str, str]
"""A Casbin function and the pattern it is called with."""


class Vocabulary:
    """One word of a request: the names it is compared with, the patterns it is matched against.

    ``taken`` are names and patterns that are of no interest, but that an unknown value is not to be one of.

    ``values`` holds one value for each class that ``names``, ``patterns`` and ``routes`` tell apart,
    concrete paths of the routes first, and an example that is ``usual`` where there is one; ``strangers``
    values that nothing names. ``notes`` say why classes may be missing, and are empty when none is. Patterns are
    read when they are first needed.
    """

    def __init__(  # noqa: PLR0913 - each is one thing to know of a word
        self,
        word: str,
        *,
        names: Iterable[str],
        patterns: Iterable[Pattern] = (),
        taken: Iterable[str] = (),
        routes: Sequence[Route] = (),
        strangers: int = 1,
        tied: str | None = None,
        usual: Sequence[str] = (),
        is_path: bool = True,
        control: bool = False,
    ) -> None:
        self.word = word
        self._is_path = is_path
        self._usual = usual
        self._routes = routes
        self._control = control
        self.names = tuple(sorted(names))
        self.patterns = tuple(sorted(patterns))
        self._taken = frozenset(taken)
        self.strangers = self._strangers(tied or word, strangers)

    @cached_property
    def samples(self) -> tuple[str, ...]:
        """For each route a concrete path that no literal segment of a pattern singles out."""
        texts = (*(pattern for _, pattern in self.patterns), *self.names, *self._taken)
        named = (*texts, *(route.obj for route in self._routes))
        avoid = {segment for text in named for segment in text.split("/")}
        return tuple(route.sample(avoid) for route in self._routes)

    @cached_property
    def values(self) -> tuple[str, ...]:
        """One value of each class."""
        return tuple(dict.fromkeys(self._values()))

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """Why ``values`` may lack some, in sentences."""
        found = []
        if self._read.irregular:
            function, pattern = self.patterns[self._read.irregular[0]]
            found.append(
                f"not every value of `{self.word}` can be told: `{function}` with `{pattern}` is not regular"
            )
        if self.values and self._read.classes.exhausted(MOST_STATES):
            found.append(f"the patterns of `{self.word}` tell apart more values than can be listed")
        return tuple(found)

    @cached_property
    def anything(self) -> str | None:
        """The one of ``values`` that stands for all that nothing names; ``None`` where patterns leave no such."""
        if not self.patterns:
            return self.strangers[0]
        unnamed = self.matching(f"/{self.strangers[0]}" if self._is_path else self.strangers[0])
        known = {*self.names, *self.samples}
        return next((one for one in self.values if one not in known and self.matching(one) == unnamed), None)

    def matching(self, value: str) -> int:
        """The patterns that match ``value``: a bit mask of positions in ``patterns``."""
        if not self.patterns:
            return 0
        if not self._control and has_control(value):
            return mask_of(
                n for n, (function, pattern) in enumerate(self.patterns) if _meets(function, value, pattern)
            )
        read = self._read
        if len(read.places) == len(self.patterns):
            return read.classes.matching(value) & ((1 << len(self.patterns)) - 1)
        numbers = [
            read.places[place] for place in bits(read.classes.matching(value)) if place < len(read.places)
        ]
        for number in read.irregular:
            function, pattern = self.patterns[number]
            if _meets(function, value, pattern):
                numbers.append(number)
        return mask_of(numbers)

    @cached_property
    def _read(self) -> "_Read":
        more: list[Pattern] = []
        if self.patterns:
            more += [("==", name) for name in self.names]
        routes = self._routes if self.patterns else ()
        return _Read(self.patterns, more, routes, control=self._control)

    def _strangers(self, word: str, count: int) -> tuple[str, ...]:
        found: list[str] = []
        for _ in range(count):
            found.append(stranger(word, (*self.names, *self._taken, *found)))
        return tuple(found)

    def _values(self) -> Iterable[str]:
        yield from self.samples
        # Where two values are alike, the example should not look like a mistake, or like a pattern.
        odd = {name for name in self.names if name in {"", "*"} or (self.patterns and _WILD.search(name))}
        yield from (name for name in self.names if name not in odd)
        if not self.patterns:
            yield from (*self.strangers, "")
            yield from sorted(odd)
            return
        yield from self._examples()
        yield from sorted(odd)
        for number in self._read.irregular:
            yield from _attempts(self.patterns[number][1])
        if self._control:
            yield "\n"

    def _reads_well(self, value: str) -> bool:
        return value.startswith("/") if self._is_path else value not in {"", "*"}

    def _examples(self) -> Iterator[str]:
        """An example of every class that no sample and no name is in: one that reads well, else a shortest one."""
        # What lies deeper than a `*` looks, told from what a placeholder in its place would meet.
        deeper = (plain(pattern.replace("/*/", "/x/y/")) for _, pattern in self.patterns if "/*/" in pattern)
        seen_in = (*(plain(pattern) for _, pattern in self.patterns), *deeper)
        # For a path the shortest example says more than a word that is no path, and only a path can be asked about.
        readable = [
            *self._usual,
            *(text for text in seen_in if self._reads_well(text) and not _EXPRESSION.search(text)),
            *(() if self._is_path else self.strangers),
        ]
        known = filter(self._reads_well, (*self.samples, *self.names))
        classes = self._read.classes
        seen = {classes.matching(value) for value in known}
        for value in readable:
            matched = classes.matching(value)
            if matched not in seen:
                seen.add(matched)
                yield value
        for matched, value in classes.examples(MOST_STATES, "/" if self._is_path else ""):
            if matched not in seen:
                yield value


class _Read:
    """Patterns, names and routes read at once: ``places`` are the numbers of the patterns that ``classes`` tell apart, in
    their order, ``irregular`` of those that they cannot.

    A pattern that is no expression is in neither: such a document loads where the matcher never comes to it.
    """

    def __init__(
        self, patterns: Sequence[Pattern], names: Sequence[Pattern], routes: Sequence[Route], *, control: bool
    ) -> None:
        self.places: list[int] = []
        self.irregular: list[int] = []
        self._templates: dict[int, Steps] = {}
        self._automaton = Automaton()
        self._others: list[int] = []
        self._readers: dict[str, SegmentReader] = {}
        self._by_segment = not control
        for number, pattern in enumerate(patterns):
            if self._add(pattern):
                self.places.append(number)
            elif _compiles(*pattern):
                self.irregular.append(number)
        for name in names:
            self._add(name)
        for obj, route in {route.obj: route for route in routes}.items():
            segments = plain_segments(obj)
            steps = None if segments is None else (*segments, True, False)
            self._add(("regexMatch", rf"(?:{route.pattern.pattern})\Z"), steps)
        self.classes = self._classes(control=control)

    def _add(self, pattern: Pattern, steps: Steps | None = None) -> bool:
        """Takes a pattern up; says no to one that is not regular."""
        place = len(self._templates) + len(self._others)
        if steps is None:
            steps = plain_steps(*pattern, self._readers)
        if steps is not None and self._by_segment:
            self._templates[place] = steps
            return True
        try:
            self._automaton.add(*pattern)
        except NotRegularError:
            return False
        self._others.append(place)
        return True

    def _classes(self, *, control: bool) -> ValueClasses | PathClasses | MixedClasses:
        if not self._others:
            return PathClasses(tuple(self._templates.values()))
        if not self._templates:
            return ValueClasses(self._automaton, control=control)
        return MixedClasses(self._templates, self._automaton, self._others)


def _compiles(function: str, pattern: str) -> bool:
    """Whether ``function`` can be asked about ``pattern`` at all."""
    try:
        MATCHING[function].call("/", pattern)
    except _FAILURES:
        return False
    return True


def _meets(function: str, value: str, pattern: str) -> bool:
    """What Casbin's function says; no, where it fails: the matcher does not come to it then."""
    try:
        return bool(MATCHING[function].call(value, pattern))
    except _FAILURES:
        return False


def plain(pattern: str) -> str:
    """The path that a reader sees in a pattern: ``/users/x`` in ``/users/{id}``."""
    return re.sub(r"\{[^/{}]+\}|(?<=/):[^/]+", "x", pattern).replace("/*", "/x").replace("*", "")


def _attempts(pattern: str) -> Iterable[str]:
    """Values that may well meet or just miss a pattern that is not regular, such as ``/a/{x}/b/{x}``."""
    for first, second in (("1", "1"), ("1", "2")):
        value, number = "", 0
        for piece in pattern.replace("*", "x").split("{"):
            name, brace, rest = piece.partition("}")
            number += bool(brace)
            value += (first if number % 2 else second) + rest if brace else name
        yield value
    yield pattern
