"""Development: the local Cognito of `make run`, its people and programs, and starting again when code is saved.

Read ``cognito``, then ``people`` and ``machines``.
"""
