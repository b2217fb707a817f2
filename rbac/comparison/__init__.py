"""Which requests two policies answer differently, found without asking each of them.

Read ``touched`` (which rules an edit can make a difference by), ``sides`` (the rules of both), ``holders`` (what tells rules
apart), ``comparison`` (one caller), ``crowd`` (thousands of callers at once), ``search`` (any one request).
"""
