"""Role links as Casbin follows them: role managers that remember no caller, and the roles within reach of a name."""

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from casbin.rbac.default_role_manager.role_manager import (
    ConditionalDomainManager,
    ConditionalRoleManager,
    DomainManager,
    Role,
    RoleManager,
)

Keys = tuple[str, ...]
Reached = tuple[Keys, frozenset[str]]

NOBODY: frozenset[str] = frozenset()
MAX_PATTERN_DOMAINS = 256  # domains that only a matching function knows; a caller may name any number of them


class Clock:
    """Counts the changes of one enforcer, so that a reader can tell with one comparison that nothing changed.

    A change that is under way on another thread does not show before it is complete.
    """

    def __init__(self) -> None:
        self._count = itertools.count(1)
        self.now = 0
        self.lock = threading.RLock()
        self._changing: dict[int, int] = {}

    def tick(self) -> None:
        """Say that something the answers depend on is different now."""
        self.now = next(self._count)  # never the same twice, whichever thread comes first

    @contextmanager
    def change(self) -> Iterator[None]:
        """Span a change of several steps, and tick when it is over, however it ends."""
        thread = threading.get_ident()
        self._changing[thread] = self._changing.get(thread, 0) + 1
        try:
            yield
        finally:
            self._changing[thread] -= 1
            if not self._changing[thread]:
                del self._changing[thread]
            self.tick()

    @property
    def changing_elsewhere(self) -> bool:
        """Whether another thread is in the middle of a change."""
        busy = self._changing
        return bool(busy) and threading.get_ident() not in busy

    def __deepcopy__(self, memo: dict[int, Any]) -> "Clock":
        # Casbin copies the model, and with it the role managers, before it reloads: all copies are of one enforcer.
        return self

    def __reduce__(self) -> tuple[type["Clock"], tuple[()]]:
        return Clock, ()


class LinkGraph(RoleManager):
    """Casbin's role manager, but a question about a name leaves nothing behind, and every change ticks the clock."""

    def __init__(self, clock: Clock, max_hierarchy_level: int = 10) -> None:
        super().__init__(max_hierarchy_level)
        self.clock = clock
        self.changes = 0

    def _changed(self) -> None:
        self.changes += 1
        self.clock.tick()

    def add_link(self, name1: str, name2: str, *domain: str) -> None:
        super().add_link(name1, name2, *domain)
        self._changed()

    def delete_link(self, name1: str, name2: str, *domain: str) -> None:
        try:
            super().delete_link(name1, name2, *domain)
        finally:
            self._changed()

    def clear(self) -> None:
        super().clear()
        self._changed()

    def add_matching_func(self, fn: Callable[[str, str], bool]) -> None:
        super().add_matching_func(fn)
        self._changed()

    def has_link(self, name1: str, name2: str, *domain: str) -> bool:
        if self.matching_func is None and not (name1 in self.all_roles and name2 in self.all_roles):
            return bool(name1 == name2 and self.max_hierarchy_level > 0)
        with visiting(self, name1, name2):
            return bool(super().has_link(name1, name2, *domain))

    def get_roles(self, name: str, *domain: str) -> list[str]:
        with visiting(self, name):
            return list(super().get_roles(name, *domain))

    def get_users(self, name: str, *domain: str) -> list[str]:
        with visiting(self, name):
            return list(super().get_users(name, *domain))


class ConditionalLinkGraph(ConditionalRoleManager):
    """Casbin's conditional role manager without a memory for the names it is asked about."""

    def __init__(self, clock: Clock, max_hierarchy_level: int = 10) -> None:
        super().__init__(max_hierarchy_level)
        self.clock = clock

    def has_link(self, name1: str, name2: str, *domains: str) -> bool:
        with visiting(self, name1, name2):
            return bool(super().has_link(name1, name2, *domains))


class DomainLinkGraph(DomainManager):
    """Casbin's domain manager: one graph a domain that has links, none for a domain that somebody merely named."""

    def __init__(self, clock: Clock, max_hierarchy_level: int = 10) -> None:
        super().__init__(max_hierarchy_level)
        self.clock = clock
        self.changes = 0
        self._same_name = self.matching_func
        self._visited: list[str] = []

    def _changed(self) -> None:
        self.changes += 1
        self.clock.tick()

    @property
    def compares_names_only(self) -> bool:
        """Whether names and domains match by equality alone, as they do unless a matching function was added."""
        return self.matching_func is self._same_name and self.domain_matching_func is None

    def __deepcopy__(self, memo: dict[int, Any]) -> "DomainLinkGraph":
        twin = DomainLinkGraph(self.clock, self.max_hierarchy_level)
        twin.all_links = {domain: list(links) for domain, links in self.all_links.items()}
        if not self.compares_names_only:
            twin.matching_func = self.matching_func
            twin.domain_matching_func = self.domain_matching_func
        return twin

    def add_link(self, name1: str, name2: str, *domain: str) -> None:
        super().add_link(name1, name2, *domain)
        self._changed()

    def delete_link(self, name1: str, name2: str, *domain: str) -> None:
        try:
            super().delete_link(name1, name2, *domain)
        finally:
            self._changed()

    def clear(self) -> None:
        super().clear()
        self._visited = []
        self._changed()

    def add_matching_func(self, fn: Callable[[str, str], bool]) -> None:
        super().add_matching_func(fn)
        self._changed()

    def add_domain_matching_func(self, fn: Callable[[str, str], bool]) -> None:
        super().add_domain_matching_func(fn)
        self._visited = []
        self._changed()

    def links_of(self, domain: str) -> RoleManager:
        """The links in force in ``domain``, as a role manager of its own."""
        return self._get_role_manager(domain)

    def _get_role_manager(self, *domain: str) -> RoleManager:
        name = self._get_domain(*domain)
        manager = self.rm_map.get(name)
        if manager is not None:
            return manager
        with self.clock.lock:
            manager = self._build(name)
            if name in self.all_links:
                self.rm_map[name] = manager
            elif self.domain_matching_func is not None:
                self._remember_visit(name, manager)
        return manager

    def _build(self, name: str) -> RoleManager:
        if self.compares_names_only:
            # Casbin compares every new name with every old one; with equality that never finds anything.
            manager = _Names(self.max_hierarchy_level)
            for link in self.all_links.get(name, ()):
                manager.add_link(link[0], link[1])
            return manager
        links = list(self.all_links.get(name, ()))
        if self.domain_matching_func is not None:
            for other, theirs in self.all_links.items():
                if other != name and _matches(self.domain_matching_func, name, other):
                    links = links + theirs
        manager = _Names(self.max_hierarchy_level)
        manager.add_matching_func(self.matching_func)
        for link in links:
            manager.add_link(link[0], link[1])
        return manager

    def _remember_visit(self, name: str, manager: RoleManager) -> None:
        self.rm_map[name] = manager
        self._visited.append(name)
        if len(self._visited) > MAX_PATTERN_DOMAINS:
            self.rm_map.pop(self._visited.pop(0), None)


class ConditionalDomainLinkGraph(ConditionalDomainManager):
    """Casbin's conditional domain manager; its questions build a graph that is thrown away, except in known domains."""

    def has_link(self, name1: str, name2: str, *domain: str) -> bool:
        manager = self._get_conditional_role_manager(self._get_domain(*domain))
        with visiting(manager, name1, name2):
            return bool(manager.has_link(name1, name2, self._get_domain(*domain)))


class _Names(RoleManager):
    """The links of one domain. Forgets a name that has none as soon as the question about it is answered."""

    def has_link(self, name1: str, name2: str, *domain: str) -> bool:
        with visiting(self, name1, name2):
            return bool(super().has_link(name1, name2, *domain))

    def get_roles(self, name: str, *domain: str) -> list[str]:
        with visiting(self, name):
            return list(super().get_roles(name, *domain))

    def get_users(self, name: str, *domain: str) -> list[str]:
        with visiting(self, name):
            return list(super().get_users(name, *domain))


_visits = threading.RLock()


@contextmanager
def visiting(manager: RoleManager, *names: str) -> Iterator[None]:
    """Let ``manager`` be asked about ``names``, and take out again those it did not know before."""
    strangers = [name for name in names if name not in manager.all_roles]
    if not strangers:
        yield
        return
    with _visits:
        try:
            yield
        finally:
            for name in strangers:
                role = manager.all_roles.pop(name, None)
                if role is not None:
                    _unlink(role)


def _unlink(role: Role) -> None:
    for other in role.roles:
        other.users.discard(role)
    for other in role.users:
        other.roles.discard(role)


def _matches(fn: Callable[[str, str], bool], name: str, pattern: str) -> bool:
    try:
        return bool(fn(name, pattern))
    except Exception:  # noqa: BLE001 - Casbin takes a matching function that raises for one that says no
        return False


class Reach:
    """The names that role links lead to from a name, at most ``levels`` - 1 links away, as Casbin follows them.

    Immutable as seen from outside; remembers what it worked out for the names that have links, and for no other.
    """

    __slots__ = ("_known", "_links", "_span")

    def __init__(self, manager: RoleManager) -> None:
        self._span = manager.max_hierarchy_level - 1
        self._links: dict[str, Keys] = {
            name: tuple(other.name for other in tuple(role.roles))
            for name, role in tuple(manager.all_roles.items())
            if role.roles
        }
        self._known: dict[str, Reached] = {}

    def of(self, name: str) -> Reached:
        """The name itself and all it leads to, and the set of what it leads to."""
        known = self._known.get(name)
        if known is not None:
            return known
        if name not in self._links:
            return (name,), NOBODY
        reached = self._walk(name)
        self._known[name] = found = (tuple(reached), frozenset(reached))
        return found

    def _walk(self, name: str) -> dict[str, None]:
        seen: dict[str, None] = {name: None}
        edge: Iterable[str] = (name,)
        for _ in range(self._span):
            step = {role: None for one in edge for role in self._links.get(one, ()) if role not in seen}
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
