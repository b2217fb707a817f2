"""Who was sent away, and since when: ``revocations.csv``, beside the policy.

Read ``row`` (one line of it), ``reading`` (bytes to rows, or every problem), ``table`` (whom they meet: one look-up),
``file`` (where it is, watched), ``live`` (the rows in force, and the last good ones on failure), ``writing`` (a row more,
and rows that are over), ``ahead`` (rows of a moment that is yet to come).
"""
