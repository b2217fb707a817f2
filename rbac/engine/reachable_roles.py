"""The roles within reach of a name: what role links lead to, worked out once and asked without Casbin."""

from typing import Final

from casbin.rbac.default_role_manager.role_manager import RoleManager

from rbac.document.role_links import walk
from rbac.engine.role_managers import DomainLinkGraph

RoleNames = tuple[str, ...]
Reached = tuple[RoleNames, frozenset[str]]

NO_ROLES: Final[frozenset[str]] = frozenset()


class ReachableRoles:
    """The names that role links lead to from a name, at most ``levels`` - 1 links away, as Casbin follows them.

    Immutable as seen from outside; remembers what it worked out for the names that have links, and for no other.
    """

    __slots__ = ("_span", "known", "links")

    def __init__(self, manager: RoleManager) -> None:
        self._span = manager.max_hierarchy_level - 1
        self.links: dict[str, RoleNames] = {
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
            return (name,), NO_ROLES
        reached = walk(lambda one: self.links.get(one, ()), [name], self._span)
        self.known[name] = found = (tuple(reached), frozenset(reached))
        return found


class ReachableInDomains:
    """:class:`ReachableRoles`, domain by domain; a domain is worked out when it is first asked about, if it has links."""

    __slots__ = ("_domains", "_manager")

    def __init__(self, manager: DomainLinkGraph) -> None:
        self._manager = manager
        self._domains: dict[str, ReachableRoles] = {}

    def of(self, name: str, domain: str) -> Reached:
        """The name itself and all it leads to in ``domain``, and the set of what it leads to."""
        reach = self._domains.get(domain)
        if reach is None:
            if domain not in self._manager.all_links:
                return (name,), NO_ROLES
            reach = self._domains[domain] = ReachableRoles(self._manager.links_of(domain))
        return reach.of(name)
