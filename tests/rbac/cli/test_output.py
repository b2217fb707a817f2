"""How the command shows a place in a long line, and work that takes long."""

import itertools
import re
from io import StringIO
from types import SimpleNamespace

import pytest
from rich.console import Console

from rbac.cli.output import Bar, show_problem, track
from rbac.errors import Problem

LINE = "".join(chr(0x100 + number) for number in range(200))
"""No character stands twice."""


@pytest.mark.parametrize("width", [40, 80, 400])
@pytest.mark.parametrize("column", [1, 2, 17, 40, 100, 180, 199, 200])
def test_the_caret_is_below_its_character_however_long_the_line_is(column: int, width: int) -> None:
    out = StringIO()
    problem = Problem("policy.csv", 7, column, "some-code", "error", "wrong", "mend it")
    show_problem(Console(file=out, width=width), problem, LINE)
    told = out.getvalue().splitlines()
    shown, below = next((one, two) for one, two in itertools.pairwise(told) if one.startswith("     7 | "))
    assert below.startswith("       | ")
    assert shown[below.index("^")] == LINE[column - 1]
    piece = shown.removeprefix("     7 | ")
    assert piece.strip("…") in LINE
    assert len(shown) <= width
    assert piece.startswith("…") == (LINE[0] not in piece)
    assert piece.endswith("…") == (LINE[-1] not in piece)


class Clocked:
    """A terminal or a pipe for the error output, and a clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, terminal: bool) -> None:
        self.out, self.now = StringIO(), 0.0
        console = Console(file=self.out, force_terminal=terminal, width=80)
        monkeypatch.setattr("rbac.cli.output.stderr", lambda: console)
        monkeypatch.setattr("rbac.cli.output.time", SimpleNamespace(monotonic=lambda: self.now))


@pytest.mark.parametrize(
    ("terminal", "each_s", "shown"), [(True, 0.3, True), (True, 0.01, False), (False, 0.3, False)]
)
def test_work_shows_how_far_it_is_after_a_second_and_on_a_terminal_alone(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, each_s: float, shown: bool
) -> None:
    clocked = Clocked(monkeypatch, terminal=terminal)
    for _ in track(range(10), "mutants", 10):
        clocked.now += each_s
    assert ("mutants" in clocked.out.getvalue()) is shown
    assert bool(re.search(r"\d+/10", clocked.out.getvalue())) is shown


def test_how_much_there_is_may_become_clear_later(monkeypatch: pytest.MonkeyPatch) -> None:
    clocked = Clocked(monkeypatch, terminal=True)
    with Bar("mutants", None) as bar:
        clocked.now = 5
        bar.update(1)
        bar.update(2, 4)
    assert "2/4" in clocked.out.getvalue()
