"""A Casbin enforcer that looks the rules for a request up instead of scanning: the same answers at a flat cost."""

# mypy: disallow-untyped-calls=False
# Casbin, which these classes extend, has no annotations.

import logging
from collections.abc import Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any

import casbin
from casbin.core_enforcer import CoreEnforcer, EnforceContext
from casbin.rbac.default_role_manager.role_manager import (
    ConditionalDomainManager,
    ConditionalRoleManager,
    DomainManager,
    RoleManager,
)

from rbac.background import Pause
from rbac.document.role_links import shortest_chain
from rbac.engine.changes import ChangeCounter, by_steps
from rbac.engine.role_managers import (
    ConditionalDomainLinkGraph,
    ConditionalLinkGraph,
    DomainLinkGraph,
    LinkGraph,
)
from rbac.engine.state import NOTHING, Compiled, Parts, compiled
from rbac.engine.written import Answer, Answers, AskedWords, answering, seeking
from rbac.model.parser import alone

# Attributes of Casbin's enforcer that answers depend on.
_WATCHED = frozenset({"model", "fm", "eft", "enabled", "rm_map", "cond_rm_map"})
_GRAPHS: dict[type, type] = {
    RoleManager: LinkGraph,
    DomainManager: DomainLinkGraph,
    ConditionalRoleManager: ConditionalLinkGraph,
    ConditionalDomainManager: ConditionalDomainLinkGraph,
}


class Indexed(CoreEnforcer):
    """What an enforcer of Casbin's becomes one with an index by: a class that inherits from this one and then from it.

    The index gives a superset of the rules that can match, in policy order; the compiled matcher has the last word
    on each. What cannot be compiled (``eval()`` in a matcher, conditional links, a custom effector, request values that
    are no strings) is answered by Casbin itself. The index is built by the first request after a change, or by
    :meth:`compile`. Nothing is kept that depends on what callers ask.

    Any number of threads may ask while one changes the policy through the enforcer's methods. A row or a list of rows
    that is changed in place behind the enforcer's back is noticed only if the list's length changes.
    """

    model: Any
    fm: Any
    rm_map: dict[str, Any]
    cond_rm_map: dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.clock = ChangeCounter()
        self._compiled: Compiled = NOTHING
        self._contexts: dict[tuple[str, str, str], Compiled] = {}
        super().__init__(*args, **kwargs)

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name in _WATCHED:
            self.clock.tick()

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_compiled": NOTHING, "_contexts": {}}

    def init_rm_map(self) -> None:
        """Give each role definition a role manager that remembers no caller; Casbin calls this at every start."""
        before = {*self.rm_map, *self.cond_rm_map}
        super().init_rm_map()
        for managers, place in ((self.rm_map, "rm"), (self.cond_rm_map, "cond_rm")):
            for ptype, manager in tuple(managers.items()):
                graph = _GRAPHS.get(type(manager))
                if graph is not None and ptype not in before:
                    managers[ptype] = graph(self.clock, manager.max_hierarchy_level)
                    setattr(self.model["g"][ptype], place, managers[ptype])

    # Deciding ------------------------------------------------------------------------------------------------------

    def enforce(self, *rvals: Any) -> bool:
        """Whether the request is allowed: the same as Casbin's, found through the index."""
        compiled = self._compiled
        policy = compiled.assertion.policy
        if compiled.tick != self.clock.now or policy is not compiled.policy or len(policy) != compiled.count:
            compiled = self._refreshed()
        if len(rvals) == compiled.arity:
            answer = compiled.decide(rvals)
            if answer is not None:
                allowed = answer[0]
                if not self.logger.disabled:
                    self._log(rvals, allowed)
                return allowed
        return bool(self._otherwise(rvals)[0])

    def enforce_ex(self, *rvals: Any) -> tuple[bool, list[str]]:
        """Whether the request is allowed, and the rule that Casbin explains it with (``[]`` for none)."""
        compiled = self._current()
        if len(rvals) == compiled.arity:
            answer = compiled.decide(rvals)
            if answer is not None:
                self._log(rvals, answer[0])
                return answer[0], compiled.rows[answer[1]] if answer[1] >= 0 else []
        return self._otherwise(rvals)

    def locate(self, *rvals: Any) -> tuple[bool, int]:
        """Whether the request is allowed, and the place in ``model["p"]["p"].policy`` of the rule that
        :meth:`enforce_ex` explains it with; -1 for none."""
        compiled = self._current()
        if len(rvals) == compiled.arity:
            answer = compiled.decide(rvals)
            if answer is not None:
                return answer
        allowed, rule = self._otherwise(rvals)
        rows = self.model["p"][rvals[0].ptype if _has_context(rvals) else "p"].policy
        return bool(allowed), next((place for place, row in enumerate(rows) if row is rule), -1)

    def _otherwise(self, rvals: tuple[Any, ...]) -> tuple[bool, list[str]]:
        """Answer a request with a context of its own, or one that is left to Casbin."""
        if _has_context(rvals):
            compiled = self._of_context(rvals[0])
            if len(rvals) - 1 == compiled.arity:
                answer = compiled.decide(rvals[1:])
                if answer is not None:
                    self._log(rvals[1:], answer[0])
                    return answer[0], compiled.rows[answer[1]] if answer[1] >= 0 else []
        left: tuple[bool, list[str]] = super().enforce_ex(*rvals)
        return left

    @staticmethod
    def _get_expression(expr: str, functions: Any = None) -> Any:
        """The evaluator that Casbin makes for each request, and with ``eval()`` in a matcher for each rule."""
        return alone(lambda: CoreEnforcer._get_expression(expr, functions))  # noqa: SLF001 - Casbin's, unchanged

    def _log(self, rvals: tuple[Any, ...], allowed: bool) -> None:
        level = logging.INFO if allowed else logging.WARNING
        if self.logger.isEnabledFor(level):
            self.logger.log(level, "Request: %s ---> %s", ", ".join(map(str, rvals)), allowed)

    # What is known of the index ------------------------------------------------------------------------------------

    def compile(self, pause: Pause | None = None) -> None:
        """Build the index now. ``pause`` is called every few hundred rules, for a thread that shares its processor."""
        self._current(pause)

    @property
    def indexed(self) -> bool:
        """Whether rules are found through look-ups; if not, every request looks at every rule."""
        return self._current().indexed

    def answering(self, answers: Answers[Answer]) -> Callable[[AskedWords], Answer]:
        """A function of a request that gives the one of ``answers`` that :meth:`locate` finds, while nothing changes."""
        locate, basis = self.locate, self._current().basis

        def located(words: AskedWords) -> Answer:
            return answers.of(*locate(*words))

        return located if basis is None else answering(basis, answers, located)

    def candidates(self, *rvals: Any) -> int:
        """How many rules the index leaves to look at for a request; all of them if it is left to Casbin."""
        compiled = self._current()
        if _has_context(rvals):
            compiled, rvals = self._of_context(rvals[0]), rvals[1:]
        basis = compiled.basis
        found = None if basis is None or len(rvals) != compiled.arity else seeking(basis)(rvals)
        return compiled.count if found is None else len(set(found))

    def role_path(self, name: str, role: str, *domain: str) -> tuple[str, ...]:
        """The shortest chain of ``g`` links from ``name`` to ``role``, both included; ``()`` if there is none."""
        links = self.model["g"]["g"].rm if "g" in self.model.model.get("g", {}) else None
        if links is None:
            return (name,) if name == role else ()
        levels = getattr(links, "max_hierarchy_level", 10)
        return shortest_chain(lambda one: links.get_roles(one, *domain), name, role, levels)

    def _current(self, pause: Pause | None = None) -> Compiled:
        compiled = self._compiled
        return compiled if compiled.holds(self.clock.now) else self._refreshed(pause)

    def _refreshed(self, pause: Pause | None = None) -> Compiled:
        old = self._compiled
        if old is not NOTHING and self.clock.changing_elsewhere:
            return old
        with self.clock.lock:
            if not self._compiled.holds(self.clock.now):
                self._compiled = compiled(self._parts("r", "p", "m"), self._compiled, pause)
            return self._compiled

    def _of_context(self, context: EnforceContext) -> Compiled:
        names = (context.rtype, context.ptype, context.mtype)
        old = self._contexts.get(names, NOTHING)
        if old.holds(self.clock.now) or (old is not NOTHING and self.clock.changing_elsewhere):
            return old
        sections = self.model.model
        if not all(name in sections.get(section, {}) for section, name in zip("rpm", names, strict=True)):
            return NOTHING  # Casbin raises
        with self.clock.lock:
            new = self._contexts[names] = compiled(self._parts(*names), old, None)
            return new

    def _parts(self, rtype: str, ptype: str, mtype: str) -> Parts:
        return Parts(
            tick=self.clock.now,
            model=self.model,
            rtype=rtype,
            ptype=ptype,
            mtype=mtype,
            functions=self.fm.get_functions(),
            role_managers=len(self.rm_map),
            conditional=len(self.cond_rm_map) != 0,
            enabled=bool(self.enabled),
            effector=self.eft,
        )


def _has_context(rvals: tuple[Any, ...]) -> bool:
    return bool(rvals) and isinstance(rvals[0], EnforceContext)


# Casbin's own methods that change what it answers by.
_CHANGING = (
    "add_function",
    "add_named_grouping_policies",
    "add_named_grouping_policies_ex",
    "add_named_grouping_policy",
    "build_role_links",
    "clear_policy",
    "load_filtered_policy",
    "load_increment_filtered_policy",
    "load_model",
    "load_policy",
    "remove_filtered_named_grouping_policy",
    "remove_named_grouping_policies",
    "remove_named_grouping_policy",
    "_add_policies",
    "_add_policies_ex",
    "_add_policy",
    "_remove_filtered_policy",
    "_remove_filtered_policy_returns_effects",
    "_remove_policies",
    "_remove_policy",
    "_update_filtered_policies",
    "_update_policies",
    "_update_policy",
)


def spans_changes(kind: type) -> type:
    """Make each method of Casbin's that changes something one change, a coroutine's steps one each."""
    for name in _CHANGING:
        method = getattr(kind, name, None)
        if method is not None:
            setattr(kind, name, (_stepwise if iscoroutinefunction(method) else _one_change)(method))
    return kind


def _one_change(method: Callable[..., Any]) -> Callable[..., Any]:
    """Casbin's own method; while it runs, other threads are answered from what held before."""

    @wraps(method)
    def changing(self: Indexed, *args: Any, **kwargs: Any) -> Any:
        with self.clock.change():
            return method(self, *args, **kwargs)

    return changing


def _stepwise(method: Callable[..., Any]) -> Callable[..., Any]:
    """Casbin's own coroutine; what it did before it waits shows while it waits, and nothing in the middle of a step."""

    @wraps(method)
    async def changing(self: Indexed, *args: Any, **kwargs: Any) -> Any:
        return await by_steps(self.clock, method(self, *args, **kwargs))

    return changing


@spans_changes
class IndexedEnforcer(Indexed, casbin.Enforcer):
    """``casbin.Enforcer`` with an index: same constructor, same methods, same answers, errors and explanations."""
