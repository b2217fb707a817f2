"""What can go wrong with a policy, as one family: :class:`RbacError` and its leaves, each with a stable
``code``."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal

# A word that somebody pasted a file into is not to fill a log.
_LONG = 300
_LONGEST = 1000
_QUOTED = re.compile(r"`([^`]*)`")
_KEPT = 100

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong or suspicious in a document, at the place where a person would mend it.

    ``line`` and ``column`` count from 1, in characters; 0 means the file as a whole. ``message`` is one
    sentence without a capital or a full stop, and quotes what the user wrote in backticks; ``hint`` says what
    to do.
    """

    file: str
    line: int
    column: int
    code: str
    severity: Severity
    message: str
    hint: str = ""

    def __post_init__(self) -> None:
        for name in ("message", "hint"):
            text = getattr(self, name)
            if len(text) > _LONG:
                object.__setattr__(self, name, _shortened(text))

    def to_json(self) -> dict[str, object]:
        """The problem as ``rbac check --format json`` shows it."""
        keys = ("code", "severity", "file", "line", "column", "message", "hint")
        return {key: getattr(self, key) for key in keys}

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        hint = f" ({self.hint})" if self.hint else ""
        return f"{place}: {self.severity}: {self.message}{hint} [{self.code}]"


def _shortened(text: str) -> str:
    """``text`` with the beginning of each long word it quotes; where a word holds backticks of its own, of the whole."""
    text = _QUOTED.sub(_beginning, text)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def _beginning(quoted: re.Match[str]) -> str:
    return quoted[0] if len(quoted[1]) <= _KEPT else f"`{quoted[1][:_KEPT]}…`"


MOST_PROBLEMS = 1000
"""Problems of one file that are told one by one: a log in the policy's place has one on every line."""


class FirstProblems:
    """The first :data:`MOST_PROBLEMS` of a file's problems, and how many more there are."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._kept: list[Problem] = []
        self._more = 0
        self._grave = False

    def add(self, problem: Problem) -> None:
        """Keep the problem, or count it."""
        if len(self._kept) < MOST_PROBLEMS:
            self._kept.append(problem)
        else:
            self._more += 1
            self._grave |= problem.severity == "error"

    def told(self) -> list[Problem]:
        """The problems that were kept, and behind them one that says how many were not."""
        if not self._more:
            return self._kept
        severity: Severity = "error" if self._grave else "warning"
        message = f"{self._more:,} more problems of this file are not told one by one"
        hint = "correct those that are told, or look whether this is the right file"
        return [*self._kept, Problem(self._file, 0, 0, "more-problems", severity, message, hint)]


class RbacError(Exception):
    """The base of every error that this package raises on purpose."""

    code: ClassVar[str] = "rbac_error"


class PolicyError(RbacError):
    """A document that must not decide anything. ``problems`` is the whole list: the errors, which are the reason, and
    then the warnings, each sorted by file, line and column."""

    code: ClassVar[str] = "policy_refused"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(
            sorted(problems, key=lambda problem: (problem.severity != "error", problem))
        )
        super().__init__("\n".join(str(problem) for problem in self.problems))


class RequestError(RbacError, ValueError):
    """A question that the model cannot be asked: a word it does not have, or several roles where it takes
    one."""

    code: ClassVar[str] = "request_refused"


class EvaluationError(RbacError):
    """A request that the matcher failed over: an address that is none, an attribute that is not there. It is
    not allowed."""

    code: ClassVar[str] = "evaluation_failed"
