"""What is done to a large document takes work in proportion to it, whatever it consists of.

The work is counted, in lines of Python that are run: the clock of a busy machine proves little. It is asked, too, as
what one line does to a whole list or set is not seen in the count: there, quadratic work is told from twice the time.
"""

import pytest

from rbac.document.document import Document
from rbac.linting.lint import lint
from rbac.linting.rules import allows
from rbac.matching import languages
from rbac.text import nearest
from tests.support.growth import lines_run, takes_at_most
from tests.support.shapes import SHAPES

SMALL, TIMES = 250, 4
# Four times as much, and a little for what is sorted; what is quadratic takes sixteen times as much in the end.
MOST = 5.5
LARGE, MOST_TIME = 1500, 8


@pytest.mark.parametrize("shape", SHAPES)
def test_lint_takes_work_in_proportion_to_the_rules(shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spare_allowances(monkeypatch)
    few, many = (document(shape, rules) for rules in (SMALL, SMALL * TIMES))
    lint(few)  # what is imported and compiled once
    assert lines_run(lint, many) < MOST * lines_run(lint, few)


@pytest.mark.parametrize("shape", SHAPES)
def test_lint_takes_time_in_proportion_to_the_rules(shape: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spare_allowances(monkeypatch)
    few, many = (document(shape, rules) for rules in (LARGE, LARGE * TIMES))
    assert takes_at_most(MOST_TIME, lambda: lint(many), lambda: lint(few))


def spare_allowances(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fixed allowances for comparing and for guessing are for documents of a hundred times this size."""
    monkeypatch.setattr(languages, "_MOST_STEPS", 1000)
    monkeypatch.setattr(allows, "_ALL_GUESSES", 500)
    monkeypatch.setattr(nearest, "_ALL_COMPARED", 2000)


def document(shape: str, rules: int) -> Document:
    """The document of a shape."""
    model, text = SHAPES[shape]
    return Document.parse(model, text(rules).encode())
