"""One application on a socket that the parent has bound: ``serve.py NAME FD WORKERS SETUP-AS-JSON``."""

import json
import os
import socket
import sys
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from benchmarks.service.apps import APPS, OURS, Setup

_TOLD = "BENCHMARKS_SERVED"


def main() -> None:
    """Serves until it is ended."""
    name, descriptor, workers, setup = sys.argv[1:5]
    os.environ[_TOLD] = json.dumps([name, setup])
    listening = socket.socket(fileno=int(descriptor))
    if name.startswith(OURS):
        _serve_ours(listening, int(workers))
    else:
        config = uvicorn.Config(app(), loop="uvloop", http="httptools", access_log=False, log_level="warning")
        uvicorn.Server(config).run(sockets=[listening])


def app() -> ASGIApp:
    """The application that this process, or the one that started it, was told to serve."""
    name, setup = json.loads(os.environ[_TOLD])
    given = json.loads(setup)
    made = Setup(given["issuer"], Path(given["policy"]), Path(given["scratch"]), given["decision_log"])
    return APPS[name](made)


def _serve_ours(listening: socket.socket, workers: int) -> None:
    """As ``python -m app`` serves it. Its modules are not loaded beside any other application."""
    from app.metrics import shared_by
    from app.server.protocol import Connection
    from app.server.supervisor import Supervisor
    from app.server.worker import Server

    config = uvicorn.Config(
        "benchmarks.service.serve:app",
        factory=True,
        workers=workers,
        http=Connection,
        log_config=None,
        access_log=False,
        server_header=False,
    )
    if workers > 1:
        with shared_by(workers):
            Supervisor(config, [listening]).run()
    else:
        Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
