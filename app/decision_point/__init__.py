"""Questions of other programs, decided by the live policy or by a document of their own.

Read ``point``, ``document``, ``question`` (as AuthZEN asks it), ``words`` (how it fills the model's words),
``entities``, ``shadow``.
"""
