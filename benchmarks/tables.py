"""Tables in Markdown."""

from collections.abc import Sequence


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose figures stand to the right; one of promises is words."""
    lines = [
        heads,
        ["---", *["---:"] * (len(heads) - 1)] if heads[0] != "promise" else ["---"] * len(heads),
        *rows,
    ]
    # A pattern may hold the sign that ends a cell.
    cells = ([cell.replace("|", "\\|") for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)
