"""The checks behind :func:`rbac.lint.lint`, one concern a module."""
