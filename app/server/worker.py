"""One process that serves, and how it stops: not ready, then deaf, then gone, and with 0 if that was wanted."""

import asyncio
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from uvicorn.server import HANDLED_SIGNALS

from app.server.listener import STATE, Listener
from rbac.background import freeze

log = logging.getLogger("app.server")

_ONE_SIGNAL_S = 1.0  # Ctrl-C reaches everybody in the foreground, and some of them pass it on


class Server(uvicorn.Server):
    """uvicorn's server with a stop in three steps.

    The first SIGTERM or SIGINT makes the service say that it is not ready, while it serves on, new connections
    included, for the listener's ``shutdown_delay``: whoever sends requests here has that long to hear of it. Then it
    listens no more, finishes what it has begun, and ends. A signal within a second of the first is the same one; a
    later one only ends the delay.
    """

    def __init__(self, config: uvicorn.Config, *, parent: int | None = None) -> None:
        """``parent``: the process without which this one has no reason to serve."""
        super().__init__(config)
        self._parent = parent
        self._asked_at = 0.0
        self._hurried = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Opens the application and listens."""
        await super().startup(sockets)
        freeze()  # the policy, above all

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Ends without raising the signal again: a stop that was asked for is no failure, and its code is 0."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        for number in HANDLED_SIGNALS:
            signal.signal(number, self.handle_exit)
        try:
            yield
        finally:
            for number in HANDLED_SIGNALS:
                signal.signal(number, signal.SIG_IGN)  # a second one must not end the ending

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The signal handler."""
        del sig, frame
        now = time.monotonic()
        if not self.should_exit:
            self.should_exit = True
            self._asked_at = now
        elif now - self._asked_at > _ONE_SIGNAL_S:
            self._hurried = True

    async def on_tick(self, counter: int) -> bool:
        """Whether to stop; called ten times a second."""
        if self._parent is not None and os.getppid() != self._parent and not self.should_exit:
            log.critical("the parent process is gone: stopping")
            self.should_exit = True
        return await super().on_tick(counter)

    async def main_loop(self) -> None:
        """Serves until it is time to close the listener."""
        await super().main_loop()
        listener: Listener | None = self.lifespan.state.get(STATE)
        if listener is None:
            return
        listener.draining = True
        until = time.monotonic() + listener.shutdown_delay
        if listener.shutdown_delay:
            log.info("stopping: not ready any more, serving for %g s more", listener.shutdown_delay)
        counter = 0
        while time.monotonic() < until and not self._hurried:
            await asyncio.sleep(0.1)
            counter += 1
            await self.on_tick(counter)
