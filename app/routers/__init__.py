"""The endpoints, a file for each surface. None checks a permission: a request that gets here was allowed.

Read ``protected`` first, then ``me`` and ``authzen``.
"""
