"""Rules found by what their columns hold instead of by scanning: the candidates for a request, in policy order."""

import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import Final

from rbac.engine.matcher import Branch, Lookup, Matcher
from rbac.engine.path_tree import ALL, Bucket, PathTree
from rbac.matching.key_match import SegmentReader
from rbac.model.functions import FALLIBLE, PATH_FUNCTIONS

Rows = Sequence[Sequence[str]]
Keys = Sequence[Sequence[str]]
SMALL: Final = 3  # rules that are looked at one by one rather than through another table
STEP: Final = 512  # rules between two chances for a caller to do something else
ROLE_WEIGHT: Final = 4  # a caller's roles are several keys, a word is one

_WORDS: Final = re.compile(r"\^?\(?[^.^$*+?{}\[\]\\|()]+\)?\$?(?:\|\^?\(?[^.^$*+?{}\[\]\\|()]+\)?\$?)*")
_GROUPED: Final = re.compile(r"\^?\(([^.^$*+?{}\[\]\\()]+)\)\$?")
_WORD: Final = re.compile(r"\^?(?:\((?P<grouped>[^()]+)\)|(?P<bare>[^()]+?))\$?")


class RuleIndex:
    """The look-ups of one matcher over one list of rows. Filled by :meth:`building`, then only read."""

    def __init__(self, matcher: Matcher, rows: Rows, width: int) -> None:
        self.size = len(rows)
        self.uneven = False  # whether some row has not one value a column
        self._late_error = False  # whether a row that came later holds no valid pattern
        self._rows = rows
        self._width = width
        self.patterns = PatternColumns(matcher)
        self.branches = [BranchIndex(branch, rows, self.patterns) for branch in matcher.branches]

    def building(self) -> Iterator[None]:
        """Build, in steps of bounded size; a caller may do something else between two steps."""
        width, branches = self._width, self.branches
        every = self.patterns.besides(set())
        needed = self.patterns.besides({branch.tree_place for branch in branches})
        for rule, row in enumerate(self._rows):
            if not rule % STEP:
                yield
            if len(row) != width:
                self.uneven = True
                certain = False
            else:
                certain = not needed or self.patterns.valid(row, needed)
                if not certain:
                    self.patterns.valid(row, every)  # no tree will read it
            for branch in branches:
                branch.add(rule, row, certain=certain)
        for branch in branches:
            yield from branch.freezing()

    @property
    def may_raise(self) -> bool:
        """Whether some rule cannot be compared with some request without an error."""
        return (
            self.uneven
            or self._late_error
            or not self.branches
            or any(branch.unsure for branch in self.branches)
        )

    def note(self, row: Sequence[str]) -> None:
        """Learn what verifying a row needs that was added behind the rows of this index."""
        if len(row) == self._width:
            self._late_error |= not self.patterns.valid(row, self.patterns.besides(set()))
        else:
            self.uneven = True


class PatternColumns:
    """The columns that hold patterns: which patterns only a regular expression decides, and which are no valid one."""

    def __init__(self, matcher: Matcher) -> None:
        self.odd: dict[tuple[int, str], set[str]] = {place: set() for place in matcher.path_columns}
        self.readers = {
            name: SegmentReader(PATH_FUNCTIONS[name])
            for _, name in (*matcher.path_columns, *matcher.valid_patterns)
            if name in PATH_FUNCTIONS
        }
        self._places = tuple(sorted(matcher.path_columns | matcher.valid_patterns))
        self._compiles: dict[tuple[str, str], bool] = {}

    def besides(self, done: set[tuple[int, str] | None]) -> tuple[tuple[int, str], ...]:
        """The columns to look at but for those ``done`` elsewhere, and those of functions that never raise."""
        return tuple(place for place in self._places if place not in done and place[1] in FALLIBLE)

    def valid(self, row: Sequence[str], places: Iterable[tuple[int, str]]) -> bool:
        """Note a row's odd patterns; whether all of its patterns compile."""
        valid = True
        for column, name in places:
            valid = self.check(row[column], column, name) and valid
        return valid

    def check(self, pattern: str, column: int, name: str) -> bool:
        """Note ``pattern`` if it is odd; whether it compiles."""
        style = PATH_FUNCTIONS.get(name)
        if style is None:
            return bool(alternatives_of(pattern)) or self._compile(pattern, name)
        if style.plain.fullmatch(pattern) or self.readers[name].steps(pattern)[2]:
            return True
        return self.note_odd(pattern, column, name)

    def note_odd(self, pattern: str, column: int, name: str) -> bool:
        """Note that only a regular expression decides ``pattern``; whether it is one."""
        odd = self.odd.get((column, name))
        if odd is not None:
            odd.add(pattern)
        return self._compile(pattern, name)

    def _compile(self, pattern: str, name: str) -> bool:
        key = (name, pattern)
        known = self._compiles.get(key)
        if known is None:
            known = self._compiles[key] = _never_raises(pattern, name)
        return known


def _never_raises(pattern: str, name: str) -> bool:
    function = FALLIBLE[name]
    try:
        re.compile(function.expression(pattern))
        return not function.has_own_groups(pattern)
    except (re.error, RecursionError, OverflowError, Warning):
        return False


class BranchIndex:
    """One alternative of the matcher: a path tree if it has a path, then tables of the other columns."""

    def __init__(self, branch: Branch, rows: Rows, patterns: PatternColumns) -> None:
        self.guard = branch.guard
        self.path = _best_path(branch.lookups, rows)
        self.levels = tuple(lookup for lookup in branch.lookups if lookup.kind != "path")
        self.lengths: list[set[int]] = [set() for _ in self.levels]  # of the words of a `words` level
        self.unsure: list[int] = []  # rules that are looked at for every request
        self.root: Bucket = None
        self.tree: PathTree | None = None
        self._rows = rows
        self._patterns = patterns
        self._loose: list[int] = []
        self._always: frozenset[str] = frozenset()
        if self.path is not None:
            style = PATH_FUNCTIONS[self.path.style]
            self.tree = PathTree(style, rows, self.path.column, patterns.readers[style.name])
            self._always = frozenset(str(source.value) for source in self.path.sources)

    @property
    def tree_place(self) -> tuple[int, str] | None:
        """The column and style whose patterns the tree reads."""
        return (self.path.column, self.path.style) if self.path is not None else None

    def add(self, rule: int, row: Sequence[str], *, certain: bool) -> None:
        """File a rule; one that is not ``certain`` is looked at for every request."""
        if not certain:
            self.unsure.append(rule)
        elif self.tree is None or self.path is None:
            self._loose.append(rule)
        else:
            pattern = row[self.path.column]
            simple = self.tree.add(rule, pattern, unless=self._always)
            valid = simple or self._patterns.note_odd(pattern, self.path.column, self.path.style)
            if not valid or pattern in self._always:
                self.unsure.append(rule)

    def freezing(self) -> Iterator[None]:
        """Turn the lists of rules into tables, in steps."""
        levels = tuple(range(len(self.levels)))
        if self.tree is not None:
            yield from self.tree.freeze(lambda rules: self._bucket(rules, levels))
        else:
            self.root = yield from self._large_bucket(self._loose, levels)
        self._loose = []

    def _large_bucket(self, rules: list[int], levels: tuple[int, ...]) -> Generator[None, None, Bucket]:
        level = self._sharpest(rules, levels)
        if level is None:
            return rules[0] if len(rules) == 1 else rules
        yield
        table: dict[str, Bucket] = self._table(rules, level)
        rest = tuple(other for other in levels if other != level)
        for count, (key, found) in enumerate(table.items()):
            if len(found) > STEP:
                table[key] = yield from self._large_bucket(found, rest)
            else:
                table[key] = self._bucket(found, rest)
            if not count % STEP:
                yield
        return level, table

    def _bucket(self, rules: list[int], levels: tuple[int, ...]) -> Bucket:
        level = self._sharpest(rules, levels)
        if level is None:
            return rules[0] if len(rules) == 1 else rules
        rest = tuple(other for other in levels if other != level)
        return level, {key: self._bucket(found, rest) for key, found in self._table(rules, level).items()}

    def _table(self, rules: list[int], level: int) -> dict[str, list[int]]:
        lookup, rows = self.levels[level], self._rows
        column = lookup.column
        table: dict[str, list[int]] = {}
        for rule in rules:
            value = rows[rule][column]
            for key in (value,) if lookup.kind == "keys" else self._words(value, level):
                there = table.get(key)
                if there is None:
                    table[key] = [rule]
                else:
                    there.append(rule)
        return table

    def _words(self, pattern: str, level: int) -> tuple[str, ...]:
        words = alternatives_of(pattern) or ("",)
        self.lengths[level].update(map(len, words))
        return words

    def _sharpest(self, rules: list[int], levels: tuple[int, ...]) -> int | None:
        """The level that leaves the fewest rules behind a key, if one divides these rules at all."""
        if len(rules) <= SMALL:
            return None
        best, most = None, 0.0
        for level in levels:
            column = self.levels[level].column
            distinct = len({self._rows[rule][column] for rule in rules})
            of_roles = any(source.kind == "hoist" for source in self.levels[level].sources)
            score = distinct / (ROLE_WEIGHT if of_roles and distinct > ROLE_WEIGHT else 1)
            if distinct > 1 and score > most:
                best, most = level, score
        return best


def _best_path(lookups: Iterable[Lookup], rows: Rows) -> Lookup | None:
    paths = [lookup for lookup in lookups if lookup.kind == "path"]
    if len(paths) < 2:
        return paths[0] if paths else None
    return max(paths, key=lambda path: len({row[path.column] for row in rows if len(row) > path.column}))


def alternatives_of(pattern: str) -> tuple[str, ...]:
    """The words of a regular expression that is but an alternation of them (``GET|POST``, ``(GET)|(POST)``), else none.

    A text it matches starts with one of them.
    """
    grouped = _GROUPED.fullmatch(pattern)
    if grouped:
        return tuple(dict.fromkeys(grouped.group(1).split("|")))
    if not _WORDS.fullmatch(pattern):
        return ()
    words = []
    for part in pattern.split("|"):
        word = _WORD.fullmatch(part)
        if word is None:
            return ()
        words.append(word["grouped"] or word["bare"])
    return tuple(dict.fromkeys(words))


def resolve(buckets: list[Bucket], keys: Keys) -> list[int]:
    """The rules in ``buckets`` that the keys (one sequence a level) lead to, in policy order."""
    found: list[int] = []
    while buckets:
        bucket = buckets.pop()
        kind = type(bucket)
        if kind is int:
            found.append(bucket)
        elif kind is tuple:
            level, table = bucket
            if level is ALL:
                buckets += table
                continue
            for key in keys[level]:
                below = table.get(key)
                if below is not None:
                    buckets.append(below)
        else:
            found.extend(bucket)
    if len(found) > 1:
        found.sort()
    return found


def starts_of(text: str, lengths: Iterable[int]) -> list[str]:
    """The first characters of ``text``, as many as each of ``lengths`` says."""
    return [text[:length] for length in lengths if length <= len(text)]
