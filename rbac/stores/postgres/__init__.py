"""A document in PostgreSQL, shared by many replicas: versions that only grow, and who was told of which.

The extra ``postgres`` brings the driver. PostgreSQL copies, locks and notifies; nothing here replicates anything.
Read ``address`` and ``session`` (a connection that never waits for ever), ``sql`` and ``migrations`` (the tables),
``versions`` (what was published), ``following`` and ``store`` (what a replica reads and waits for), ``replicas`` (what
each runs), ``revocations`` (who was sent away).
"""
