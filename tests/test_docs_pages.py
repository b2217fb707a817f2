"""Whoever follows a page, from where it puts its reader, sees what it shows."""

import re
from pathlib import Path

import pytest

from tests.support.pages import PAGES
from tests.support.service import ROOT
from tests.support.transcript import Edit, run, shows, steps

AGAIN = "if that is right: python -m tests.support.pages"


@pytest.mark.parametrize("name", PAGES)
def test_every_command_of_a_page_shows_what_it_says(name: str, tmp_path: Path) -> None:
    folder = PAGES[name](tmp_path)
    for step in steps((ROOT / name).read_text(encoding="utf-8")):
        if isinstance(step, Edit):
            step.apply(folder)
            continue
        ending = run(step, folder)
        where = f"{name}:{step.line}: {step.text}\n" + "\n".join(ending.shown)
        assert ending.code == step.code, where
        if step.shown is not None:
            assert shows(step.shown, ending.shown), f"{where}\n{AGAIN}"


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))], ids=str
)
def test_no_command_has_a_comment_behind_it(page: Path) -> None:
    """zsh, the shell of macOS, hands it to the command as arguments."""
    text = page.read_text(encoding="utf-8")
    commented = [
        line
        for language, block in re.findall(
            r"^```(sh|console)[^\n]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL
        )
        for line in block.splitlines()
        if (language == "sh" or line.startswith("$ ")) and re.search(r"\S\s+# ", line)
    ]
    assert commented == []
