"""Who vouches for callers: ``provider`` is the table of issuers, a module for each holds its rules (``openid`` those of
any, whose ``discovery`` says where its keys are; ``access`` those of access tokens); ``authenticator`` owns
what verifies their tokens, through ``cloudauth``.
"""
