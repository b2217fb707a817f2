"""What a reload is made of: a document that is judged, work that gives way to a newer one, and who is told.

:class:`rbac.live.LivePolicy` puts it together. Read ``judging``, ``giving_way``, ``callbacks``, ``watch``, ``reloaded``
(what is common to all that is reloaded).
"""
