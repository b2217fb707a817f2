"""Casbin's other enforcers with an index: same constructors, same methods, same answers.

Face: :class:`IndexedAsyncEnforcer`, :class:`IndexedSyncedEnforcer`, :class:`IndexedFastEnforcer`.
Read ``asynchronous``, ``synced``, ``fast``, ``fast_model``; what they share is :mod:`rbac.engine.enforcer`.
"""

from rbac.enforcers.asynchronous import IndexedAsyncEnforcer
from rbac.enforcers.fast import IndexedFastEnforcer
from rbac.enforcers.synced import IndexedSyncedEnforcer

__all__ = ["IndexedAsyncEnforcer", "IndexedFastEnforcer", "IndexedSyncedEnforcer"]
