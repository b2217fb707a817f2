"""What the matchers of several policies still demand of a request when some of its words are known.

Values that leave the same demands in every policy are alike: one of them stands for all.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from math import prod
from typing import Final

from rbac.model.conditions import AllOf, conjuncts, words_of
from rbac.space.residue import Residue, cut, matching, possible, residue_key, residue_of, settled, within
from rbac.space.rule_masks import RuleMasks
from rbac.space.word_values import Vocabulary

MOST_COMBINATIONS: Final = 400_000
"""More combinations of values than this, of words that a matcher ties together, are not followed to the
end."""

Variant = tuple[tuple[Residue, ...], tuple[str, ...]]
"""What is left of some demands, and the values of some words that leave it."""


class Demands:
    """The matchers of some policies, which have a formula each, over the same words; ``given`` are known for good."""

    def __init__(
        self,
        tables: Sequence[RuleMasks],
        vocabularies: Mapping[str, Vocabulary],
        given: Mapping[str, str],
        notes: Iterable[str],
    ) -> None:
        self.tables = tuple(tables)
        self.vocabularies = vocabularies
        self.given = given
        self._notes = list(notes)
        self._cuts: dict[tuple[str, ...], list[tuple[Residue, int] | None]] = {}
        self._begun: tuple[tuple[str, str], tuple[Residue, ...]] | None = None

    def too_many(self, words: Iterable[str]) -> bool:
        """Whether these words have more combinations of values than can be followed, should all make a difference."""
        return prod(len(self.vocabularies[word].values) for word in words) > MOST_COMBINATIONS

    def note(self, sentence: str) -> None:
        """Remember why something is missing."""
        if sentence not in self._notes:
            self._notes.append(sentence)

    @cached_property
    def residues(self) -> tuple[Residue, ...]:
        """For each policy what its matcher demands beyond the words that are given."""
        return tuple(settled(residue_of(table.formula, table), table, self.given) for table in self.tables)

    def demands(self, words: Mapping[str, str]) -> tuple[Residue, ...]:
        """For each policy what its matcher still demands when these words are known. What demands the same is alike."""
        words = dict(words)
        first = next(iter(words.items()), None)
        if first is None:
            return self.residues
        # Callers come in a row with the same first word: the `sub` that no document names, for every role.
        if self._begun is None or self._begun[0] != first:
            self._begun = first, self.settled(self.residues, {first[0]: first[1]})
        del words[first[0]]
        return self.settled(self._begun[1], words)

    def settled(self, demands: Sequence[Residue], words: Mapping[str, str]) -> tuple[Residue, ...]:
        """What is left of ``demands`` once these words are known, too."""
        return tuple(settled(one, table, words) for one, table in zip(demands, self.tables, strict=True))

    def part_of(self, words: Iterable[str], known: Mapping[str, str]) -> tuple[Residue, ...]:
        """For each policy what its matcher demands of these words alone and of the rule alone, once ``known`` is."""
        alone = {*words, *self.given}
        parts = [
            AllOf(tuple(part for part in conjuncts(table.formula) if words_of(part) <= alone))
            for table in self.tables
        ]
        return self.settled([residue_of(*one) for one in zip(parts, self.tables, strict=True)], known)

    def possible(self, demands: Sequence[Residue]) -> tuple[int, ...]:
        """For each policy the rules that some request can match that makes these demands."""
        return tuple(
            possible(residue, table.all) for residue, table in zip(demands, self.tables, strict=True)
        )

    def possible_with(self, words: Mapping[str, str]) -> tuple[int, ...]:
        """For each policy the rules that some request with these words can match, and perhaps more."""
        known = {**words, **self.given}
        names = tuple(known)
        cuts = self._cuts.get(names)
        if cuts is None:
            cuts = self._cuts[names] = [cut(table, frozenset(names)) for table in self.tables]
        found = []
        for table, parts in zip(self.tables, cuts, strict=True):
            if parts is None:
                return self.possible(self.demands(words))
            found.append(within(matching(parts[0], table, known), parts[1]))
        return tuple(found)

    def variants(self, demands: tuple[Residue, ...], words: Sequence[str]) -> Sequence[Variant]:
        """Values for ``words``, one choice of each kind, with what they leave of ``demands``.

        What a value that nothing names is like is shown by such a value.
        """
        return self.spread([(demands, ())], words, rest_first=True)

    def _values(self, word: str, *, rest_first: bool) -> Sequence[str]:
        vocabulary = self.vocabularies[word]
        if not rest_first or vocabulary.anything is None:
            return vocabulary.values
        return (vocabulary.anything, *(value for value in vocabulary.values if value != vocabulary.anything))

    def spread(
        self,
        states: Iterable[Variant],
        words: Sequence[str],
        *,
        rest_first: bool = False,
    ) -> Sequence[Variant]:
        """``states`` with each of ``words`` put in: what is alike so far goes on as one."""
        tried = 0
        states = list(states)
        for word in words:
            values = self._values(word, rest_first=rest_first)
            spread: dict[tuple[object, ...], Variant] = {}
            for demands, chosen in states:
                if all(isinstance(residue, int) for residue in demands):
                    spread.setdefault(residue_key(demands), (demands, (*chosen, values[0])))
                    continue
                tried += len(values)
                if tried > MOST_COMBINATIONS:
                    self.note(f"`{'` and `'.join(words)}` have more combinations than can be listed")
                    break
                for value in values:
                    left = self.settled(demands, {word: value})
                    spread.setdefault(residue_key(left), (left, (*chosen, value)))
            states = list(spread.values())
        return states

    def masks(self, request: Mapping[str, str]) -> tuple[int, ...]:
        """For each policy, the rules that match this request. Only where the matchers have a formula."""
        return tuple(table.mask(table.formula, request) for table in self.tables)
