"""Ports of 127.0.0.1 that nobody else gets."""

import socket


def holder() -> socket.socket:
    """A socket that keeps a port as long as it is open, without listening there.

    Connections are refused, the system gives the port to nobody else, and a server that sets ``SO_REUSEADDR``, as they
    all do, can listen there.
    """
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", 0))
    return bound


def free_port() -> int:
    """A port that nothing listens on, kept until this process ends."""
    bound = holder()
    port: int = bound.getsockname()[1]
    bound.detach()
    return port
