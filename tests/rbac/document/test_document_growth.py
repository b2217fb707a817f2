"""A document is read strictly and tidied with work in proportion to its size, whatever it consists of."""

from collections.abc import Callable
from typing import Final

import pytest

from rbac.document.document import check_bytes, parse_definition
from rbac.document.formatting import format_policy
from tests.support.documents import MODEL
from tests.support.growth import lines_run
from tests.support.shapes import SHAPES, Shape

SMALL, TIMES = 250, 4
MOST = 5.5  # as for lint


def _lines(line: str) -> Callable[[int], str]:
    return lambda n: "".join(line.format(i=i) + "\n" for i in range(n))


BROKEN: Final[dict[str, Shape]] = {
    "unknown types": (MODEL, _lines("x, a, /b{i}, GET")),
    "too few columns": (MODEL, _lines("p, a, /b{i}")),
    "open brackets": (MODEL, _lines("p, user, /a(b{i}, GET, allow")),
    "unknown effects": (MODEL, _lines("p, user, /a{i}, GET, alow")),
    "invalid patterns": (MODEL, _lines("p, user, /a{i}**(, GET, allow")),
    "comments": (MODEL, _lines("# p, user, {i}")),
    "semicolons": (MODEL, _lines("p; user; /a{i}; GET; allow")),
    "one long chain": (MODEL, _lines("g, r{i}, r1{i}")),
}
ALL = SHAPES | BROKEN


@pytest.mark.parametrize("shape", ALL)
def test_a_document_is_read_with_work_in_proportion_to_it(shape: str) -> None:
    model, text = ALL[shape]
    few, many = text(SMALL).encode(), text(SMALL * TIMES).encode()
    check_bytes(model, few)  # what is imported once
    assert lines_run(check_bytes, model, many) < MOST * lines_run(check_bytes, model, few)


@pytest.mark.parametrize("shape", ALL)
def test_a_policy_is_tidied_with_work_in_proportion_to_it(shape: str) -> None:
    model, text = ALL[shape]
    definition = parse_definition(model)
    few, many = text(SMALL).encode(), text(SMALL * TIMES).encode()
    format_policy(few, definition)
    assert lines_run(format_policy, many, definition) < MOST * lines_run(format_policy, few, definition)
