"""Casbin's enforcer for adapters that are waited for, with an index."""

from casbin.async_enforcer import AsyncEnforcer

from rbac.engine.enforcer import Indexed, spans_changes


@spans_changes
class IndexedAsyncEnforcer(Indexed, AsyncEnforcer):
    """``casbin.AsyncEnforcer`` with an index: same constructor, same methods, same answers, errors and explanations.

    While a method waits for its adapter, requests are answered by what it did until then, as of Casbin. Threads other
    than the loop's own may ask, and never see the middle of a change.
    """
