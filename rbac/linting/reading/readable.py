"""The part of a refused policy that can be read: lint speaks of it, too, so that errors hide no warnings."""

from collections.abc import Callable, Iterable

from rbac.document.document import Document
from rbac.errors import Problem

_MOST_ROUNDS = 3  # a line may be wrong only beside another that is wrong

# What argues from lines that are not there: one of those that cannot be read may be it.
NEEDS_EVERY_LINE = frozenset(
    (
        "empty-policy",
        "idle-deny",
        "unknown-role",
        "unknown-domain",
        "sweeping-deny",
        "role-without-rules",
        "role-not-granted",
        "effect-column",
    )
)


Read = Callable[[bytes, bytes], tuple[Document | None, tuple[Problem, ...]]]


def readable_part(read: Read, model: bytes, policy: bytes, problems: Iterable[Problem]) -> Document | None:
    """The document without the lines that ``problems`` call wrong, every other line where it was; ``None`` where the
    model is wrong, or the policy as a whole. ``read`` is how the two were read."""
    try:
        text = policy.decode()
    except UnicodeDecodeError:
        return None
    found = [problem for problem in problems if problem.severity == "error"]
    for _ in range(_MOST_ROUNDS):
        if any(not problem.line for problem in found) or not found:
            return None
        wrong = {problem.line for problem in found}
        text = "\n".join("" if at in wrong else line for at, line in enumerate(text.split("\n"), 1))
        document, again = read(model, text.encode())
        if document is not None:
            return document
        found = [problem for problem in again if problem.severity == "error"]
    return None
