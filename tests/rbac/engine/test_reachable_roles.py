"""What links lead to is what Casbin follows them to: worked out once a name, and kept of nobody who has none."""

import random
from itertools import product

import pytest
from casbin.rbac.default_role_manager.role_manager import RoleManager

from rbac.engine.changes import ChangeCounter
from rbac.engine.reachable_roles import NO_ROLES, ReachableInDomains, ReachableRoles
from rbac.engine.role_managers import DomainLinkGraph

NAMES = "abcdefg"


def linked(levels: int, links: list[tuple[str, str]]) -> RoleManager:
    manager = RoleManager(levels)
    for name, role in links:
        manager.add_link(name, role)
    return manager


@pytest.mark.parametrize("levels", [1, 2, 3, 4, 10])
def test_casbin_finds_the_same_names_within_reach(levels: int) -> None:
    for seed in range(20):
        chance = random.Random(seed)
        links = [(chance.choice(NAMES), chance.choice(NAMES)) for _ in range(chance.randint(1, 9))]
        manager = linked(levels, links)
        reach = ReachableRoles(manager)
        for name, role in product(NAMES, NAMES):
            names, roles = reach.of(name)
            assert (role in names) == manager.has_link(name, role), (links, name, role)
            assert (role in roles or role == name) == (role in names)
            assert len(set(names)) == len(names)


def test_a_names_roles_are_worked_out_once() -> None:
    reach = ReachableRoles(linked(10, [("a", "b"), ("b", "c")]))
    assert reach.of("a") is reach.of("a")
    assert reach.of("a")[0] == ("a", "b", "c")


@pytest.mark.parametrize("name", ["b", "nobody"])
def test_a_name_that_leads_nowhere_is_alone_and_not_kept(name: str) -> None:
    reach = ReachableRoles(linked(10, [("a", "b")]))
    assert reach.of(name) == ((name,), NO_ROLES)
    assert not reach.known


def test_a_domains_links_are_read_once_and_those_of_no_domain_never() -> None:
    class Counting(DomainLinkGraph):
        def links_of(self, domain: str) -> RoleManager:
            read.append(domain)
            return super().links_of(domain)

    read: list[str] = []
    manager = Counting(ChangeCounter())
    manager.add_link("a", "b", "d1")
    manager.add_link("a", "c", "d2")
    reach = ReachableInDomains(manager)
    for _ in range(2):
        assert reach.of("a", "d1")[0] == ("a", "b")
        assert reach.of("a", "d2")[0] == ("a", "c")
        assert reach.of("a", "nowhere") == (("a",), NO_ROLES)
    assert read == ["d1", "d2"]
