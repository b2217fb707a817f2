"""Whoever follows a page, from where it puts its reader, sees what it shows."""

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
