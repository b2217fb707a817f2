"""Who is calling: what a token says, whose key signed it, and the principal that it names.

In the order of a token's way: ``credentials`` finds it in a request and ``recognition`` whose it is, ``token_format`` reads
it, ``key_set`` and ``keys`` hold the issuer's keys (``addresses`` and ``fetching`` get at them), ``claims`` says what must
be claimed, ``principal`` what comes of it, ``token_cache`` remembers.
"""
