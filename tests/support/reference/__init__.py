"""The pages of the reference that are made from code: ``python -m tests.support.reference`` writes them.

``commands`` are made of Typer, ``endpoints`` of the API's description and the shipped policy,
``errors`` of their wordings, ``guard`` of docstrings,
``log_members`` of the JSON Schema, ``llms`` of docs/README.md. A test says which of them is out of date.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.support.reference import commands, endpoints, errors, guard, llms, log_members

ROOT: Final = Path(__file__).resolve().parents[3]
PAGES: Final[dict[str, Callable[[], str]]] = {
    "docs/commands.md": commands.page,
    "docs/endpoints.md": endpoints.page,
    "docs/errors.md": errors.page,
    "docs/guard.md": guard.page,
    "docs/decision-log-members.md": log_members.page,
    "docs/llms.txt": llms.page,
}


def write() -> None:
    """Writes every page as the code has it now."""
    for name, made in PAGES.items():
        (ROOT / name).write_text(made(), encoding="utf-8")
