"""A matcher that is spelled otherwise and means the same changes nothing, and that is said without a look at each request."""

from itertools import product
from pathlib import Path
from random import Random

import pytest

from rbac.comparison import comparison as comparisons
from rbac.comparison.comparison import Comparison
from rbac.diff import diff as diffs
from rbac.diff.diff import diff
from rbac.policy import Policy
from rbac.space.space import Space

MODEL = (Path(__file__).parents[3] / "model.conf").read_text()
ROLES = ("admin", "viewer", "ann@example.com", "everyone", "authenticated")
PATHS = ("/a", "/a/{id}", "/a/*", "/b", "/*")
EDITS = {
    "the other way round": ('p.act == "*" || p.act == r.act', 'p.act == r.act || p.act == "*"'),
    "a case that is in it": ('p.act == "*" ||', 'p.act == "*" || (p.act == "GET" && r.act == "GET") ||'),
    "HEAD as GET": ("p.act == r.act)", 'p.act == r.act || (p.act == "GET" && r.act == "HEAD"))'),
    "another function": ("keyMatch3(", "keyMatch("),
    "anybody in the token": ('r.sub != ""', 'r.role != ""'),
    "no allow but of a rule": ("some(where (p.eft == allow)) && !some", "!some"),
}


def documents(edit: str, seed: int) -> tuple[Policy, Policy]:
    dice = Random(f"{edit} {seed}")
    text = "g, ann@example.com, viewer\n" + "".join(
        f"p, {dice.choice(ROLES)}, {dice.choice(PATHS)}, {dice.choice(('GET', 'PUT', '*'))}, "
        f"{dice.choice(('allow', 'allow', 'deny'))}\n"
        for _ in range(4)
    )
    one, other = EDITS[edit]
    assert one in MODEL
    return Policy.parse(MODEL.encode(), text.encode()), Policy.parse(
        MODEL.replace(one, other).encode(), text.encode()
    )


@pytest.mark.parametrize("edit", EDITS)
def test_the_same_kinds_of_rules_answer_every_request_alike(edit: str) -> None:
    same = 0
    for seed in range(20):
        old, new = documents(edit, seed)
        certain = Comparison(Space((old, new))).same
        same += certain
        asked = product(
            ("", "ann@example.com", "eve@example.com", "viewer"),
            ("", "admin", "viewer", "ann@example.com"),
            ("/a", "/a/", "/a/x", "/a/{id}", "/b", "/c"),
            ("GET", "PUT", "HEAD", "*"),
        )
        differing = [
            words for words in asked if old.decide_request(words).allowed != new.decide_request(words).allowed
        ]
        assert not (certain and differing), differing[:1]
        assert not (differing and diff(old, new).equivalent), differing[:1]
    assert same or edit not in {"the other way round", "a case that is in it"}


def test_people_who_are_not_asked_about_are_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = "".join(
        f"p, person{n}@example.com, /a/{n}, GET, deny\ng, person{n}@example.com, role{n}\n" for n in range(4)
    )
    old, new = (
        Policy.parse(MODEL.encode(), (rules + more).encode())
        for more in ("", "".join(f"p, person{n}@example.com, /*, GET, allow\n" for n in range(4)))
    )
    assert not diff(old, new).notes
    monkeypatch.setattr(diffs, "MOST_LOOKS", 1)
    assert any("1 of 4 kinds of people" in note for note in diff(old, new).notes)


def test_a_matcher_that_says_the_same_of_callers_in_other_words_ends_and_says_what_it_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = "".join(f"p, role{n}, /a/{n}, GET, allow\np, role{n}, /b/{n}, GET, deny\n" for n in range(10))
    old, new = (
        Policy.parse(one.encode(), text.encode())
        for one in (MODEL, MODEL.replace('r.sub != ""', '"" != r.sub && r.sub != ""'))
    )
    assert old.document.definition.matcher != new.document.definition.matcher
    whole = diff(old, new)
    assert whole.equivalent
    assert not whole.notes
    for bound in ("MOST_STEPS", "MOST_WORK"):
        with monkeypatch.context() as patch:
            patch.setattr(comparisons, bound, 1)
            few = diff(old, new)
        assert few.equivalent
        assert any("callers as nobody comes" in note for note in few.notes)


def test_what_bounds_the_search_for_odd_callers_takes_nothing_from_what_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for edit in EDITS:
        for seed in range(4):
            old, new = documents(edit, seed)
            whole = diff(old, new)
            with monkeypatch.context() as patch:
                patch.setattr(comparisons, "MOST_STEPS", 1)
                few = diff(old, new)
            if few.notes:
                assert not few.cells
            else:
                assert (few.cells, few.people) == (whole.cells, whole.people)
