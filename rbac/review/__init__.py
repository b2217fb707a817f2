"""Who can do what.

Read ``access`` (`can`, `who-can`), ``matrix``; the rest is how they are shown.
"""
