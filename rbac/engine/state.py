"""One immutable answer machine for one state of a Casbin model: what the enforcer publishes with one assignment."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from operator import is_
from typing import Any, Final

import simpleeval
from casbin.effect import default_effectors
from casbin.model.assertion import Assertion
from casbin.model.model import Model
from casbin.rbac.default_role_manager.role_manager import DomainManager, RoleManager
from casbin.util import generate_g_function, has_eval

from rbac.background import Pause, paced
from rbac.engine.index import Rows, RuleIndex
from rbac.engine.lookups import read_matcher
from rbac.engine.matcher import OWN_FUNCTIONS, Functions, LinkKind, Matcher, NotCompiledError, Recipe
from rbac.engine.reachable_roles import ReachableInDomains, ReachableRoles
from rbac.engine.role_managers import DomainLinkGraph, LinkGraph
from rbac.engine.written import BUILTIN, EFFECTS, AskedWords, Basis, Decide, Reach, deciding

_EFFECTORS: Final = {getattr(default_effectors, name): name for name in EFFECTS}

# A policy may grow by so many rules (or by this share of it) before the index is built again.
_TAIL: Final = 32
_TAIL_SHARE: Final = 100


@dataclass(frozen=True, slots=True)
class Parts:
    """What a state of an enforcer is made of; ``tick`` is older than all that is read from it."""

    tick: int
    model: Model
    rtype: str
    ptype: str
    mtype: str
    functions: Mapping[str, Callable[..., Any]]
    role_managers: int
    conditional: bool
    enabled: bool
    effector: Any


@dataclass(frozen=True, slots=True)
class Compiled:
    """The state. ``arity`` is -1, and ``decide`` answers nothing, where everything is left to Casbin."""

    tick: int
    assertion: Any
    policy: Any
    count: int
    arity: int
    decide: Decide
    rows: Sequence[list[str]] = ()
    basis: Basis | None = None
    indexed: bool = False  # whether rules are found through look-ups

    def holds(self, now: int) -> bool:
        """Whether nothing changed since."""
        policy = self.assertion.policy
        return self.tick == now and policy is self.policy and len(policy) == self.count


def _nothing(_: AskedWords) -> None:
    return None


NOTHING: Final = Compiled(-1, Assertion(), None, -1, -1, _nothing)


def compiled(parts: Parts, old: Compiled, pause: Pause | None) -> Compiled:
    """Compile a state of an enforcer, with what still holds of an ``old`` one."""
    assertion = parts.model["p"][parts.ptype]
    policy = assertion.policy
    rows = list(policy)
    left_to_casbin = replace(NOTHING, tick=parts.tick, assertion=assertion, policy=policy, count=len(rows))
    recipe = _recipe(parts, assertion)
    if recipe is None:
        return left_to_casbin
    before = old.basis if old.basis is not None and old.basis.recipe == recipe else None
    try:
        matcher = (
            read_matcher(recipe.expression, recipe.request, recipe.rule, recipe.functions)
            if before is None
            else before.matcher
        )
    except NotCompiledError:
        return left_to_casbin
    indexed = bool(matcher.branches)
    index = None if before is None else _kept(old, before, policy, rows)
    if index is None:
        if not rows or not _all_strings(rows):
            return replace(left_to_casbin, indexed=indexed)
        index = RuleIndex(matcher, rows, len(recipe.rule))
        for _ in index.building():
            if pause is not None:
                pause()
    links = {name: _asking(parts.model["g"][name]) for name in recipe.functions.links}
    reaches = _reaches(parts, matcher, {} if old.basis is None else old.basis.reaches)
    basis = Basis(recipe, matcher, index, rows, parts.functions, links, reaches)
    arity = len(recipe.request)
    return Compiled(parts.tick, assertion, policy, len(rows), arity, deciding(basis), rows, basis, indexed)


def _recipe(parts: Parts, assertion: Assertion) -> Recipe | None:
    """What there is to compile, ``None`` if Casbin itself must answer."""
    model, functions = parts.model, parts.functions
    effect = _EFFECTORS.get(type(parts.effector))
    matchers = model.model.get("m", {})
    if not parts.enabled or parts.conditional or effect is None or "m" not in matchers:
        return None
    expression = matchers[parts.mtype].value
    if has_eval(expression) or _any_forbidden(functions):
        return None
    request, rule = tuple(model["r"][parts.rtype].tokens), tuple(assertion.tokens)
    columns = {name: place for place, name in enumerate(rule)}
    return Recipe(expression, request, rule, _functions(parts), effect, columns.get(f"{parts.ptype}_eft", -1))


def _any_forbidden(functions: Mapping[str, Callable[..., Any]]) -> bool:
    try:
        return any(function in simpleeval.DISALLOW_FUNCTIONS for function in tuple(functions.values()))
    except TypeError:  # not hashable: Casbin's evaluator raises the same for every request
        return True


def _functions(parts: Parts) -> Functions:
    names = frozenset(parts.functions) - OWN_FUNCTIONS
    links: dict[str, LinkKind] = {}
    if "g" in parts.model.model and parts.role_managers:
        links = {name: _kind_of(assertion.rm) for name, assertion in parts.model["g"].items()}
    builtin = frozenset(
        name for name, call in BUILTIN.items() if parts.functions.get(name) is call and name not in links
    )
    return Functions(names.union(links), builtin, links)


def _kind_of(manager: Any) -> LinkKind:
    if manager is None:
        return LinkKind.NONE
    plain = getattr(manager, "max_hierarchy_level", 0) > 0
    if type(manager) is LinkGraph:
        return LinkKind.NAMES if plain and manager.matching_func is None else LinkKind.CERTAIN
    if type(manager) is DomainLinkGraph:
        return LinkKind.DOMAINS if plain and manager.compares_names_only else LinkKind.CERTAIN
    return LinkKind.CERTAIN if type(manager) in (RoleManager, DomainManager) else LinkKind.OPAQUE


def _kept(old: Compiled, basis: Basis, policy: Any, rows: list[list[str]]) -> RuleIndex | None:
    """The old index, if all that happened since is that links changed or a few rules came at the end."""
    index = basis.index
    if old.policy is not policy or len(rows) < len(old.rows):
        return None
    added = rows[len(old.rows) :]
    if len(rows) - index.size > max(_TAIL, index.size // _TAIL_SHARE):
        return None
    if not all(map(is_, rows, old.rows)) or not _all_strings(added):
        return None
    for row in added:
        index.note(row)
    return index


def _all_strings(rows: Rows) -> bool:
    return {str} >= set(map(type, chain.from_iterable(paced(rows))))


def _reaches(parts: Parts, matcher: Matcher, old: Mapping[str, Reach]) -> dict[str, Reach]:
    reaches: dict[str, Reach] = {}
    for name in {hoist.function for hoist in matcher.hoists}:
        manager = parts.model["g"][name].rm
        kept = old.get(name)
        if kept is not None and kept[0] is manager and kept[1] == manager.changes:
            reaches[name] = kept
            continue
        changes = manager.changes
        reach = ReachableInDomains(manager) if type(manager) is DomainLinkGraph else ReachableRoles(manager)
        reaches[name] = (manager, changes, reach)
    return reaches


def _asking(assertion: Assertion) -> Callable[..., Any]:
    """The function ``g`` as Casbin makes it, over the role manager that is in force when it is called."""

    def linked(*args: Any) -> Any:
        return generate_g_function(assertion.rm)(*args)

    return linked
