"""One application, one uvicorn worker, on a socket that the parent has bound: ``serve.py NAME FD SETUP-AS-JSON``."""

import json
import socket
import sys
from pathlib import Path

import uvicorn

from benchmarks.service.apps import APPS, Setup


def main() -> None:
    """Serves until it is ended."""
    name, descriptor, setup = sys.argv[1:4]
    given = json.loads(setup)
    app = APPS[name](
        Setup(given["issuer"], Path(given["policy"]), Path(given["scratch"]), given["decision_log"])
    )
    config = uvicorn.Config(app, loop="uvloop", http="httptools", access_log=False, log_level="warning")
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=int(descriptor))])


if __name__ == "__main__":
    main()
