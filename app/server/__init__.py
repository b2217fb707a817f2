"""How the service is served: uvicorn, with limits, a stop that drains, and workers that are replaced.

``listener``: what the HTTP server and the application tell each other. ``exchange``: one request and its answer.
``timing``: the time that a connection has. ``protocol``: a connection, with its limits. ``worker``: one process that
serves. ``supervisor``: several of them, kept alive.
"""
