"""A comparison of two documents looks at the rules that the edit touches, and at no other."""

from random import Random

import pytest

from rbac.comparison.touched import touched_rules
from rbac.diff import diff as diffs
from rbac.diff.diff import diff
from rbac.diff.differences import Diff
from rbac.errors import PolicyError
from rbac.matching.path_classes import mask_key
from rbac.policy import Policy
from rbac.space.bits import bits, mask_of
from rbac.space.residue import Meet, residue_key
from tests.support import random_policies as random
from tests.support.random_documents import KINDS, Kind

MODEL = random.model_text(random.EFFECTS["allow and deny"], random.WHO[0], random.WHAT[2], random.HOW[0])
RULES = [
    f"p, role{number % 20}, /s{number % 50}/r{number}/{{id}}, {('GET', 'PUT')[number % 2]}, allow"
    for number in range(1_000)
]


def read(rules: list[str]) -> Policy:
    return random.read(MODEL, "\n".join(rules) + "\n")


@pytest.mark.parametrize(
    ("edit", "most"),
    [
        ("p, role3, /s5/r5/{id}, DELETE, allow", 1),
        ("p, role3, /s5/new/*, GET, allow", 1),
        ("p, role3, /s3/*, PUT, deny", 21),
        ("g, ann@x, role3", 60),
        ("g, ann@x, role-without-rules", 0),
    ],
)
def test_of_a_thousand_rules_a_one_line_edit_touches_few(edit: str, most: int) -> None:
    old, new = read(RULES), read([*RULES, edit])
    found = touched_rules(old, new)
    assert found is not None
    assert max(map(len, found)) <= most
    assert diff(old, new).equivalent == (most == 0)


def test_an_edit_of_the_matcher_touches_every_rule() -> None:
    other = random.model_text(random.EFFECTS["allow and deny"], random.WHO[1], random.WHAT[2], random.HOW[0])
    assert touched_rules(read(RULES), random.read(other, "\n".join(RULES))) is None


def test_where_the_first_match_decides_a_moved_rule_is_a_change() -> None:
    model = random.model_text(random.EFFECTS["priority"], random.WHO[1], random.WHAT[5], random.HOW[1])
    rules = ["p, a, /x, GET, allow", "p, b, /y, GET, allow", "p, a, /x, GET, deny", "p, c, /z, GET, deny"]
    moved = [rules[2], rules[1], rules[0], rules[3]]
    old, new = (random.read(model, "\n".join(listed)) for listed in (rules, moved))
    assert touched_rules(old, new) == ([0, 1, 2], [0, 1, 2])
    assert not diff(old, new).equivalent


def shape(found: Diff) -> tuple[object, ...]:
    """What a diff says, but for which example stands for its class."""
    changes = {
        (change.caller.label, change.granted, change.line, change.denied_by)
        for change in (*found.cells, *found.people)
    }
    return found.equivalent, changes


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_diff_of_the_touched_rules_is_the_diff_of_all(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    compared = 0
    for seed in range(25):
        dice = Random(f"{kind}{seed}")
        model, rows = kind.model(dice), kind.rows(dice)
        try:
            old, new = (
                random.read(model, "".join(", ".join(row) + "\n" for row in listed))
                for listed in (rows, kind.edited(rows, dice))
            )
        except PolicyError:
            continue
        compared += 1
        narrow = diff(old, new)
        with monkeypatch.context() as patch:
            patch.setattr(diffs, "touched_rules", lambda _old, _new: None)
            wide = diff(old, new)
        assert shape(narrow) == shape(wide), (model, rows)
    assert compared > 5


def test_an_edit_about_everything_is_looked_at_with_all_rules() -> None:
    lock_out = "p, ann@x, /*, *, deny"
    assert touched_rules(read(RULES), read([*RULES, lock_out])) is None
    about_half = touched_rules(read(RULES), read([*RULES, "p, everyone, /*, GET, allow"]))
    assert about_half is not None
    assert [len(side) for side in about_half] == [500, 501]


def test_masks_that_differ_in_one_bit_have_hashes_of_their_own() -> None:
    masks = [1 << place | 1 for place in range(1, 5_000)]
    assert len({hash(mask_key(mask)) for mask in masks}) == len(masks)
    assert len({hash(residue_key([Meet(mask, ())])) for mask in masks}) == len(masks)
    assert mask_key(masks[7]) == mask_key(masks[7] | 1)


@pytest.mark.parametrize(
    "numbers", [[], [0], [3, 7], [255, 256, 1_000], list(range(0, 3_000, 7)), list(range(20, 900))]
)
def test_a_mask_holds_the_numbers_it_was_made_of(numbers: list[int]) -> None:
    assert mask_of(numbers) == sum(1 << number for number in numbers)
    assert list(bits(mask_of(numbers))) == numbers
