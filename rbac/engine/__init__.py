"""Casbin's answers, looked up: rules are found by an index, and the compiled matcher has the last word on each.

Face: :class:`~rbac.engine.enforcer.IndexedEnforcer`; those in place of Casbin's others are in :mod:`rbac.enforcers`.
Read ``enforcer``, ``changes`` (what a change is), ``state`` (what is compiled from a document), ``index`` and
``path_tree`` (which rules could match), ``matcher``, ``matcher_facts``, ``matcher_code`` and ``lookups`` (what can be
looked up in a matcher), ``written`` (the functions that answer), ``role_managers`` and ``reachable_roles``.
"""
