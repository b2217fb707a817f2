"""Every request that documents can tell apart, in finitely many classes; ``docs/space.md`` says why that is enough.

Face: :class:`~rbac.space.space.Space`. Read ``word_values`` (the values of one word), ``vocabularies`` (of all of them),
``rule_masks`` (which rules a value meets), ``residue`` and ``demands`` (what a matcher leaves to demand), ``space``,
``callers`` (who asks).
"""
