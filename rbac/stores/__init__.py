"""Where documents come from, behind one small protocol: read what is there now, and say when it may have changed.

Face: :class:`Store` and :class:`Snapshot`; :class:`DistantStore` may be out of reach.
Read ``store``, ``file``, ``watched`` (files of one moment, and their events), ``writers`` (is somebody writing one still?),
``cache`` (the last good one), ``adapter`` (by any
adapter of Casbin's; with ``adapter_rows`` and ``own_loop``); ``postgres`` is a folder of its own, which the extra
``postgres`` is for.
"""

from rbac.stores.store import DistantStore, Snapshot, Store, StoreState

__all__ = ["DistantStore", "Snapshot", "Store", "StoreState"]
