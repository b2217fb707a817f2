"""A change that shows for very many callers is found in one walk, and told without a row for each."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rbac.comparison.crowd import Crowd
from rbac.comparison.sides import Masks
from rbac.diff import diff as diffs
from rbac.diff.diff import diff
from rbac.diff.headline import headline
from rbac.diff.overview import overview
from rbac.diff.sentences import row_sentence
from rbac.diff.views import to_json
from rbac.policy import Policy

MODEL = (Path(__file__).parents[3] / "model.conf").read_bytes()
PERSON = "7f3c1e52-0000-4000-8000-000000000000"
ROLES = 12
BASE = "".join(f"p, role-{n}, /area-{n}/*, GET, allow\ng, lead-{n}, role-{n}\n" for n in range(ROLES))


def edited(line: str) -> tuple[Policy, Policy]:
    return Policy.parse(MODEL, BASE.encode()), Policy.parse(MODEL, f"{BASE}{line}\n".encode())


def test_a_rule_for_everybody_is_told_of_the_nameless_and_counts_all_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old, new = edited("p, everyone, /*, GET, allow")
    each = diff(old, new)
    monkeypatch.setattr(diffs, "MOST_CELLS", 10)
    found = diff(old, new)
    assert {change.caller.kind for change in found.cells} == {"nobody", "token"}
    assert sum(1 + change.also for change in found.cells) == len(each.cells)
    assert headline(found, overview(old, new, found)).endswith(f"({len(each.cells)} granted, 0 revoked)")
    assert max(cell.get("also", 0) for cell in to_json(found)["granted"]) == 2 * ROLES


def test_a_lock_out_is_told_once_an_endpoint_whatever_the_role(monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = edited(f"p, {PERSON}, /*, *, deny")
    each = diff(old, new)
    monkeypatch.setattr(diffs, "MOST_CELLS", 10)
    found = diff(old, new)
    assert sum(1 + change.also for change in found.people) == len(each.people)
    endpoints = [change.endpoint.label for change in found.people]
    assert len(endpoints) == len(set(endpoints))
    assert set(endpoints) == {change.endpoint.label for change in each.people}
    rows = [overview(old, new, one).people for one in (each, found)]
    assert [[row_sentence(row) for row in each_rows] for each_rows in rows] == [
        [f"loses everything: {ROLES} endpoints"]
    ] * 2


def walks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many endpoints each crowd looks at, from now on."""
    looked: list[int] = []
    walk = Crowd.requests

    def counted(crowd: Crowd) -> Iterator[tuple[dict[str, str], Masks]]:
        yield from walk(crowd)
        looked.append(crowd.looked)

    monkeypatch.setattr(Crowd, "requests", counted)
    return looked


@pytest.mark.parametrize(
    ("line", "again"), [("p, role-1, /*, *, allow", False), (f"p, {PERSON}, /*, *, deny", True)]
)
def test_what_no_deny_changes_is_not_looked_for_again_with_every_role_that_people_bring(
    line: str, again: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = walks(monkeypatch)
    base = f"{BASE}g, {PERSON}, role-1\n"
    old, new = (Policy.parse(MODEL, f"{base}{more}\n".encode()) for more in ("", line))
    assert not diff(old, new).equivalent
    assert (len(looked) > 1) is again


def test_a_rule_about_a_person_in_a_role_is_told_of_both_together() -> None:
    model = MODEL.replace(b"p = role, obj", b"p = role, who, obj").replace(
        b"&& keyMatch3", b'&& (p.who == "*" || p.who == r.sub) && keyMatch3'
    )
    base = "p, editor, *, /docs, GET, allow\np, ann@x, *, /own, GET, allow\n"
    edit = "p, ann@x, *, /more, GET, allow\np, editor, ann@x, /secret, GET, allow\n"
    old, new = (Policy.parse(model, f"{base}{more}".encode()) for more in ("", edit))
    found = diff(old, new)
    told = {(change.caller.label, change.endpoint.obj) for change in found.people}
    assert {("ann@x", "/more"), ("ann@x as editor", "/secret")} <= told
