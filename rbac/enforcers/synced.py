"""Casbin's enforcer with a lock around it, with an index inside."""

# mypy: disallow-untyped-calls=False
# Casbin, which this class extends, has no annotations.

from typing import Any

from casbin.synced_enforcer import SyncedEnforcer

from rbac.engine.enforcer import IndexedEnforcer


class IndexedSyncedEnforcer(SyncedEnforcer):
    """``casbin.SyncedEnforcer`` over an :class:`IndexedEnforcer`: same constructor, same methods, same locks and answers.

    An :class:`IndexedEnforcer` may be asked by any number of threads itself. What this one adds is Casbin's:
    ``start_auto_load_policy``, and changes and requests that wait for one another.
    """

    def __init__(self, model: Any = None, adapter: Any = None) -> None:
        super().__init__(model)  # the locks; rules are loaded once, by what answers
        self._e = IndexedEnforcer(model, adapter)
