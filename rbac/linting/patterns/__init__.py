"""Patterns that mean something else than they seem to, or take too long. Read ``in_patterns``."""
