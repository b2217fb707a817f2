"""Roles and persons: misspelled, unknown, never held, linked for nothing."""
