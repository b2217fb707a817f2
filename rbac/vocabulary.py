"""The values of one word of a request that some documents can tell apart, one of each kind."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from rbac.classes import ValueClasses
from rbac.functions import MATCHING
from rbac.regular import Automaton, NotRegularError
from rbac.routes import Route

MOST_STATES: Final = 60_000
"""More states than this, and the classes of a word's values are not followed to the end."""

METHODS: Final = ("PATCH", "DELETE", "PUT", "POST", "GET", "OPTIONS", "TRACE")

Pattern = tuple[str, str]
"""A Casbin function and the pattern it is called with."""


def stranger(word: str, names: Iterable[str]) -> str:
    """A value of ``word`` that is not in ``names``: a method for methods, else a word that says what it
    is."""
    taken = frozenset(names)
    if not taken.isdisjoint(METHODS) or (word == "act" and taken <= {"", "*"}):
        for method in METHODS:
            if method not in taken:
                return method
    plain = {"sub": "somebody", "role": "no-such-role", "act": "OTHER"}.get(word, f"other-{word}")
    value, number = plain, 2
    while value in taken:
        value, number = f"{plain}-{number}", number + 1
    return value


class Vocabulary:
    """One word of a request: the names it is compared with, the patterns it is matched against.

    ``values`` holds one value for each class that ``names``, ``patterns`` and ``routes`` tell apart,
    concrete paths of the routes first, and an example that is ``usual`` where there is one; ``strangers``
    values that nothing names. ``notes`` say why classes may be missing, and are empty when none is.
    """

    def __init__(  # noqa: PLR0913 - each is one thing to know of a word
        self,
        word: str,
        *,
        names: Iterable[str],
        patterns: Iterable[Pattern] = (),
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
        self.names = tuple(sorted(names))
        self.patterns = tuple(sorted(patterns))
        self.numbers = {pattern: number for number, pattern in enumerate(self.patterns)}
        self.notes: tuple[str, ...] = ()
        self.samples = tuple(sample_of(route, self.patterns, self.names) for route in routes)
        self.strangers = self._strangers(tied or word, strangers)
        self._automaton = Automaton()
        self._irregular: list[int] = []
        self._places: list[int] = []
        self._add_patterns()
        if self.patterns:
            for name in self.names:
                self._automaton.add("==", name)
            for expression in dict.fromkeys(route.pattern.pattern for route in routes):
                self._automaton.add("regexMatch", rf"(?:{expression})\Z")
        self._classes = ValueClasses(self._automaton, control=control)
        self.values = tuple(dict.fromkeys(self._values(control=control)))

    def matching(self, value: str) -> int:
        """The patterns that match ``value``: a bit mask of positions in ``patterns``."""
        matched = 0
        if self._places:
            regular = self._classes.matching(value)
            for place, number in enumerate(self._places):
                if regular >> place & 1:
                    matched |= 1 << number
        for number in self._irregular:
            function, pattern = self.patterns[number]
            if MATCHING[function].call(value, pattern):
                matched |= 1 << number
        return matched

    def _strangers(self, word: str, count: int) -> tuple[str, ...]:
        found: list[str] = []
        for _ in range(count):
            found.append(stranger(word, (*self.names, *found)))
        return tuple(found)

    def _add_patterns(self) -> None:
        for number, (function, pattern) in enumerate(self.patterns):
            try:
                self._automaton.add(function, pattern)
            except NotRegularError:
                self._irregular.append(number)
            else:
                self._places.append(number)
        if self._irregular:
            function, pattern = self.patterns[self._irregular[0]]
            self.notes += (
                f"not every value of `{self.word}` can be told: `{function}` with `{pattern}` is not regular",
            )

    def _values(self, *, control: bool) -> Iterable[str]:
        yield from self.samples
        yield from (name for name in self.names if name not in {"", "*"})
        if not self.patterns:
            # Where a name and an unknown value are alike, an example should not look like a mistake.
            yield from (*self.strangers, "")
        yield from (name for name in self.names if name in {"", "*"})
        if not self.patterns:
            return
        yield from self._examples()
        for number in self._irregular:
            yield from _attempts(self.patterns[number][1])
        if control:
            yield "\n"

    def _reads_well(self, value: str) -> bool:
        return value.startswith("/") if self._is_path else value not in {"", "*"}

    def _examples(self) -> Iterator[str]:
        """An example of every class that no sample and no name is in: one that reads well, else a shortest one."""
        plain = (_plain(pattern) for _, pattern in self.patterns)
        # For a path the shortest example says more than a word that is no path, and only a path can be asked about.
        readable = [
            *self._usual,
            *filter(self._reads_well, plain),
            *(() if self._is_path else self.strangers),
        ]
        known = filter(self._reads_well, (*self.samples, *self.names))
        seen = {self._classes.matching(value) for value in known}
        for value in readable:
            matched = self._classes.matching(value)
            if matched not in seen:
                seen.add(matched)
                yield value
        for matched, value in self._classes.examples(MOST_STATES, "/" if self._is_path else ""):
            if matched not in seen:
                yield value
        if self._classes.exhausted(MOST_STATES):
            self.notes += (f"the patterns of `{self.word}` tell apart more values than can be listed",)


def sample_of(route: Route, patterns: Iterable[Pattern], names: Iterable[str]) -> str:
    """A concrete path of ``route`` that no literal segment of a pattern singles out."""
    texts = (*(pattern for _, pattern in patterns), *names)
    return route.sample(avoid={segment for text in texts for segment in text.split("/")})


def _plain(pattern: str) -> str:
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
