"""``python -m app``: reads the settings, gates the policy, and only then starts uvicorn."""

import os
import resource
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import uvicorn
from uvicorn.config import STARTUP_FAILURE

from app.config import Settings, SettingsError, load_settings
from app.documents import Documents, HeadStart, Judgements, documents
from app.lifespan import judged_by
from app.logs.setup import configure_logging
from app.main import app, knowing
from app.metrics import shared_by
from app.server.protocol import Connection
from app.server.supervisor import Supervisor
from app.server.worker import Server
from app.start_error import StartError

_CACHE = "POLICY_CACHE"
_OTHER_FILES = 128  # that a worker has open besides its connections


def main() -> int:
    """Serves until a signal ends it: 0. 2, after one message, when a setting or the policy is refused."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))  # a stop before there is anything to stop
    try:
        settings = load_settings()
        with kept_for(settings) as settings:
            configure_logging(settings)
            loaded = documents(settings, judged_by(app), strictly=True)
            with shared_by(settings.workers):
                return (
                    _serve(settings, loaded)
                    if settings.workers == 1
                    else _supervise(settings, loaded.judgements())
                )
    except (SettingsError, StartError) as error:
        print(error, file=sys.stderr)
        return 2


def _serve(settings: Settings, loaded: Documents) -> int:
    """Serves by what is loaded, in this process, to its end; the exit code."""
    server = Server(_config(settings, loaded))
    server.run()
    return 0 if server.started else STARTUP_FAILURE


def _supervise(settings: Settings, judged: Judgements) -> int:
    """Has workers serve, to their end; the exit code.

    What was judged here counts for the workers that are started with it. One that comes later judges for itself: the
    program and what it imports may have become another.
    """
    later = _config(settings)
    sockets = [later.bind_socket()]
    return Supervisor(later, sockets, first=_config(settings, judged), delay=settings.shutdown_delay).run()


def _config(settings: Settings, head_start: HeadStart | None = None) -> uvicorn.Config:
    _have_files(settings.limit_connections + _OTHER_FILES)
    return uvicorn.Config(
        partial(knowing, head_start),
        factory=True,
        host=settings.listen_address,
        port=settings.port,
        workers=settings.workers,
        http=Connection,
        log_config=None,
        access_log=False,
        proxy_headers=True,
        forwarded_allow_ips=list(settings.forwarded_allow_ips),
        server_header=False,
        timeout_keep_alive=settings.keep_alive,
        timeout_graceful_shutdown=10,
    )


@contextmanager
def kept_for(settings: Settings) -> Iterator[Settings]:
    """``settings`` with a place for the last good document: several workers get one of their own where none is set."""
    if settings.policy_cache is not None or settings.workers == 1:
        yield settings
        return
    with tempfile.TemporaryDirectory(prefix="sekisho-policy-") as directory:
        os.environ[_CACHE] = directory
        try:
            yield load_settings()
        finally:
            del os.environ[_CACHE]


def _have_files(wanted: int) -> None:
    """As many open files as it takes to keep to the limit of connections, as far as this user may have them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))


if __name__ == "__main__":
    sys.exit(main())
