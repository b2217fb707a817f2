"""Random requests from a policy's own words, and from words one character off."""

import random
import re
from collections.abc import Iterator

import casbin

_VARIABLE = re.compile(r"\{[^/{}]+\}|:[^/]+")
_CONSTANT = re.compile(r"[\"']([^\"']*)[\"']")
_FILLERS = ("1", "abc", "x.y", "", "a/b", "*")
_ODD_ENDS = ("\n", "/", "?q=1", "X", " ", ".")


class Requests:
    """Requests for one enforcer. The same seed gives the same requests."""

    def __init__(self, enforcer: casbin.Enforcer, seed: int, context: str = "") -> None:
        self.random = random.Random(seed)
        model = enforcer.get_model().model
        matcher = model["m"]["m" + context].value
        constants = _CONSTANT.findall(matcher)
        columns: dict[str, list[str]] = {}
        names = [token.split("_", 1)[1] for token in model["p"]["p" + context].tokens]
        for row in model["p"]["p" + context].policy:
            for name, value in zip(names, row, strict=False):
                columns.setdefault(name, []).append(str(value))
        links = [
            str(value)
            for assertion in model.get("g", {}).values()
            for row in assertion.policy
            for value in row
        ]
        everything = sorted({*links, *constants, *(word for words in columns.values() for word in words), ""})
        words = [token.split("_", 1)[1] for token in model["r"]["r" + context].tokens]
        self.pools = [sorted({*columns.get(name, everything)}) or everything for name in words]
        self.everything = everything
        self.rows = [
            [
                str(row[names.index(name)]) if name in names and names.index(name) < len(row) else None
                for name in words
            ]
            for row in model["p"]["p" + context].policy
        ]
        self.links = sorted(set(links)) or everything

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        while True:
            if self.rows and self.random.random() < 0.6:
                row = self.random.choice(self.rows)
                yield tuple(self._near(word, pool) for word, pool in zip(row, self.pools, strict=True))
            else:
                yield tuple(self._word(pool) for pool in self.pools)

    def _near(self, word: str | None, pool: list[str]) -> str:
        """A word that the rule's own may fit, most of the time."""
        if word is None or self.random.random() < 0.25:
            return self._word(pool)
        return self._fitted(word)

    def _word(self, pool: list[str]) -> str:
        chance = self.random.random()
        if chance < 0.55:
            word = self.random.choice(pool)
        elif chance < 0.75:
            word = self.random.choice(self.links)
        else:
            word = self.random.choice(self.everything)
        return self._fitted(word)

    def _fitted(self, word: str) -> str:
        if self.random.random() < 0.8:
            word = _VARIABLE.sub(lambda _: self.random.choice(_FILLERS), word)
            word = word.replace("*", self.random.choice(_FILLERS)) if "*" in word else word
        if "|" in word and self.random.random() < 0.7:
            word = self.random.choice(word.split("|")).strip("()^$")
        return self._off(word) if self.random.random() < 0.12 else word

    def _off(self, word: str) -> str:
        """The word with one character missing, changed or too many."""
        at = self.random.randrange(len(word) + 1)
        other = self.random.choice(("x", "/", ".", "", *_ODD_ENDS))
        return self.random.choice(
            (word[:at] + word[at + 1 :], word[:at] + other + word[at + 1 :], word + other)
        )
