"""Numbers and lists as messages write them."""

from collections.abc import Sequence


def counted(number: int, name: str) -> str:
    """``1 rule``, ``2 rules``."""
    return f"{number} {name}" if number == 1 else f"{number} {name}s"


def listed(names: Sequence[str]) -> str:
    """Names in backticks: ``a``, ``b`` and ``c``."""
    quoted = [f"`{name}`" for name in names]
    return " and ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)
