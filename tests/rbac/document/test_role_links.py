"""Role links: a cycle is found, and a chain is too long exactly where stock Casbin stops following it."""

from itertools import pairwise

import pytest
from casbin.rbac.default_role_manager.role_manager import RoleManager
from hypothesis import given, settings
from hypothesis import strategies as st

from rbac.document.role_links import find_faults, link_graphs, shortest_chain, turned, walk


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


def bundle(*starts: str, ends: tuple[str, ...] = ("e",)) -> list[tuple[str, str]]:
    """Names that all lead to ``m0``, and from there through nine names; from the last of them to each of the ends."""
    middle = [(f"m{i}", f"m{i + 1}") for i in range(8)]
    return [*((start, "m0") for start in starts), *middle, *(("m8", end) for end in ends)]


def test_a_chain_is_told_from_its_farthest_beginning_whatever_names_are_called() -> None:
    links = [(f"r{99 - i}", f"r{98 - i}") for i in range(11)]
    assert faults(links) == ([], [tuple(f"r{99 - i}" for i in range(11))])


def test_each_bundle_of_chains_is_told_once() -> None:
    other = [(f"s{i}", f"s{i + 1}") for i in range(10)]
    assert [names[0] for names in faults([*chain_of(11), *other])[1]] == ["r0", "s0"]
    assert len(faults(bundle("a", "b"))[1]) == 1


def test_a_chain_that_ends_elsewhere_is_another_though_it_begins_like_one_that_was_told() -> None:
    """`b` has a short way to where `a`'s chain ends, and its own end is reached by the way that both take."""
    side = [("m0", "q1"), *((f"q{i}", f"q{i + 1}") for i in range(1, 9))]
    told = faults([*bundle("a", "b"), *side, ("b", "e")])[1]
    assert [(names[0], names[-1]) for names in told] == [("a", "e"), ("b", "q9")]


def test_a_chain_that_comes_another_way_to_an_end_that_was_told_is_no_other() -> None:
    way = [("c", "n0"), *((f"n{i}", f"n{i + 1}") for i in range(8)), ("n8", "e")]
    assert len(faults([*bundle("a"), *way])[1]) == 1


def test_a_chain_is_told_at_its_last_link() -> None:
    _, (chain,) = find_faults(chain_of(10), range(100, 110), domains=False)
    assert (chain.names[-2:], chain.line) == (("r9", "r10"), 109)


def test_a_cycle_is_told_at_its_last_link() -> None:
    cycles, _ = find_faults([("a", "b"), ("c", "a"), ("b", "c")], [3, 5, 9], domains=False)
    assert [(cycle.names, cycle.line) for cycle in cycles] == [(("c", "a", "b", "c"), 9)]


def test_cycles_of_names_that_nothing_joins_are_all_told() -> None:
    cycles, _ = faults([("a", "b"), ("b", "a"), ("c", "d"), ("d", "c")])
    assert cycles == [("a", "b", "a"), ("c", "d", "c")]


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


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(NAMES, NAMES), max_size=30), st.integers(1, 11))
def test_a_walk_leads_as_far_as_stock_casbin_does_and_by_a_shortest_chain(
    pairs: list[tuple[int, int]], levels: int
) -> None:
    names = [f"r{number}" for number in range(16)]
    links = [(f"r{a}", f"r{b}") for a, b in {*pairs, *((i, i + 1) for i in range(0, 12, 2))}]
    graph = link_graphs([(link, 1) for link in links], domains=False)[""]
    holders = turned(graph)
    managers = {far: RoleManager(far) for far in range(1, levels + 1)}
    for manager in managers.values():
        for a, b in links:
            manager.add_link(a, b)
    for a in names:
        up = walk(lambda one: graph.get(one, ()), [a], levels - 1)
        down = walk(lambda one: holders.get(one, ()), [a], levels - 1)
        for b in names:
            assert (b in up) == managers[levels].has_link(a, b)
            assert (b in down) == managers[levels].has_link(b, a)
            chain = shortest_chain(lambda one: graph.get(one, ()), a, b, levels)
            assert bool(chain) == (b in up)
            assert all(link in links for link in pairwise(chain))
            assert len(chain) == next((far for far in managers if managers[far].has_link(a, b)), 0)


def test_every_cycle_that_is_told_is_one() -> None:
    links = [("a", "b"), ("b", "a"), ("b", "c"), ("c", "b"), ("x", "x"), ("y", "a")]
    cycles, _ = faults(links)
    assert cycles
    for cycle in cycles:
        assert cycle[0] == cycle[-1]
        assert all(link in links for link in pairwise(cycle))


WAYS = {"a": ["c", "b"], "b": ["d"], "c": ["d"], "d": ["e", "a"], "e": []}


@pytest.mark.parametrize(
    ("names", "links", "goal", "came"),
    [
        (["a"], None, None, {"a": None, "c": "a", "b": "a", "d": "c", "e": "d"}),
        (["a"], 0, None, {"a": None}),
        (["a"], 1, None, {"a": None, "c": "a", "b": "a"}),
        (["a"], 2, None, {"a": None, "c": "a", "b": "a", "d": "c"}),
        (["a"], None, "b", {"a": None, "c": "a", "b": "a"}),  # no further than to the goal
        (["a"], None, "a", {"a": None}),
        (["b", "c"], 1, None, {"b": None, "c": None, "d": "b"}),
        (["nobody"], None, None, {"nobody": None}),
        ([], None, None, {}),
    ],
)
def test_a_walk_goes_no_further_than_it_is_told(
    names: list[str], links: int | None, goal: str | None, came: dict[str, str | None]
) -> None:
    walked = walk(lambda one: WAYS.get(one, []), names, links, goal)
    assert list(walked.items()) == list(came.items())


@pytest.mark.parametrize(
    ("name", "role", "levels", "chain"),
    [
        ("a", "d", 3, ("a", "b", "d")),  # by the names' order, whatever the links' is
        ("a", "d", 2, ()),
        ("a", "e", 4, ("a", "b", "d", "e")),
        ("a", "e", 3, ()),
        ("a", "a", 1, ("a",)),
        ("e", "a", 9, ()),
        ("d", "d", 9, ("d",)),
        ("a", "nobody", 9, ()),
    ],
)
def test_the_shortest_chain_of_fewer_links_than_there_are_levels(
    name: str, role: str, levels: int, chain: tuple[str, ...]
) -> None:
    assert shortest_chain(lambda one: WAYS.get(one, []), name, role, levels) == chain


def test_links_turned_round_name_whoever_holds_a_role_directly() -> None:
    assert turned({"a": ["r", "s"], "b": ["r"], "r": []}) == {"r": ["a", "b"], "s": ["a"]}


def test_a_link_of_a_name_to_itself_is_no_cycle_and_makes_no_chain_longer() -> None:
    assert faults([("a", "a")]) == ([], [])
    assert faults([*chain_of(9), ("r3", "r3"), ("r9", "r9")]) == ([], [])
    assert faults([("a", "b"), ("b", "b"), ("b", "a")])[0] == [("a", "b", "a")]


def test_a_cycle_is_told_once_for_the_link_that_closes_it_however_many_ways_lead_there() -> None:
    assert faults([("p", "d"), ("d", "p"), ("p", "x"), ("x", "d")])[0] == [("p", "d", "p")]
