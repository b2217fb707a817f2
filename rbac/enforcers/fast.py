"""Casbin's enforcer for ``cache_key_order``, with an index."""

# mypy: disallow-untyped-calls=False
# Casbin, which this class extends, has no annotations.

import copy
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from casbin.core_enforcer import CoreEnforcer, EnforceContext
from casbin.fast_enforcer import FastEnforcer
from casbin.model.model import Model

from rbac.background import Pause
from rbac.enforcers.fast_model import KeptModel, RuleRow, all_rows, rows_with
from rbac.engine.enforcer import IndexedEnforcer
from rbac.engine.state import NOTHING, Compiled, compiled
from rbac.model.expression import ExpressionError, parse


@dataclass(frozen=True, slots=True)
class _Narrowed:
    """The state over rules that count only where they have the request's words, and what it was made of, if it was."""

    tick: int
    policy: Any
    changes: int
    state: Compiled

    @property
    def made(self) -> bool:
        return self.policy is not None

    def holds(self, now: int, policy: Any) -> bool:
        return self.tick == now and self.policy is policy and self.changes == _changes(policy)


_COLUMNS = 2
_NOT_YET = _Narrowed(-1, None, -1, NOTHING)


class IndexedFastEnforcer(IndexedEnforcer, FastEnforcer):
    """``casbin.FastEnforcer`` with an index: same constructor, same methods, same answers and errors.

    With ``cache_key_order``, of which ``[2, 1]`` says "the third and the second word", :meth:`enforce` looks only at rules
    whose columns are equal to these words of the request; where there is none, it answers as without any rule. That is
    no index but another meaning: a pattern in such a column matches nothing but itself. ``enforce_ex`` looks at all rules.
    Without it this is an :class:`IndexedEnforcer`, which needs none to be fast.

    Unlike Casbin's, which puts a filter on the rules while it answers, it may be asked by several threads.
    """

    _cache_key_order: Any  # a sequence of places, or None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._narrow = _NOT_YET
        super().__init__(*args, **kwargs)

    def __getstate__(self) -> dict[str, Any]:
        return super().__getstate__() | {"_narrow": _NOT_YET}

    # Casbin makes an instance's method of a static one, too.
    def new_model(self, path: str = "", text: str = "") -> Any:  # type: ignore[override] # static in Casbin
        """A model of a file or a text, which keeps rules by the columns that ``cache_key_order`` names, if any."""
        if self._cache_key_order is None:
            return super().new_model(path, text)
        model = KeptModel(self._cache_key_order)
        if path:
            model.load_model(path)
        else:
            model.load_model_from_text(text)
        return model

    def enforce(self, *rvals: Any) -> bool:
        """Whether the request is allowed: the same as Casbin's, found through the index."""
        if self._cache_key_order is None:
            return super().enforce(*rvals)
        keys = [rvals[place] for place in self._cache_key_order]
        narrow = self._narrowed()
        rows, state = rows_with(narrow.policy, keys), narrow.state
        if rows and len(rvals) == state.arity:
            answer = state.decide(rvals)
            if answer is not None:
                self._log(rvals, answer[0])
                return answer[0]
        # Casbin itself, on a copy that holds these rules alone.
        asked = copy.copy(self)
        asked.__dict__["model"] = _model(self.model, map(list, tuple(rows)))
        return bool(CoreEnforcer.enforce_ex(asked, *rvals)[0])

    def _current(self, pause: Pause | None = None) -> Compiled:
        return super()._current(pause) if self._goes_through else NOTHING

    def _of_context(self, context: EnforceContext) -> Compiled:
        return super()._of_context(context) if self._goes_through else NOTHING

    @property
    def _goes_through(self) -> bool:
        """Whether Casbin can go through all rules: it fails over those that are kept by one column or three."""
        return self._cache_key_order is None or len(self._cache_key_order) == _COLUMNS

    def _narrowed(self) -> _Narrowed:
        known, policy = self._narrow, self.model.model["p"]["p"].policy
        if known.holds(self.clock.now, policy) or (known.made and self.clock.changing_elsewhere):
            return known
        with self.clock.lock:
            if not self._narrow.holds(self.clock.now, policy):
                now, changes = self.clock.now, _changes(policy)
                self._narrow = _Narrowed(now, policy, changes, self._compiled_over(policy))
            return self._narrow

    def _compiled_over(self, policy: Any) -> Compiled:
        """The matcher behind "and these words are equal", where that means what Casbin does."""
        parts = self._parts("r", "p", "m")
        rows, sections = all_rows(policy), self.model.model
        try:
            parse(sections["m"]["m"].value)
            request, rule = (sections[section][section].tokens for section in "rp")
            equal = "".join(f"{request[place]} == {rule[place]} && " for place in self._cache_key_order)
        except (ExpressionError, LookupError):
            return NOTHING  # Casbin has an error of its own for each
        if not {len(rule)} >= set(map(len, rows)):
            return NOTHING  # an error, but only for requests that come to the row
        return compiled(replace(parts, model=_model(self.model, rows, equal)), self._narrow.state, None)


def _changes(policy: Any) -> int:
    """How often the rules changed, if they count that: those of a ``FastModel`` that was made elsewhere do not."""
    return getattr(policy, "changes", 0)


def _model(model: Model, rows: Iterable[RuleRow], equal: str = "") -> Model:
    """The same model with these rules alone, whose matcher begins with ``equal``."""
    other = copy.copy(model)
    rules = copy.copy(model.model["p"]["p"])
    rules.policy = list(rows)
    other.model = {**model.model, "p": {**model.model["p"], "p": rules}}
    if equal:
        matcher = copy.copy(model.model["m"]["m"])
        matcher.value = f"{equal}({matcher.value})"
        other.model["m"] = {**model.model["m"], "m": matcher}
    return other
