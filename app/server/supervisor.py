"""Several workers behind one listening socket, each replaced when it dies, by a parent that ends only when told to."""

import logging
import os
import signal
import time
from socket import socket

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from app.server.worker import Server

log = logging.getLogger("app.server")

_ANSWER_S = 1.0  # for a worker to answer its parent
_MOST_SILENCES = 30  # in a row, until a worker is taken for stuck
_FIRST_RETRY_S = 1.0
_LONGEST_RETRY_S = 30.0
_END_S = 30.0  # beyond the delay of a stop: what is under way, and the decision log


class Worker(Process):
    """One worker process, as its parent sees it."""

    silences = 0

    def __init__(self, config: uvicorn.Config, sockets: list[socket]) -> None:
        self.parent = os.getpid()
        super().__init__(config, sockets)

    @property
    def server(self) -> uvicorn.Server:
        if self._server is None:
            self._server = Server(self.config, parent=self.parent)
        return self._server

    def look(self) -> bool | None:
        """Whether it serves; ``None`` when it is dead, or silent for so long that it is stuck."""
        if not self.process.is_alive():
            return None
        started = self._healthcheck(_ANSWER_S)
        self.silences = 0 if started is not None else self.silences + 1
        return None if self.silences > _MOST_SILENCES else bool(started)


class Supervisor(Multiprocess):
    """Starts the workers, replaces the dead, and stops them all.

    A worker that cannot start ends the whole only while none has ever served: the settings or the policy are wrong
    then. Later the others go on, and starting it is tried again, at most every 30 seconds.
    """

    processes: list[Worker]  # type: ignore[assignment]  # its own kind of them

    def __init__(
        self,
        config: uvicorn.Config,
        sockets: list[socket],
        *,
        first: uvicorn.Config | None = None,
        delay: float = 0.0,
    ) -> None:
        """``first`` is of the workers that it starts with, ``config`` of those that come later. ``delay``: seconds that
        workers serve on after they were told to stop."""
        super().__init__(config, sockets)
        self._first = first or config
        self.exit_code = 0
        self._delay = delay
        self._ever_served = False
        self._again_at: dict[int, float] = {}
        self._wait_s = _FIRST_RETRY_S

    def run(self) -> int:  # type: ignore[override]  # uvicorn's tells nobody how it ended
        """Serves until a signal ends it; the exit code."""
        log.info("started the parent of %d workers [%d]", self.processes_num, os.getpid())
        self.init_processes()
        while not self.should_exit.wait(0.2):
            self.handle_signals()
            self.keep_subprocess_alive()
        for each in self.sockets:
            each.close()
        self.terminate_all()
        self.join_all()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # a second one must not end the ending
        log.info("stopped the parent [%d]", os.getpid())
        return self.exit_code

    def init_processes(self) -> None:
        self.processes += [self._started(self._first) for _ in range(self.processes_num)]
        self._first = self.config

    def join_all(self) -> None:
        """Waits for the workers to end; a stuck one is killed, which is no good end."""
        deadline = time.monotonic() + self._delay + _END_S
        for worker in self.processes:
            worker.process.join(max(0.1, deadline - time.monotonic()))
            if worker.process.is_alive():
                log.error("worker [%s] does not stop, and is killed", worker.pid)
                worker.process.kill()
                worker.process.join()
                self.exit_code = self.exit_code or 1

    def keep_subprocess_alive(self) -> None:
        """Looks at each worker once, and replaces those that are gone."""
        for place, worker in enumerate(self.processes):
            if self.should_exit.is_set() or self.signal_queue:
                return
            if place in self._again_at:
                if time.monotonic() >= self._again_at[place]:
                    del self._again_at[place]
                    self.processes[place] = self._started()
                continue
            serving = worker.look()
            if serving:
                self._ever_served = True
                self._wait_s = _FIRST_RETRY_S
            elif serving is None:
                self._replace(place, worker)

    def _replace(self, place: int, worker: Worker) -> None:
        worker.kill()  # it may be stuck
        worker.process.join()
        if worker.exitcode != STARTUP_FAILURE:
            log.critical("worker [%s] died (%s): starting another", worker.pid, worker.exitcode)
            self.processes[place] = self._started()
        elif self._ever_served:
            log.critical("worker [%s] could not start: trying again in %g s", worker.pid, self._wait_s)
            self._again_at[place] = time.monotonic() + self._wait_s
            self._wait_s = min(2 * self._wait_s, _LONGEST_RETRY_S)
        else:
            log.critical("worker [%s] could not start: stopping", worker.pid)
            self.exit_code = STARTUP_FAILURE
            self.should_exit.set()

    def _started(self, config: uvicorn.Config | None = None) -> Worker:
        worker = Worker(config or self.config, self.sockets)
        worker.start()
        return worker

    def restart_all(self) -> None:
        """SIGHUP: each worker is replaced by one that serves already."""
        for place, old in enumerate(self.processes):
            new = self._started()
            if self.should_exit.is_set() or not new.wait_until_ready(_MOST_SILENCES, self.should_exit):
                new.kill()
                new.process.join()
                log.error("worker [%s] was not ready in time: the old ones stay", new.pid)
                return
            old.terminate()
            old.process.join()
            self.processes[place] = new

    def handle_ttin(self) -> None:
        """SIGTTIN: one worker more."""
        self.processes_num += 1
        self.processes.append(self._started())
