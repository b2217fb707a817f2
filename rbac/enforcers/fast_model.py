"""Casbin's model that keeps its rules by the words of some of their columns, and says when they change."""

# mypy: disallow-untyped-calls=False
# Casbin, which these classes extend, has no annotations.

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from casbin.model.model_fast import FastModel
from casbin.model.policy_fast import FastPolicy, in_cache

RuleRow = Sequence[str]
NO_ROWS: frozenset[RuleRow] = frozenset()


class KeptRules(FastPolicy):
    """Casbin's rules by key, with a count of their changes."""

    changes = 0

    def append(self, item: RuleRow) -> None:
        super().append(item)
        self.changes += 1  # afterwards: whoever reads both meanwhile looks again

    def remove(self, policy: RuleRow) -> bool:
        removed = bool(super().remove(policy))
        self.changes += 1
        return removed


class KeptModel(FastModel):
    """Casbin's model for ``cache_key_order``, whose rules are :class:`KeptRules`."""

    def add_def(self, sec: str, key: str, value: Any) -> None:
        super().add_def(sec, key, value)
        self._keep_rules(sec, key)

    def clear_policy(self) -> None:
        super().clear_policy()
        self._keep_rules("p", "p")

    def _keep_rules(self, sec: str, key: str) -> None:
        if sec == key == "p":
            self.model["p"]["p"].policy = KeptRules(self._cache_key_order)


def rows_with(policy: FastPolicy, keys: Sequence[Any]) -> AbstractSet[RuleRow]:
    """The rules that have ``keys`` in the columns they are kept by. Raises as Casbin does for what cannot be a key, and
    for rules that are no longer kept by any."""
    return in_cache(policy._cache, keys) or NO_ROWS  # noqa: SLF001 - Casbin's filter reads the same


def all_rows(policy: FastPolicy) -> list[list[str]]:
    """Every rule, those of one key in the order in which Casbin would try them."""
    found: list[list[str]] = []
    pending: list[Any] = [policy._cache]  # noqa: SLF001 - Casbin's own iterator knows two columns only
    while pending:
        kept = pending.pop()
        if isinstance(kept, Mapping):
            pending += kept.values()
        else:
            found += map(list, kept)
    return found
