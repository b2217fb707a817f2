"""Casbin's role managers, without a memory for the names they are asked about.

Casbin adds every name it is asked about to its graph, and links it where names are patterns. A question therefore
changes the graph for as long as it takes, and questions and edits of one manager take turns.
"""

# mypy: disallow-untyped-calls=False
# Casbin, which these classes extend, has no annotations.

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from casbin.rbac.default_role_manager.role_manager import (
    ConditionalDomainManager,
    ConditionalRoleManager,
    DomainManager,
    Role,
    RoleManager,
)

from rbac.background import breathe, paced
from rbac.engine.changes import ChangeCounter, ChangeLock

MAX_PATTERN_DOMAINS = 256  # domains that only a matching function knows; a caller may name any number of them


class _Unlinking:
    """Lets go of its links when it goes itself: those of Casbin's hold each other, and a reload is to leave no circle
    behind."""

    all_roles: dict[str, Any]

    def __del__(self) -> None:
        for role in paced(getattr(self, "all_roles", {}).values()):
            role.roles.clear()
            role.users.clear()


class LinkGraph(_Unlinking, RoleManager):
    """Casbin's role manager, but a question about a name leaves nothing behind, and every change ticks the clock."""

    def __init__(self, clock: ChangeCounter, max_hierarchy_level: int = 10) -> None:
        super().__init__(max_hierarchy_level)
        self.clock = clock
        self.changes = 0
        self._turn = ChangeLock()

    def _changed(self) -> None:
        self.changes += 1
        self.clock.tick()

    def add_link(self, name1: str, name2: str, *domain: str) -> None:
        with self._turn:
            super().add_link(name1, name2, *domain)
            self._changed()
        breathe()

    def delete_link(self, name1: str, name2: str, *domain: str) -> None:
        with self._turn:
            try:
                super().delete_link(name1, name2, *domain)
            finally:
                self._changed()

    def clear(self) -> None:
        with self._turn:
            super().clear()
            self._changed()

    def add_matching_func(self, fn: Callable[[str, str], bool]) -> None:
        with self._turn:
            super().add_matching_func(fn)
            self._changed()

    def has_link(self, name1: str, name2: str, *domain: str) -> bool:
        if self.matching_func is None and not self.all_roles.keys() >= {name1, name2}:
            return bool(name1 == name2 and self.max_hierarchy_level > 0)
        with self._turn, visiting(self, name1, name2):
            return bool(super().has_link(name1, name2, *domain))

    def get_roles(self, name: str, *domain: str) -> list[str]:
        with self._turn, visiting(self, name):
            return list(super().get_roles(name, *domain))

    def get_users(self, name: str, *domain: str) -> list[str]:
        with self._turn, visiting(self, name):
            return list(super().get_users(name, *domain))


class ConditionalLinkGraph(_Unlinking, ConditionalRoleManager):
    """Casbin's conditional role manager without a memory for the names it is asked about."""

    def __init__(self, clock: ChangeCounter, max_hierarchy_level: int = 10) -> None:
        super().__init__(max_hierarchy_level)
        self.clock = clock
        self._turn = ChangeLock()

    def has_link(self, name1: str, name2: str, *domains: str) -> bool:
        with self._turn, visiting(self, name1, name2):
            return bool(super().has_link(name1, name2, *domains))


class DomainLinkGraph(DomainManager):
    """Casbin's domain manager: one graph a domain that has links, none for a domain that somebody merely named."""

    def __init__(self, clock: ChangeCounter, max_hierarchy_level: int = 10) -> None:
        super().__init__(max_hierarchy_level)
        self.clock = clock
        self.changes = 0
        self._same_name = self.matching_func
        self._visited: list[str] = []
        self._turn = ChangeLock()

    def _changed(self) -> None:
        self.changes += 1
        self.clock.tick()

    def _forget_built(self) -> None:
        """Where domains are patterns, has every graph built again when it is asked about: Casbin's own changes those that
        are built, but not that of a domain whose name the matching function does not take for itself (`a+b`)."""
        if self.domain_matching_func is not None:
            self._rebuild()
            self._visited = []

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
        with self._turn:
            self._forget_built()
            super().add_link(name1, name2, *domain)
            self._changed()
        breathe()

    def delete_link(self, name1: str, name2: str, *domain: str) -> None:
        with self._turn:
            try:
                self._forget_built()
                super().delete_link(name1, name2, *domain)
            finally:
                self._changed()

    def clear(self) -> None:
        with self._turn:
            super().clear()
            self._visited = []
            self._changed()

    def add_matching_func(self, fn: Callable[[str, str], bool]) -> None:
        with self._turn:
            super().add_matching_func(fn)
            self._changed()

    def add_domain_matching_func(self, fn: Callable[[str, str], bool] | None = None) -> None:
        with self._turn:
            super().add_domain_matching_func(fn)
            self._visited = []
            self._changed()

    def has_link(self, name1: str, name2: str, *domain: str) -> bool:
        with self._turn:
            return bool(super().has_link(name1, name2, *domain))

    def get_roles(self, name: str, *domain: str) -> list[str]:
        with self._turn:
            return list(super().get_roles(name, *domain))

    def get_users(self, name: str, *domain: str) -> list[str]:
        with self._turn:
            return list(super().get_users(name, *domain))

    def links_of(self, domain: str) -> RoleManager:
        """The links in force in ``domain``, as a role manager of its own."""
        return self._get_role_manager(domain)

    def _get_role_manager(self, *domain: str) -> RoleManager:
        name = self._get_domain(*domain)
        manager = self.rm_map.get(name)
        if manager is not None:
            return manager
        with self._turn:
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

    def __init__(self, clock: ChangeCounter, max_hierarchy_level: int = 10) -> None:
        super().__init__(max_hierarchy_level)
        self.clock = clock
        self._turn = ChangeLock()

    def has_link(self, name1: str, name2: str, *domain: str) -> bool:
        with self._turn:
            return self._has(name1, name2, *domain)

    def _has(self, name1: str, name2: str, *domain: str) -> bool:
        manager = self._get_conditional_role_manager(self._get_domain(*domain))
        with visiting(manager, name1, name2):
            return bool(manager.has_link(name1, name2, self._get_domain(*domain)))


class _Names(_Unlinking, RoleManager):
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


def _in_turn(method: Callable[..., Any]) -> Callable[..., Any]:
    """Casbin's own method, in a turn of the manager's."""

    @wraps(method)
    def taking_turns(
        self: "ConditionalLinkGraph | ConditionalDomainLinkGraph", *args: Any, **kwargs: Any
    ) -> Any:
        with self._turn:
            return method(self, *args, **kwargs)

    return taking_turns


for _graph in (ConditionalLinkGraph, ConditionalDomainLinkGraph):
    for _name in (
        "add_link",
        "delete_link",
        "clear",
        "add_matching_func",
        "add_domain_matching_func",
        "get_roles",
        "get_users",
        "add_link_condition_func",
        "add_domain_link_condition_func",
        "set_link_condition_func_params",
        "set_domain_link_condition_func_params",
    ):
        setattr(_graph, _name, _in_turn(getattr(_graph, _name)))


@contextmanager
def visiting(manager: RoleManager, *names: str) -> Iterator[None]:
    """Let ``manager`` be asked about ``names``, and take out again those it did not know before. For a thread whose turn
    it is."""
    strangers = [name for name in names if name not in manager.all_roles]
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
