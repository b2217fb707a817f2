"""A lock-out is the edit of an emergency: what it takes does not grow with the lock-outs that stand already."""

from pathlib import Path

from rbac.diff.diff import diff
from rbac.diff.overview import PersonRow, overview
from rbac.diff.shown import shown
from rbac.policy import Policy
from tests.support.growth import lines_run

MODEL = (Path(__file__).parents[3] / "model.conf").read_bytes()
BASE = "".join(f"p, role{n}, /area{n}/{{id}}, GET, allow\n" for n in range(600))
OTHERS = "".join(f"p, person{n}@example.com, /*, *, deny\n" for n in range(600))
LINE = "p, bob@example.com, /*, *, deny\n"


def work(text: str) -> int:
    """The lines of Python that are run for the diff of a lock-out."""
    old, new = Policy.parse(MODEL, text.encode()), Policy.parse(MODEL, f"{text}{LINE}".encode())
    rows: list[PersonRow] = []
    count = lines_run(lambda: rows.extend(overview(old, new, shown(diff(old, new), old, new)).people))
    assert [(row.person, row.nothing_left) for row in rows] == [("bob@example.com", True)]
    return count


def test_a_lock_out_among_many_takes_no_more_than_a_few_times_as_long_as_the_first() -> None:
    many, alone = (work(text) for text in (BASE + OTHERS, BASE))
    assert many < 4 * alone
