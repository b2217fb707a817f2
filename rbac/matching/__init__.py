"""Patterns: what Casbin's functions match, in a time that grows with the path alone, and as sets of paths.

Face: :mod:`~rbac.matching.key_match`. Read ``key_match``, ``linear`` (matching without going back, by ``scanner``,
``backtracking`` and ``repeated_names``), then ``charset``, ``automaton``, ``value_classes`` and ``languages`` (what
two patterns have in common).
"""
