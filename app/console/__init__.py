"""The console: a page for the security team, and the questions about the policy that it asks.

Read ``answers`` (what is asked, answered by the library), ``drafts`` and ``publications`` (of another document than the
one in force; with ``differences``), ``clerk`` (the process that works them out; ``wire`` brings it documents), ``desk``
(who waits for it), ``archive`` (the versions in a database, read and added to), ``tally`` (what was decided this hour),
``stream`` (decisions as they come), and ``page``, which serves the files in ``static``.
"""
