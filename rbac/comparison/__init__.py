"""Which requests two policies answer differently, found without asking each of them.

Read ``touched`` (which rules an edit can make a difference by), ``comparison`` (one caller), ``holders`` (what tells rules
apart), ``crowd`` (thousands of callers at once), ``search`` (any one request).
"""
