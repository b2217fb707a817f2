"""docs/threat-model.md: every surface by all six letters, and every answer held by a test that is there."""

import re

import pytest

from tests.support.service import ROOT

PAGE = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
SURFACES = {
    title: re.findall(r"^\| ([STRIDE]) \| (.+?) \| (.+?) \| (.*?) ?\|$", section, re.MULTILINE)
    for title, section in re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
}
ROWS = [(surface, *row) for surface, rows in SURFACES.items() for row in rows]


def test_these_are_the_surfaces() -> None:
    assert list(SURFACES) == [
        "HTTP",
        "Tokens and issuers",
        "Policy files",
        "The store",
        "The decision log",
        "The console",
        "Behind a proxy: forward-auth",
        "AuthZEN",
        "Revocations",
        "Commands",
        "The supply chain",
    ]


@pytest.mark.parametrize("surface", SURFACES)
def test_a_surface_is_looked_at_by_all_six_letters_in_their_order(surface: str) -> None:
    letters = "".join(row[0] for row in SURFACES[surface])
    assert re.fullmatch("S+T+R+I+D+E+", letters), letters
    lines = re.findall(r"^\| [A-Z] \|", PAGE, re.MULTILINE)
    assert len(lines) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]}: {row[2]}"[:70])
def test_an_answer_is_held_by_a_test_or_said_to_be_none(row: tuple[str, str, str, str, str]) -> None:
    _, _, _, answer, held_by = row
    tests = re.findall(r"`([a-z0-9_/]+\.py)::(test_[a-z0-9_]+)`", held_by)
    assert "`".join(f"{file}::{name}" for file, name in tests) == "`".join(re.findall(r"`([^`]+)`", held_by))
    assert tests or "**accepted**" in answer
    for file, name in tests:
        text = (ROOT / "tests" / file).read_text(encoding="utf-8")
        assert re.search(rf"^(?:async )?def {name}\(", text, re.MULTILINE), f"{file}::{name}"
