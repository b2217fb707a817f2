"""What an edit changes: for roles, for people, and which line or link it is by.

Read ``differences`` (the records), ``diff``, ``overview`` (what becomes of people and names), ``shown``; the rest is how it
is told.
"""
