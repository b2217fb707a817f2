"""What is wrong or suspicious in a document that can be read: one concern a file.

Face: :func:`~rbac.linting.lint.lint`. ``reading`` is what every lint is given; then ``model``, ``names`` (roles and
persons), ``words`` (methods and paths), ``patterns``, ``rules`` (what a rule does beside the others), ``routes``.
"""
