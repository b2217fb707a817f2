"""What a problem quotes is shortened in one place, so no format of any command shows a pasted file whole."""

import pytest

from rbac.errors import Problem

LONG = "x" * 3_000_000


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("`short` is fine", "`short` is fine"),
        (f"the effect `{LONG}` is neither", f"the effect `{'x' * 100}…` is neither"),
        (f"`a` and `{LONG}` and `b`", f"`a` and `{'x' * 100}…` and `b`"),
        # What stands between two quotations is no quotation.
        ("`a`" + " and so on" * 40 + "`b`", "`a`" + " and so on" * 40 + "`b`"),
        (LONG, "x" * 1000 + "…"),
    ],
    ids=["short", "one word", "one of three", "between two words", "no quotation"],
)
def test_a_long_word_in_a_message_or_a_hint_is_shortened(message: str, shown: str) -> None:
    problem = Problem("policy.csv", 1, 1, "unknown-effect", "error", message, message)
    assert (problem.message, problem.hint) == (shown, shown)


def test_a_word_of_backticks_cannot_make_a_message_long() -> None:
    problem = Problem("policy.csv", 1, 1, "unknown-effect", "error", f"`{'`y' * 1_000_000}` is neither")
    assert len(problem.message) <= 1001
