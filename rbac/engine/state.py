"""One immutable answer machine for one state of a Casbin model: what the enforcer publishes with one assignment."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
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
from rbac.engine.matcher import OWN_FUNCTIONS, Functions, LinkKind, Matcher, NotCompiledError
from rbac.engine.reachable_roles import ReachableInDomains, ReachableRoles
from rbac.engine.role_managers import DomainLinkGraph, LinkGraph
from rbac.engine.written import EFFECTS, REPLACED, AskedWords, Basis, Decide, Environment, Shape, deciding
from rbac.model.functions import MATCHING

# Casbin's functions whose answers are known to be true or false. The matcher knows what each does.
_BUILTIN: Final[Mapping[str, Callable[..., Any]]] = {name: MATCHING[name].call for name in REPLACED}
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
class Recipe:
    """What the matcher's code depends on: with an equal recipe, an index over the same rows serves again."""

    expression: str
    request: tuple[str, ...]
    rule: tuple[str, ...]
    functions: Functions
    effect: str


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
    recipe: Recipe | None = None
    matcher: Matcher | None = None
    basis: Basis | None = None
    reaches: Mapping[str, tuple[Any, int, ReachableRoles | ReachableInDomains]] = field(default_factory=dict)

    def holds(self, now: int) -> bool:
        """Whether nothing changed since."""
        policy = self.assertion.policy
        return self.tick == now and policy is self.policy and len(policy) == self.count

    @property
    def indexed(self) -> bool:
        """Whether rules are found through look-ups."""
        return self.matcher is not None and bool(self.matcher.branches)


def _nothing(_: AskedWords) -> None:
    return None


NOTHING: Final = Compiled(-1, Assertion(), None, -1, -1, _nothing)


def compiled(parts: Parts, old: Compiled, pause: Pause | None) -> Compiled:
    """Compile a state of an enforcer, with what still holds of an ``old`` one."""
    assertion = parts.model["p"][parts.ptype]
    policy = assertion.policy
    rows = list(policy)
    left_to_casbin = Compiled(parts.tick, assertion, policy, len(rows), -1, _nothing, rows)
    recipe = _recipe(parts, assertion)
    if recipe is None:
        return left_to_casbin
    matcher = old.matcher if old.recipe == recipe else None
    try:
        matcher = matcher or read_matcher(recipe.expression, recipe.request, recipe.rule, recipe.functions)
    except NotCompiledError:
        return left_to_casbin
    index = _kept(old, matcher, policy, rows)
    if index is None:
        if not rows or not _all_strings(rows):
            return _with(left_to_casbin, recipe, matcher)
        index = RuleIndex(matcher, rows, len(recipe.rule))
        for _ in index.building():
            if pause is not None:
                pause()
    reaches = _reaches(parts, matcher, old)
    environment = Environment(
        functions=parts.functions,
        builtin=_BUILTIN,
        links={name: _asking(parts.model["g"][name]) for name in recipe.functions.links},
        reach=[reaches[hoist.function][2] for hoist in matcher.hoists],
    )
    basis = Basis(matcher, _shape(recipe, parts.ptype), index, rows, environment)
    arity, decide = len(recipe.request), deciding(basis)
    return Compiled(
        parts.tick, assertion, policy, len(rows), arity, decide, rows, recipe, matcher, basis, reaches
    )


def _with(state: Compiled, recipe: Recipe, matcher: Matcher) -> Compiled:
    return Compiled(
        state.tick,
        state.assertion,
        state.policy,
        state.count,
        -1,
        _nothing,
        state.rows,
        recipe,
        matcher,
    )


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
    return Recipe(
        expression,
        tuple(model["r"][parts.rtype].tokens),
        tuple(assertion.tokens),
        _functions(parts),
        effect,
    )


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
        name for name in REPLACED if parts.functions.get(name) is _BUILTIN[name] and name not in links
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


def _kept(old: Compiled, matcher: Matcher, policy: Any, rows: list[list[str]]) -> RuleIndex | None:
    """The old index, if all that happened since is that links changed or a few rules came at the end."""
    if old.basis is None:
        return None
    index = old.basis.index
    if old.matcher is not matcher or old.policy is not policy or len(rows) < len(old.rows):
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


def _shape(recipe: Recipe, ptype: str) -> Shape:
    columns = {name: place for place, name in enumerate(recipe.rule)}
    return Shape(len(recipe.request), len(recipe.rule), recipe.effect, columns.get(f"{ptype}_eft", -1))


def _reaches(
    parts: Parts, matcher: Matcher, old: Compiled
) -> dict[str, tuple[Any, int, ReachableRoles | ReachableInDomains]]:
    reaches = {}
    for name in {hoist.function for hoist in matcher.hoists}:
        manager = parts.model["g"][name].rm
        kept = old.reaches.get(name)
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
