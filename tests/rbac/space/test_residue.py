"""Rules that demand the same of some words go by the first of them, however many names stand in other columns."""

from pathlib import Path

import pytest

from rbac.policy import Policy
from rbac.space.residue import cut, matching, possible, residue_of, rule_kinds, settled
from rbac.space.rule_masks import RuleMasks

MODEL = (Path(__file__).parents[3] / "model.conf").read_text()
PEOPLE = 40
LOCK_OUTS = "".join(f"p, person{n}@example.com, /*, *, deny\n" for n in range(PEOPLE))
MIXED = MODEL.replace("keyMatch3(r.obj, p.obj)", '(keyMatch3(r.obj, p.obj) || r.sub == "root")')


def table(policy: str, model: str = MODEL) -> RuleMasks:
    found = RuleMasks(Policy.parse(model.encode(), policy.encode()))
    found.learn({})
    return found


def test_lock_outs_are_one_kind_for_the_endpoint_and_many_for_the_caller() -> None:
    rules = table(LOCK_OUTS)
    assert rule_kinds(rules, {"obj", "act"}, effects=True).firsts.bit_count() == 1
    assert rule_kinds(rules, {"sub", "role"}).firsts.bit_count() == PEOPLE


def test_what_a_rule_demands_of_itself_tells_it_from_others() -> None:
    rules = table(
        "p, everyone, /*, *, deny\np, authenticated, /*, *, deny\np, ann, /*, *, deny\n" + LOCK_OUTS
    )
    kinds = rule_kinds(rules, {"obj", "act"}, effects=True)
    assert kinds.first_of == [0, 1, 2, *[2] * PEOPLE]


@pytest.mark.parametrize("act", ["GET", "PUT"])
@pytest.mark.parametrize("words", [{"sub": "ann", "role": "viewer"}, {"sub": "", "role": ""}, {"act": "GET"}])
def test_a_matcher_cut_in_two_leaves_what_it_leaves_whole(words: dict[str, str], act: str) -> None:
    rules = table(
        f"p, viewer, /a, {act}, allow\np, everyone, /a, *, allow\np, ann, /b, GET, allow\ng, ann, viewer\n"
    )
    parts = cut(rules, frozenset(words))
    assert parts is not None
    assert matching(parts[0], rules, words) & parts[1] == possible(
        settled(residue_of(rules.formula, rules), rules, words), rules.all
    )


def test_a_matcher_that_ties_callers_to_endpoints_cannot_be_cut_between_them() -> None:
    rules = table("p, viewer, /a, GET, allow\n", MIXED)
    assert cut(rules, frozenset({"sub", "role"})) is None
    assert cut(rules, frozenset({"act"})) is not None
