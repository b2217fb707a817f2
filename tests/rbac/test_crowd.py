"""A change that shows for very many callers is found in one walk, and told without a row for each."""

from pathlib import Path

import pytest

from rbac import diff as diffs
from rbac.diff import diff
from rbac.diff_overview import overview
from rbac.diff_views import headline, row_sentence, to_json
from rbac.policy import Policy

MODEL = (Path(__file__).parents[2] / "model.conf").read_bytes()
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
