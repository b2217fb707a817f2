"""Text as people write and read it: bytes to characters, characters that are seen, words that look alike.

Knows nothing of policies. Read :mod:`~rbac.text.source` first: a file's bytes, its lines and what is wrong with them.
"""
