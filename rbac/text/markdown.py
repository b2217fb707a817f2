"""Markdown as GitHub and GitLab draw it, in which nothing that a policy holds can be more than text."""

import re
from collections.abc import Iterable, Sequence

from rbac.text.visible import visible

_PUNCTUATION = re.compile(r"([\\`*_{}\[\]<>|~&])")
_QUOTED = re.compile(r"`([^`]*)`")
_TICKS = re.compile(r"`+")


def code(text: str) -> str:
    """``text`` as code, which neither mentions anybody nor links anywhere; fit for a table's cell.

    CommonMark, 6.1: more backticks than the text holds in a row stand around it. GFM's tables: a ``|`` in a cell is
    escaped, in code too.
    """
    shown = visible(text)
    if not shown:
        return ""
    longest = max(map(len, _TICKS.findall(shown)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if longest or shown != shown.strip() else ""
    return f"{fence}{pad}{shown}{pad}{fence}".replace("|", "\\|")


def plain(text: str) -> str:
    """``text`` as nothing but text. An ``@`` is parted from the name behind it, so that nobody is called."""
    return _PUNCTUATION.sub(r"\\\1", visible(text)).replace("@", "@<!-- -->")


def sentence(text: str) -> str:
    """A sentence of ours: what it quotes in backticks is code, the rest is text."""
    parts = _QUOTED.split(text)
    return "".join(code(part) if number % 2 else plain(part) for number, part in enumerate(parts))


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, centred: bool = False) -> list[str]:
    """The lines of a table; its cells are Markdown."""
    rule = [":-:" if centred and number else "---" for number in range(len(head))]
    return [f"| {' | '.join(cells)} |" for cells in (head, rule, *rows)]
