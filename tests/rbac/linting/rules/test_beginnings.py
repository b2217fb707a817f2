"""Patterns that are told apart by how their values begin have no value in common."""

from random import Random

import pytest

from rbac.linting.rules.beginnings import Beginnings
from rbac.matching.automaton import Automaton, NotRegularError
from rbac.matching.languages import Budget, share_a_value

PIECES = (
    "/", "a", "b", ".", "*", "+", "?", r"\.", "(a|b)", "|", "{id}", ":id", "[ab]", "^", "$", "(", ")", "[|]", r"\|", "{2}",
)  # fmt: skip


@pytest.mark.parametrize(
    "function", ["keyMatch", "keyMatch2", "keyMatch3", "keyMatch4", "keyMatch5", "regexMatch"]
)
def test_what_is_not_near_shares_no_value(function: str) -> None:
    pick, apart = Random(4), 0
    begun = ("", "^", "/", "/a", "/a/b", "/b", "/ab")
    patterns = [pick.choice(begun) + "".join(pick.choices(PIECES, k=pick.randrange(5))) for _ in range(45)]
    # A repetition may take the character before it away.
    patterns += ["/ab*c", "/ab?c", "/ab{0,1}c", "/ac", "/a/b|/c", "/c", "/(a|b)/c"]
    beginnings = Beginnings(function)
    for pattern in patterns:
        beginnings.add(pattern)
    for one in patterns:
        near = list(beginnings.near(one, Budget()))
        assert near == [pattern for pattern in patterns if pattern in near], "in their order"
        for other in sorted(set(patterns) - set(near)):
            apart += 1
            assert not shared(function, one, other), (one, other)
    assert apart > 100


def shared(function: str, one: str, other: str) -> bool:
    """Whether an automaton finds a value that both meet; where it cannot read them, none is found."""
    try:
        for pattern in (one, other):
            Automaton().add(function, pattern)
    except NotRegularError:
        return False
    return share_a_value(function, one, other)
