"""The roles within reach of a name: what role links lead to, worked out once and asked without Casbin."""

from collections.abc import Callable, Iterable
from typing import Final

from casbin.rbac.default_role_manager.role_manager import RoleManager

from rbac.rolegraph import DomainLinkGraph

Keys = tuple[str, ...]
Reached = tuple[Keys, frozenset[str]]

NOBODY: Final[frozenset[str]] = frozenset()


class Reach:
    """The names that role links lead to from a name, at most ``levels`` - 1 links away, as Casbin follows them.

    Immutable as seen from outside; remembers what it worked out for the names that have links, and for no other.
    """

    __slots__ = ("_span", "known", "links")

    def __init__(self, manager: RoleManager) -> None:
        self._span = manager.max_hierarchy_level - 1
        self.links: dict[str, Keys] = {
            name: tuple(other.name for other in tuple(role.roles))
            for name, role in tuple(manager.all_roles.items())
            if role.roles
        }
        self.known: dict[str, Reached] = {}

    def of(self, name: str) -> Reached:
        """The name itself and all it leads to, and the set of what it leads to."""
        known = self.known.get(name)
        if known is not None:
            return known
        if name not in self.links:
            return (name,), NOBODY
        reached = self._walk(name)
        self.known[name] = found = (tuple(reached), frozenset(reached))
        return found

    def _walk(self, name: str) -> dict[str, None]:
        seen: dict[str, None] = {name: None}
        edge: Iterable[str] = (name,)
        for _ in range(self._span):
            step = {role: None for one in edge for role in self.links.get(one, ()) if role not in seen}
            if not step:
                break
            seen.update(step)
            edge = step
        return seen


class DomainReach:
    """:class:`Reach`, domain by domain; a domain is worked out when it is first asked about, if it has links."""

    __slots__ = ("_domains", "_manager")

    def __init__(self, manager: DomainLinkGraph) -> None:
        self._manager = manager
        self._domains: dict[str, Reach] = {}

    def of(self, name: str, domain: str) -> Reached:
        """The name itself and all it leads to in ``domain``, and the set of what it leads to."""
        reach = self._domains.get(domain)
        if reach is None:
            if domain not in self._manager.all_links:
                return (name,), NOBODY
            reach = self._domains[domain] = Reach(self._manager.links_of(domain))
        return reach.of(name)


def shortest_chain(roles_of: Callable[[str], Iterable[str]], name: str, role: str, levels: int) -> Keys:
    """The shortest chain of links from ``name`` to ``role``, both included; ``()`` if none of fewer than ``levels`` is.

    Among chains of one length, the first in the order of the names.
    """
    came_from: dict[str, str | None] = {name: None}
    edge = [name]
    for _ in range(levels):
        if role in came_from:
            return _chain_to(role, came_from)
        step = []
        for one in edge:
            for other in sorted(roles_of(one)):
                if other not in came_from:
                    came_from[other] = one
                    step.append(other)
        edge = step
    return ()


def _chain_to(role: str, came_from: dict[str, str | None]) -> Keys:
    chain = []
    at: str | None = role
    while at is not None:
        chain.append(at)
        at = came_from[at]
    return tuple(reversed(chain))
