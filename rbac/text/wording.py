"""Numbers and lists as messages write them."""

from collections.abc import Iterable, Sequence


def counted(number: int, name: str) -> str:
    """``1 rule``, ``2 rules``."""
    return f"{number} {name}" if number == 1 else f"{number} {name}s"


def quoted(names: Iterable[str]) -> str:
    """Names in backticks: ``a``, ``b``, ``c``."""
    return ", ".join(f"`{name}`" for name in names)


def listed(names: Sequence[str]) -> str:
    """Names in backticks: ``a``, ``b`` and ``c``."""
    return " and ".join([quoted(names[:-1]), quoted(names[-1:])] if len(names) > 1 else [quoted(names)])


def also_on(lines: Sequence[int]) -> str:
    """Behind what is told of the first of some lines, how many more it is true of: `` (also on 2 other lines)``."""
    more = len(lines) - 1
    return f" (also on {counted(more, 'other line')})" if more else ""
