"""Whether an issuer is set up as a policy needs it: looked at from outside, and nothing is changed.

Read ``issuer_setup`` (what is looked at), ``finding`` (what is found), ``examination``, then what it looks at: ``issuer``
over HTTP, and by the API of Amazon Cognito (``aws``) ``pool``, ``clients``, ``domain`` and ``names``.
"""
