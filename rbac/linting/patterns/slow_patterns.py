"""Warnings about patterns over which a hostile value can hold a decision up: those that only Python's ``re`` can match,
and over which it goes back and back."""

import re
from collections.abc import Iterator

from rbac.errors import Problem
from rbac.linting.reading.subject import Reading
from rbac.matching.automaton import regular_at_sight
from rbac.matching.key_match import goes_back
from rbac.model.functions import FALLIBLE
from rbac.model.patterns import invalid_pattern, literal_patterns, pattern_columns

_QUANTIFIER = re.compile(r"[*+?{]")
_STARS = re.compile(r"\*+")
_FEW_STARS = 2  # in one segment, and of `**`: `re` goes back by the square of a segment at most
_HINT = "say what is meant with one `*` or `+`, without look-around, back-references and flags such as `(?m)`"
_GLOB_HINT = "write no more than two `*` in one segment, and `**` no more than twice"


def check_slow_patterns(reading: Reading) -> Iterator[Problem]:
    for function, pattern in literal_patterns(reading.tree):
        if _is_slow(function, pattern):
            message, hint = _told(function, pattern)
            yield reading.in_model("m", pattern, "slow-pattern", message, hint)
    for name, functions in pattern_columns(reading.tree, (*FALLIBLE, "globMatch")).items():
        column = reading.column(name.removeprefix("p_"))
        if column is None:
            continue
        slow: dict[str, str] = {}
        for line, row in reading.rules():
            pattern = row[column]
            if pattern not in slow:
                slow[pattern] = next((one for one in sorted(functions) if _is_slow(one, pattern)), "")
            if slow[pattern]:
                message, hint = _told(slow[pattern], pattern)
                yield reading.in_rule(line, column, "slow-pattern", message, hint)


def _told(function: str, pattern: str) -> tuple[str, str]:
    message = f"`{pattern}` can take seconds to compare with a long value that was made for it"
    return message, _GLOB_HINT if function == "globMatch" else _HINT


def _is_slow(function: str, pattern: str) -> bool:
    if function == "globMatch":
        segments = pattern.split("/")
        crowded = max(len(_STARS.findall(segment)) for segment in segments) > _FEW_STARS
        return crowded or segments.count("**") > _FEW_STARS
    if len(_QUANTIFIER.findall(pattern)) < 2:
        return False
    called = FALLIBLE[function]
    # Such an expression is matched by an automaton at the worst.
    if regular_at_sight(called.expression(pattern)) and not called.repeats_a_name(pattern):
        return False
    return not invalid_pattern(function, pattern) and goes_back(called, pattern)
