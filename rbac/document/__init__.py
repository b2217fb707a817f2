"""A model and a policy, read strictly: bytes to a document, or to every problem at once.

Face: :class:`~rbac.document.document.Document`. Read ``document``, ``rows`` (the policy file), ``checks``,
``role_links``, ``names`` (who is a role, who a person), ``decisions`` (what each rule decides), ``formatting`` (`rbac fmt`).
"""
