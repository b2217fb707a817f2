"""What patterns meet, by the automaton of :mod:`rbac.matching.automaton`: whether one contains another, shares a
value with it, or meets nothing at all."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from rbac.matching.automaton import Automaton, NotRegularError
from rbac.matching.value_classes import ValueClasses
from rbac.model.functions import MATCHING

_LITERAL: Final = re.compile(r"\^*((?:[\w/~%@=&;, -]|\\[^\w\s])*)([*+?{]?)", re.ASCII)
_ESCAPED: Final = re.compile(r"\\(.)")
_PLAIN: Final = re.compile(r"[\w/~%@=&;, .:-]*", re.ASCII)
_UNREADABLE: Final = re.compile(r"[\[\\]")
_MOST_STATES = 600
_MOST_STEPS = 300_000
LOOK = 300
"""The steps that a look at two automata counts."""


@dataclass(slots=True)
class Budget:
    """The steps that all questions of one check may take, so that it stays linear; afterwards nothing is certain."""

    left: int = field(default_factory=lambda: _MOST_STEPS)

    def spend(self, steps: int = 1) -> bool:
        """Whether there is still something left."""
        self.left -= steps
        return self.left > 0


def in_proportion(rules: int) -> Budget:
    """The steps that looking things up may take in a document of so many rules."""
    return Budget(_MOST_STEPS + 20 * rules)


def share_a_value(function: str, one: str, other: str) -> bool:
    """Whether some value meets both patterns; also true where that cannot be told."""
    seen = _classes([(function, one), (function, other)])
    return seen is None or 0b11 in seen


def contains(function: str, wide: str, narrow: str) -> bool:
    """Whether every value that meets ``narrow`` meets ``wide``, and some does; false where that cannot be told."""
    return contains_language((function, wide), (function, narrow))


def contains_language(wide: tuple[str, str], narrow: tuple[str, str]) -> bool:
    """The same of two patterns of different functions."""
    seen = _classes([wide, narrow])
    return seen is not None and 0b11 in seen and 0b10 not in seen


def is_empty(function: str, pattern: str) -> bool:
    """Whether no value meets a pattern; false where that cannot be told."""
    seen = _classes([(function, pattern)])
    return seen is not None and seen <= {0}


def _classes(patterns: Sequence[tuple[str, str]]) -> set[int] | None:
    """The sets of patterns that values meet, as bit masks; ``None`` if they cannot be told."""
    automaton = Automaton()
    try:
        for function, pattern in patterns:
            automaton.add(function, pattern)
    except NotRegularError:
        return None
    classes = ValueClasses(automaton)
    seen = {met for met, _ in classes.examples(_MOST_STATES)}
    return None if classes.exhausted(_MOST_STATES) else seen


def beginning(function: str, pattern: str) -> str:
    """What every value begins with that ``pattern`` meets by Casbin's ``function``; may be shorter than it could be."""
    if function in {"", "=="}:
        return pattern
    called = MATCHING[function]
    if called.ends_at_star:
        return called.start(pattern)[0]
    if called.kind == "glob":
        found = _PLAIN.match(pattern)
        return found.group() if found else ""
    if called.kind == "address" or _has_alternatives(pattern):
        return ""
    found = _LITERAL.match(pattern)
    if found is None:
        return ""
    text = _ESCAPED.sub(r"\1", found[1])
    return text[:-1] if found[2] else text


def _has_alternatives(pattern: str) -> bool:
    """Whether a ``|`` may stand outside of all brackets."""
    if "|" not in pattern:
        return False
    if _UNREADABLE.search(pattern):
        return True
    depth = 0
    for character in pattern:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "|" and not depth:
            return True
    return False
