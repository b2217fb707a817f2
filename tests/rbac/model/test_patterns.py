"""What is wrong with a pattern is said in our own words, and a right one is left alone."""

import re
from random import Random

import pytest

from rbac.document.document import Document
from rbac.linting.lint import lint
from rbac.model.functions import FALLIBLE
from rbac.model.patterns import invalid_pattern
from tests.support.command import MODEL

WRONG = {
    "/(?i)refunds": "`(?i:…)`",
    "/a**": "follows another",
    "+": "nothing in front",
    "/a[b": "`[` is not closed",
    "/a(b": "`(` is not closed",
    "/a)b": "`)` closes nothing",
    "/[z-a]": "runs backwards",
    "/a\\": "last character",
    "/\\y": "means nothing there",
    "/\\xg": "lack the digits",
    "/a(b){3,1}": "larger than the second",
    "/(?Xa)": "behind a `(?`",
    "/(?": "behind a `(?`",
    "/(?P=x)": "a group that is not there",
    "/\\7": "a group that is not there",
    "/(?P<1>a)": "the name of a group",
    "/(?P<x": "is not closed",
    "/(?P<x>a)(?P<x>b)": "the same name",
    "/(?<=a+)b": "no fixed length",
    "/(?iz:a)": "no flags",
    "/(?-L:a)": "no flags",
}  # fmt: skip
ALPHABET = (
    "/",
    "a",
    "(",
    ")",
    "[",
    "]",
    "?",
    "*",
    "+",
    "{",
    "}",
    "1",
    ",",
    "\\",
    "|",
    "^",
    "$",
    "<",
    "P",
    "=",
    ":",
    "i",
    "-",
    "!",
)


def python_says(function: str, pattern: str) -> str:
    try:
        FALLIBLE[function].call("", pattern)
    except re.error as error:
        return error.msg
    return ""


@pytest.mark.parametrize("pattern", WRONG)
def test_a_fault_of_a_pattern_has_words_of_its_own(pattern: str) -> None:
    told = {function: invalid_pattern(function, pattern) for function in FALLIBLE}
    said = [fault for fault in told.values() if fault is not None and WRONG[pattern] in fault]
    assert said, told


@pytest.mark.filterwarnings("ignore:Possible nested set:FutureWarning", "ignore:Possible set:FutureWarning")
@pytest.mark.parametrize("function", FALLIBLE)
def test_nothing_that_python_says_of_an_expression_is_passed_on(function: str) -> None:
    dice = Random(function)
    faults = 0
    for _ in range(4_000):
        pattern = "/" + "".join(dice.choices(ALPHABET, k=dice.randrange(1, 9)))
        said, fault = python_says(function, pattern), invalid_pattern(function, pattern)
        faults += bool(said)
        assert not said or fault is None or said not in fault, pattern
        assert bool(fault) or not said or function == "keyMatch4", pattern
    assert faults > 100 or function not in {"regexMatch", "keyMatch3"}


@pytest.mark.parametrize("function", ["keyMatch2", "keyMatch3", "keyMatch4", "regexMatch"])
def test_a_slash_at_the_end_that_may_be_left_out_is_right(function: str) -> None:
    model = MODEL.replace("keyMatch3(", f"{function}(")

    def told(pattern: str) -> list[str]:
        document = Document.parse(model.encode(), f"p, user, {pattern}, GET, allow\n".encode())
        return [problem.code for problem in lint(document) if problem.column > 9 and problem.line == 1]

    end = "$" if function == "regexMatch" else ""
    start = "^" if function == "regexMatch" else ""
    assert told(f"{start}/refunds/?{end}") == []
    if function != "regexMatch":
        assert told("/refunds/?/x") == ["repeated-character"]
        assert told("/refund?") == ["repeated-character"]
