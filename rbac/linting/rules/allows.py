"""The allow rules of a document, asked whether one of them may meet a request that another rule meets."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain, product

from rbac.background import paced, take_apart
from rbac.document.names import SCOPE
from rbac.linting.names.callers_known import KnownCallers
from rbac.linting.reading.subject import Reading
from rbac.linting.reading.wider_columns import Column, read_columns
from rbac.linting.rules.meeting import Pairs, Patterns
from rbac.matching.languages import Budget, in_proportion
from rbac.text.likeness import FAR, path_distance

_MOST_GUESSES = 200  # patterns that are looked through for one that was meant
_ALL_GUESSES = 50_000  # for all rules of a document

RoleNamesOfRow = tuple[str, ...]


class _Group:
    """Allow rules of some roles: their patterns by what else they name."""

    def __init__(self, pairs: Pairs) -> None:
        self._pairs = pairs
        self.by_words: dict[RoleNamesOfRow, dict[RoleNamesOfRow, Patterns]] = {}
        self._keys: dict[int, dict[str, list[RoleNamesOfRow]]] = {}

    @cached_property
    def patterns(self) -> Patterns:
        """Those of all of them."""
        found = Patterns(self._pairs)
        for beside in self.by_words.values():
            for patterns in beside.values():
                for pattern in paced(patterns):
                    found.add(pattern)
        return found

    def keys(self, choices: Sequence[RoleNamesOfRow | None]) -> Iterable[RoleNamesOfRow]:
        """The keys of :attr:`by_words` that may have one of each of these ``choices``, of which ``None`` is every word."""
        place = next((at for at, words in enumerate(choices) if words is not None), None)
        if place is None:
            return self.by_words
        if None not in choices:
            return product(*(words or () for words in choices))
        keys = self._keys.get(place)
        if keys is None:
            keys = self._keys[place] = {}
            for key in paced(self.by_words):
                keys.setdefault(key[place], []).append(key)
        return chain.from_iterable(keys.get(word, ()) for word in choices[place] or ())

    def add(self, exact: RoleNamesOfRow, others: RoleNamesOfRow, pattern: str) -> None:
        beside = self.by_words.setdefault(exact, {})
        patterns = beside.get(others)
        if patterns is None:
            patterns = beside[others] = Patterns(self._pairs)
        patterns.add(pattern)

    def take_apart(self) -> None:
        """Frees the patterns bit by bit, for whoever needs them last."""
        for beside in self.by_words.values():
            for patterns in beside.values():
                patterns.take_apart()
        if "patterns" in vars(self):
            self.patterns.take_apart()
        take_apart(self.by_words)
        for keys in self._keys.values():
            take_apart(keys)


class Allows:
    """The allow rules of a document by role. ``meet`` is certain when it says no, until its budget is spent."""

    def __init__(self, reading: Reading, callers: KnownCallers) -> None:
        self._callers = callers
        self._columns = read_columns(reading)
        self._role = reading.relations.role_column
        if self._role is not None and self._columns[self._role].kind != "words":
            self._role = None
        self._path = _path_column(reading, self._columns)
        kept = (i for i, column in enumerate(self._columns) if column.kind in ("words", "pattern"))
        self._others = [i for i in kept if i not in (self._role, self._path)]
        # Words that only the same word meets, or one that all meet: these are looked up, the others compared.
        self._exact = [i for i in self._others if not self._columns[i].by_role and not self._function(i)]
        self._compared = [i for i in self._others if i not in self._exact]
        self._budget = Budget()
        self._steps = in_proportion(len(reading.document.rows["p"]))
        self._guesses = _ALL_GUESSES
        self._pairs = [Pairs(column.function, self._budget, self._steps) for column in self._columns]
        self._rows: dict[str, list[list[str]]] = {}
        self._groups: dict[str | None, _Group] = {}
        self._answers: dict[tuple[str | None, ...], bool] = {}
        effect = reading.column("eft")
        for _, row in reading.rules():
            if effect is not None and row[effect] == "allow":
                self._rows.setdefault(self._role_of(row), []).append(row)

    def _function(self, index: int) -> str:
        return self._columns[index].function

    def _role_of(self, row: list[str]) -> str:
        return row[self._role] if self._role is not None else ""

    def _family(self, row: list[str]) -> tuple[str, ...] | None:
        # A token has several scopes: one denies what another one allows.
        if self._role is None or row[self._role].startswith(SCOPE):
            return None
        return self._callers.family(row[self._role])

    def _groups_beside(self, row: list[str]) -> Iterator[_Group]:
        """The rules of whoever this row may meet, those of the nearest roles first."""
        family = self._family(row)
        if family is None:
            yield self._group(None, self._rows)
            return
        together = self._callers.with_anyone
        for role in family:
            if not self._goes_on():
                return
            if role in self._rows and role not in together and self._budget.spend():
                yield self._group(role, (role,))
        yield self._group("", together)

    def _goes_on(self) -> bool:
        """Takes a step; whether there are any left. If not, everything may meet everything."""
        if self._steps.spend():
            return True
        self._budget.left = 0
        return False

    def _group(self, name: str | None, roles: Iterable[str]) -> _Group:
        """The rules of ``roles``, remembered as ``name``: ``None`` for all of them, "" for those of anyone."""
        group = self._groups.get(name)
        if group is None:
            group = self._groups[name] = _Group(self._path_pairs())
            for row in paced(row for role in roles for row in self._rows.get(role, ())):
                exact, others = (tuple(row[i] for i in some) for some in (self._exact, self._compared))
                group.add(exact, others, row[self._path] if self._path is not None else "")
        return group

    def _path_pairs(self) -> Pairs:
        return self._pairs[self._path] if self._path is not None else Pairs("", self._budget, self._steps)

    def meet(self, row: list[str]) -> bool:
        """Whether a known caller may ask something that this row and an allow rule meet."""
        return self._answer(row, self._others)

    def _answer(self, row: list[str], others: list[int]) -> bool:
        role = None if self._family(row) is None else self._role_of(row)
        words = (row[i] if i in others else None for i in self._others)
        key = (role, row[self._path] if self._path is not None else "", *words)
        answer = self._answers.get(key)
        if answer is None:
            answer = self._answers[key] = self._budget.left <= 0 or self._meet(row, others)
        return answer

    def _meet(self, row: list[str], others: list[int]) -> bool:
        """Whether a row meets an allow rule in its role, its path and these ``others``."""
        for group in self._groups_beside(row):
            for patterns in self._beside(group, row, others) if others else (group.patterns,):
                if not self._budget.spend() or self._on_path(patterns, row):
                    return True
        return self._budget.left <= 0

    def _beside(self, group: _Group, row: list[str], others: list[int]) -> Iterator[Patterns]:
        """The patterns of the rules whose words ``row`` may meet."""
        choices = [self._alike(i, row[i]) if i in others else None for i in self._exact]
        for key in group.keys(choices):
            if not self._goes_on():
                return
            found = group.by_words.get(key)
            if found is None or not all(
                one is None or word in one for one, word in zip(choices, key, strict=True)
            ):
                continue
            for words, patterns in found.items():
                if self._compared and not self._goes_on():
                    return
                places = zip(self._compared, words, strict=True)
                if all(i not in others or self._words_meet(i, row[i], word) for i, word in places):
                    yield patterns

    def _alike(self, index: int, word: str) -> tuple[str, ...] | None:
        """The words that may go with one in a column; ``None`` for every word."""
        column = self._columns[index]
        wide = (*column.always, *column.often)
        return None if word in wide else tuple(dict.fromkeys((word, *wide)))

    def _on_path(self, patterns: Patterns, row: list[str]) -> bool:
        if self._path is None:
            return True
        always = self._columns[self._path].always
        path = row[self._path]
        return path in always or any(word in patterns for word in always) or patterns.meet(path)

    def _words_meet(self, index: int, one: str, other: str) -> bool:
        column = self._columns[index]
        if one == other or {one, other} & {*column.always, *column.often} or column.by_role:
            return True
        return self._pairs[index].meet(one, other)

    def blame(self, row: list[str]) -> int:
        """The column to point at: the path if no allow has such a one, else the column that rules do not go with."""
        if self._path is not None and not self._answer(row, []):
            return self._path
        for index in self._others:
            if not self._answer(row, [index]):
                return index
        return -1

    def told(self, row: list[str]) -> tuple[str, str]:
        """What is wrong with a deny that meets nothing, and what to write instead."""
        whom, left = "anyone", ""
        if self._family(row) is not None:
            whom = f"`{self._role_of(row)}`, or whoever inherits it,"
            left = " but what another role of theirs allows"
        message = f"no rule allows {whom} what this one denies, so it takes nothing away{left}"
        meant = self._meant(row)
        if meant:
            return message, f"did you mean `{meant}`? else delete the rule: what no rule allows is denied"
        return message, "name what a rule allows them, or delete the rule: what no rule allows is denied"

    def _meant(self, row: list[str]) -> str:
        """The pattern of an allow rule that is most like the one of this row."""
        if self._path is None or self._answer(row, []):
            return ""
        near: dict[str, float] = {}
        for group in self._groups_beside(row):
            for pattern in group.patterns:
                if len(near) >= _MOST_GUESSES or self._guesses <= 0:
                    break
                if pattern not in near:
                    self._guesses -= 1
                    near[pattern] = path_distance(row[self._path], pattern)
        best = min(near, key=lambda pattern: near[pattern], default="")
        return best if near and near[best] < FAR else ""

    def take_apart(self) -> None:
        """Frees what was made bit by bit, for whoever needs it last."""
        for group in self._groups.values():
            group.take_apart()
        take_apart(self._groups)
        take_apart(self._rows)
        take_apart(self._answers)
        for pairs in self._pairs:
            pairs.take_apart()


def _path_column(reading: Reading, columns: list[Column]) -> int | None:
    preferred = reading.path_column
    if preferred is not None and columns[preferred].kind == "pattern":
        return preferred
    return next((i for i, column in enumerate(columns) if column.kind == "pattern"), None)
