"""Role links: a cycle is found, and a chain is too long exactly where stock Casbin stops following it."""

from itertools import pairwise

from casbin.rbac.default_role_manager.role_manager import RoleManager
from hypothesis import given, settings
from hypothesis import strategies as st

from rbac.links import find_faults


def faults(links: list[tuple[str, str]]) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    cycles, chains = find_faults(links, range(1, len(links) + 1), domains=False)
    return [cycle.names for cycle in cycles], [chain.names for chain in chains]


def chain_of(links: int) -> list[tuple[str, str]]:
    return [(f"r{i}", f"r{i + 1}") for i in range(links)]


def test_nine_links_in_a_row_are_fine_and_ten_are_too_many() -> None:
    assert faults(chain_of(9)) == ([], [])
    assert faults(chain_of(10)) == ([], [tuple(f"r{i}" for i in range(11))])


def test_a_shorter_way_to_the_same_role_makes_a_long_chain_harmless() -> None:
    assert faults([*chain_of(10), ("r0", "r9")]) == ([], [])


def test_a_cycle_is_told_at_its_last_link() -> None:
    cycles, _ = find_faults([("a", "b"), ("c", "a"), ("b", "c")], [3, 5, 9], domains=False)
    assert [(cycle.names, cycle.line) for cycle in cycles] == [(("c", "a", "b", "c"), 9)]


def test_links_in_different_domains_make_no_cycle() -> None:
    assert find_faults([("a", "b", "x"), ("b", "a", "y")], [1, 2], domains=True) == ([], [])
    assert find_faults([("a", "b", "x"), ("b", "a", "x")], [1, 2], domains=True)[0]


def test_a_hundred_thousand_people_below_one_long_chain_are_one_problem() -> None:
    links = [*chain_of(10), *((f"u{i}", "r0") for i in range(100_000))]
    assert len(faults(links)[1]) == 1


NAMES = st.integers(0, 14)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(NAMES, NAMES), max_size=30))
def test_without_a_fault_stock_casbin_follows_every_link_to_its_end(pairs: list[tuple[int, int]]) -> None:
    links = [(f"r{a}", f"r{b}") for a, b in {*pairs, *((i, i + 1) for i in range(0, 12, 2))}]
    cycles, chains = faults(links)
    reach = {name: {name} for link in links for name in link}
    for _ in reach:
        for a, b in links:
            reach[a] |= reach[b]
    has_cycle = any(a in reach[b] for a, b in links if a != b)
    assert bool(cycles) == has_cycle
    if cycles:
        return
    manager = RoleManager(10)
    for a, b in links:
        manager.add_link(a, b)
    whole = all(manager.has_link(a, b) for a, found in reach.items() for b in found)
    assert whole == (not chains)


def test_every_cycle_that_is_told_is_one() -> None:
    links = [("a", "b"), ("b", "a"), ("b", "c"), ("c", "b"), ("x", "x"), ("y", "a")]
    cycles, _ = faults(links)
    assert cycles
    for cycle in cycles:
        assert cycle[0] == cycle[-1]
        assert all(link in links for link in pairwise(cycle))
