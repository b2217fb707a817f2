"""``model.conf``: which words a request has, what a rule's columns are, and what the matcher compares with what.

Face: :class:`~rbac.model.definition.Definition`. Read ``entries``, ``definition``, then ``expression`` (the
matcher's language, by ``parser``), ``functions`` (the one table of Casbin's functions), ``comparisons`` and
``conditions`` (what a matcher says, understood), ``request_shape`` (which word is who, what and how).
"""
