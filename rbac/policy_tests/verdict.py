"""What came of the policy tests that stand before a document."""

from dataclasses import dataclass

from rbac.errors import Problem
from rbac.text.wording import counted


@dataclass(frozen=True, slots=True)
class Verdict:
    """``tests`` policy tests were read, and ``held`` of them hold. ``problems`` say what does not, and what was not read."""

    tests: int
    held: int
    problems: tuple[Problem, ...] = ()

    def says(self, before: "Verdict | None" = None) -> str:
        """How many hold, and how many tests fewer there are than ``before``: ``30 tests hold``."""
        fewer = 0 if before is None else before.tests - self.tests
        return self._outcome() + (f", {counted(fewer, 'test')} fewer than before" if fewer > 0 else "")

    def _outcome(self) -> str:
        if not self.tests:
            return "no policy test was read"
        if self.held < self.tests:
            return f"{self.held} of {counted(self.tests, 'test')} hold"
        return f"{counted(self.tests, 'test')} hold{'s' if self.tests == 1 else ''}"
