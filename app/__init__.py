"""The service: Cognito says who, ``policy.csv`` says what they may do. What decides is in ``rbac``.

Begin at ``main`` (what is stacked on what) and ``lifespan`` (what is built once, and who is given it);
``documents`` is what it decides by; ``config`` is the face of the settings.
"""
