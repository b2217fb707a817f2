"""How the service is served: uvicorn, with limits, a stop that drains, and workers that are replaced.

``listener``: what the HTTP server and the application tell each other. ``protocol``: a connection, with its limits.
``worker``: one process that serves. ``supervisor``: several of them, kept alive.
"""
