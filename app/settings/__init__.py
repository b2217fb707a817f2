"""The settings: fields, what their values mean, which go together, where they come from.

:mod:`app.config` is the face. Read ``fields`` and the subjects it names, ``defaults``, ``values``, ``derived``, ``rules``,
``machine``, ``env_files``, ``aws``.
"""
